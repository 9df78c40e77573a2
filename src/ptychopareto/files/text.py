"""Read JSON and CSV, checked to the last value."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychopareto.files.errors import reading, refusal

if TYPE_CHECKING:
    from pandas import DataFrame, Series

# JSON and CSV take up to 25 times their size in memory. The largest ones of a study, of as many
# runs as a study may have, stay below this.
_LARGEST_TEXT = 2**23  # bytes
_DEEPEST_JSON = 20  # levels of nesting


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON mapping; null stays None, all numbers are finite and below 2**63.

    Raises
    ------
    FileError
        The file is missing, damaged, too large, nested too deeply, or no mapping.
    """
    with reading(path, "a JSON mapping"):
        value = parse_json(_read_text(path))
    if not isinstance(value, dict):
        raise refusal(path, f"holds a {type(value).__name__}; a JSON mapping is wanted")
    return value


def _read_text(path: Path) -> str:
    size = path.stat().st_size
    if size > _LARGEST_TEXT:
        raise ValueError(f"{size} bytes are more than {_LARGEST_TEXT}")
    return path.read_bytes().decode("utf-8")


def parse_json(text: str | bytes) -> Any:
    """Parse JSON with finite numbers below 2**63, nested up to 20 levels.

    Raises
    ------
    ValueError
        The text is no such JSON.
    """
    value = json.loads(
        text, parse_constant=_not_finite, parse_float=_finite, parse_int=_whole_number
    )
    level = [value]
    for _ in range(_DEEPEST_JSON):
        level = [inner for outer in level for inner in _values(outer)]
        if not level:
            return value
    raise ValueError(f"nested deeper than {_DEEPEST_JSON} levels")


def _values(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _not_finite(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _whole_number(digits: str) -> int:
    if len(digits) > 20 or abs(int(digits)) >= 2**63:
        raise ValueError("a number is too large")
    return int(digits)


def read_csv(
    path: Path, types: Mapping[str, str], optional: Mapping[str, str] | None = None
) -> "DataFrame":
    """Read columns of a CSV table.

    An empty field is a missing value; other columns are left out.

    Parameters
    ----------
    path : Path
        The file.
    types : dict of str
        The columns to read, and their types as pandas names them.
    optional : dict of str, optional
        Columns to read as well where the table has them.

    Returns
    -------
    DataFrame
        The columns, in the order of `types`.

    Raises
    ------
    FileError
        The file is missing, truncated or too large, a column is missing, rows are not of the same
        length, or a value is of another type, infinite, or not printable.
    """
    import pandas as pd

    with reading(path, f"a table with the columns {', '.join(types)}"):
        text = _read_text(path)
        header = _check_rows(text)
        types = {**types, **{k: kind for k, kind in (optional or {}).items() if k in header}}
        for name in types:
            if header.count(name) != 1:
                raise ValueError(f"{header.count(name)} columns {name}")
        table = pd.read_csv(
            io.StringIO(text),
            usecols=list(types),
            dtype=dict(types),
            index_col=False,
            keep_default_na=False,
            na_values=[""],
        )
        for name in types:
            _check_column(table[name])
    return table[list(types)]


def _check_rows(text: str) -> list[str]:
    """Return the names of the columns; refuse short and long rows, which pandas would accept."""
    if not text.endswith("\n"):
        raise ValueError("truncated" if text else "empty")
    rows = csv.reader(io.StringIO(text), strict=True)
    try:
        header = next(rows)
        if any(len(row) != len(header) for row in rows):
            raise ValueError(f"line {rows.line_num} has not {len(header)} fields")
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num}: {error}") from None
    return header


def _check_column(column: "Series[Any]") -> None:
    known = column.dropna()
    if column.dtype.kind == "f" and not np.isfinite(known).all():
        raise ValueError(f"{column.name} holds infinite values")
    if column.dtype == "string" and not all(map(str.isprintable, known)):
        raise ValueError(f"{column.name} holds special characters")
