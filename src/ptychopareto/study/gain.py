"""How far a result lies beyond an object without content: a constant image, a flat object."""

import math
from typing import Any, NamedTuple

import pandas as pd

from ptychopareto.config.columns import FLOORS, sign

# Part of the way from the SSIM of a constant image to 1, or from the R-factor of a flat object to
# 0. A network below it has learned nothing.
LEAST_GAIN = 1e-3


class Floor(NamedTuple):
    """What an object without content scores.

    Attributes
    ----------
    quality : str
        The measure: the one that was asked for, or the SSIM of the same part of the object.
    value : float
        What it is of the runs, on the mean.
    constant : float
        What it is of an object without content.
    """

    quality: str
    value: float
    constant: float

    @property
    def what(self) -> str:
        """The object without content, in words."""
        return "flat object" if FLOORS[self.quality].endswith("_flat") else "constant image"

    @property
    def nothing_learned(self) -> bool:
        """Whether the runs are no better than an object without content."""
        possible = 1 - self.constant if sign(self.quality) > 0 else self.constant
        return sign(self.quality) * (self.value - self.constant) < LEAST_GAIN * possible


def floor_of(runs: pd.DataFrame, quality: str) -> Floor | None:
    """Compare runs with an object without content.

    Parameters
    ----------
    runs : DataFrame
        Rows of the table of runs, all of them ok.
    quality : str
        The measure. One that has no floor is replaced by the SSIM of the same part of the object.

    Returns
    -------
    Floor, optional
        None if neither has a floor, or if a run has no value.
    """
    for name in (quality, f"ssim_{quality.rpartition('_')[2]}"):
        floor = FLOORS.get(name)
        if len(runs) and floor in runs and runs[[name, floor]].notna().all(axis=None):
            value, constant = runs[[name, floor]].astype("float64").mean()
            return Floor(name, float(value), float(constant))
    return None


def kept_of_the_best(values: "pd.Series[Any]", quality: str, constant: float) -> "pd.Series[Any]":
    """Return which part of the best one's gain over a constant others keep.

    Parameters
    ----------
    values : Series
        Means of configurations.
    quality : str
        The measure.
    constant : float
        What an object without content scores; NaN if that is not known. The measure itself then
        counts, or its inverse where smaller is better.

    Returns
    -------
    Series
        1 for the best one; NaN where the best one gains nothing.
    """
    numbers = values.astype("float64")
    known = not math.isnan(constant)
    gains = sign(quality) * (numbers - constant) if known else numbers ** sign(quality)
    best = gains.max()
    return gains / best if best > 0 else gains * float("nan")
