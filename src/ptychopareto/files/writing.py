"""Write files that appear under their names only once they are complete."""

import json
import math
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.stored import StoredArray, as_bytes

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


def write_npz(path: Path, **arrays: NDArray[Any] | StoredArray) -> None:
    """Write arrays to an uncompressed NPZ file; equal arrays give equal bytes.

    Parameters
    ----------
    path : Path
        Where to write them, atomically.
    **arrays : array
        The arrays by their names. One that stays in a file is copied piece by piece.
    """
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for key, array in arrays.items():
            with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                if isinstance(array, StoredArray):
                    _write_pieces(member, array)
                else:
                    np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def _write_pieces(member: IO[bytes], array: StoredArray) -> None:
    """Write an array as `numpy.lib.format.write_array` does, to the same bytes."""
    header = {"shape": array.shape, "fortran_order": False, "descr": array.dtype.str}
    np.lib.format.write_array_header_1_0(member, header)
    for piece in array.pieces():
        member.write(as_bytes(piece))


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
