"""Describe the columns of the study's table on the page: heading, axis, format."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ptychopareto.config.columns import MEASURES, SEARCHED

_KNOWN = {**MEASURES, **SEARCHED}

Row = dict[str, Any]

_HEADINGS = {"input_transform": "transform"}


def heading(column: str) -> str:
    """Return the heading of a column of the table."""
    if column in _KNOWN:
        return _KNOWN[column].heading
    return _HEADINGS.get(column, column.replace("_", " "))


def label(column: str) -> str:
    """Return the label of an axis of the plot."""
    return _KNOWN[column].label if column in _KNOWN else heading(column)


def is_text(values: "pd.Series[Any]") -> bool:
    """Tell whether a column holds words."""
    return not pd.api.types.is_numeric_dtype(values)


def number(value: Any) -> float | int | None:
    """Convert a cell of numbers to JSON's numbers; a missing or infinite one becomes None."""
    if pd.isna(value) or value in (float("inf"), float("-inf")):
        return None
    return int(value) if float(value).is_integer() else float(value)


def text(value: Any) -> str:
    """Write a cell: four digits of a fraction, all digits of a whole number, "" if missing."""
    if pd.isna(value):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, float):
        return f"{value:,}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:#.4g}"


def mean(row: Mapping[Any, Any], name: str) -> str:
    """Write the mean of a configuration, and half of its interval where that is known.

    Parameters
    ----------
    row : dict
        A row of the table of configurations.
    name : str
        The column.

    Returns
    -------
    str
        The mean, and ± half the width of its 95 % interval.
    """
    mean, interval = row[name], row.get(f"{name}_ci95")
    if pd.isna(interval) or not interval:  # one run, or a number that no seed changes
        return text(mean)
    return (
        f"{text(mean)} ± {interval:,.0f}" if interval >= 100 else f"{text(mean)} ± {interval:.2g}"
    )


def is_empty(table: pd.DataFrame, name: str) -> bool:
    """Tell whether a column that only some scans have is without a value in this study.

    Parameters
    ----------
    table : DataFrame
        The runs.
    name : str
        The column.

    Returns
    -------
    bool
    """
    late = name == "reference" or (name in MEASURES and MEASURES[name].late)
    return late and bool(table[name].isna().all())
