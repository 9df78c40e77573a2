"""Means over seeds, with their intervals, in the words of a table."""

import math
from collections.abc import Sequence

import pandas as pd

from ptychopareto.study.configurations import half_width

UNKNOWN = "–"


def over_seeds(rows: pd.DataFrame, by: Sequence[str], quality: str) -> pd.DataFrame:
    """The `mean` of a column in each group, `ci95` (half of the interval), and `n`."""
    groups = rows.groupby(list(by), sort=False, dropna=False)[quality]
    mean, std, n = (groups.agg(name).to_frame("value") for name in ("mean", "std", "count"))
    interval = half_width(std, n)
    return pd.DataFrame(
        {"mean": mean["value"], "ci95": interval["value"], "n": n["value"]}
    ).reset_index()


def in_words(mean: float, ci95: float, digits: int = 3) -> str:
    """A mean and half of its interval, such as ``0.883 ± 0.001``; one seed has no interval."""
    if math.isnan(mean):
        return UNKNOWN
    words = f"{mean:.{digits}f}" + ("" if math.isnan(ci95) else f" ± {ci95:.{digits}f}")
    return words.replace("-", "−")
