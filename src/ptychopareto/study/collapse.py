"""Runs that have collapsed: their training ended well, and what they make is a constant."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ptychopareto.study.gain import floor_of
from ptychopareto.study.listing import listed

WARNING = "warning"  # the column of the table
LEAST_CONTRAST = (
    0.1  # of the truth's spread; a network that has learned little has several times it
)
PARTS = {"contrast_phase": "phase", "contrast_amp": "amplitude"}


def with_warnings(table: pd.DataFrame) -> pd.DataFrame:
    """Warn of the runs that have collapsed, in a column of the table.

    Parameters
    ----------
    table : DataFrame
        The runs, as `table.gather` returns them.

    Returns
    -------
    DataFrame
        The table with the column `warning`: why a run that is ok has collapsed, else missing.
    """
    ok = table["status"] == "ok"
    words = [
        _why(table.loc[[index]]) if fine else None
        for index, fine in zip(table.index, ok, strict=True)
    ]
    return table.assign(**{WARNING: pd.array(words, dtype="string")})


def collapsed(table: pd.DataFrame) -> "pd.Series[bool]":
    """Mark the runs that have collapsed.

    Parameters
    ----------
    table : DataFrame
        The runs, with the column `warning`.
    """
    return table[WARNING].notna() & (table["status"] == "ok")


def in_words(table: pd.DataFrame) -> str:
    """Count the runs that have collapsed and name some, in one line; empty if there are none.

    Parameters
    ----------
    table : DataFrame
        The runs, with the column `warning`.
    """
    runs = table["run"][collapsed(table)].tolist()
    return f"{len(runs)} of {len(table)} runs collapsed: {listed(runs)}" if runs else ""


def _why(run: pd.DataFrame) -> str | None:
    """Say why a run has collapsed; None if it has not."""
    row: Mapping[Any, Any] = run.iloc[0].to_dict()
    measured = str(row["reference"]) == "classical"
    for name, part in PARTS.items():
        if row[name] < LEAST_CONTRAST:
            reference = "the classical object" if measured else "the truth"
            return (
                f"collapsed: the {part} is nearly constant, its spread is "
                f"{100 * row[name]:.2g} % of that in {reference}"
            )
    quality = "r_free" if measured else "ssim_amp" if pd.isna(row["ssim_phase"]) else "ssim_phase"
    floor = floor_of(run, quality)
    if floor is None or not floor.nothing_learned:
        return None
    return (
        f"collapsed: no better than a {floor.what}, whose {floor.quality} is {floor.constant:.3g}"
    )
