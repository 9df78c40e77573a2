"""Write files that appear under their names only once they are complete."""

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pandas import DataFrame


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what is written there becomes `path` at the end.

    If the block raises, the temporary file is removed and an existing `path` stays as it was. The
    folder is made where it is missing; the suffix is kept, since many writers look at it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid4().hex}{path.suffix}")
    try:
        yield temporary
        with open(temporary, "rb+") as stream:
            os.fsync(stream.fileno())  # else a power cut may leave a complete name on no content
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_npz(path: Path, **arrays: NDArray[Any]) -> None:
    """Write arrays to an uncompressed NPZ file; equal arrays give equal bytes.

    Parameters
    ----------
    path : Path
        Where to write them, atomically.
    **arrays : array
        The arrays by their names.
    """
    with atomic(path) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a mapping as JSON. JSON has no word for NaN and infinity: they become null.

    Parameters
    ----------
    path : Path
        Where to write it, atomically.
    value : dict
        The mapping.
    """
    text = json.dumps(without_nan(value), indent=2, allow_nan=False, ensure_ascii=False)
    with atomic(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def without_nan(value: Any) -> Any:
    """Replace each number that JSON does not have by None, in a value of any depth."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_csv(path: Path, table: "DataFrame") -> None:
    """Write a table as CSV, without its index; a missing value is an empty field.

    Parameters
    ----------
    path : Path
        Where to write it, atomically.
    table : DataFrame
        The table.
    """
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
