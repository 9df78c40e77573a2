"""How the Pareto picture marks a configuration: marker, colour and fill, circle and interval."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any, get_args

import pandas as pd

from ptychopareto.config import Architecture, Supervision
from ptychopareto.pictures import style

# The order in the config decides, so that a value looks the same in every study.
MARKERS = dict(zip(get_args(Architecture), cycle(style.MARKERS), strict=False))
COLOURS = style.TRANSFORM_COLOURS
FILLS = dict(zip(get_args(Supervision), style.FILLS, strict=False))

FRONT_SIZE, SIZE, RUN_SIZE = 7.5, 5.0, 2.0  # pt, of the markers
RING_SIZE = 13.0  # pt, of the circle around what has a purpose


def mark(row: "pd.Series[Any]", size: float) -> dict[str, Any]:
    """Mark a run or configuration by its settings.

    Parameters
    ----------
    row : Series
        With `architecture`, `input_transform` and `supervision`.
    size : float
        Size of the marker [pt].

    Returns
    -------
    dict
        Keyword arguments of ``Axes.plot``.
    """
    marker, colour = MARKERS[row["architecture"]], COLOURS[row["input_transform"]]
    return marker_with(marker, colour, FILLS[row["supervision"]], size)


def marker_with(marker: str, colour: str, fill: str, size: float) -> dict[str, Any]:
    """Describe a marker.

    Parameters
    ----------
    marker, colour, fill : str
        As matplotlib names them.
    size : float
        Its size [pt].

    Returns
    -------
    dict
        Keyword arguments of ``Axes.plot``.
    """
    is_open = fill == "none"
    return {
        "marker": marker,
        "markersize": size,
        "linestyle": "none",
        "fillstyle": "full" if is_open else fill,
        "markerfacecolor": "white" if is_open else colour,  # so that no line is seen through it
        "markerfacecoloralt": "white",
        "markeredgecolor": colour,
    }


def hollow(marker: Mapping[str, Any]) -> dict[str, Any]:
    """Return a marker without its filling: that of what a search has stopped."""
    return {**marker, "fillstyle": "full", "markerfacecolor": "none"}


def ring() -> dict[str, Any]:
    """Describe the circle around what has a purpose."""
    return {
        **{"marker": "o", "markersize": RING_SIZE, "linestyle": "none"},
        **{"markerfacecolor": "none", "markeredgecolor": style.INK, "markeredgewidth": 1.2},
    }


def interval_bar(colour: str) -> dict[str, Any]:
    """Describe the bar of an interval, as keyword arguments of ``Axes.errorbar``."""
    return {"fmt": "none", "ecolor": colour, "elinewidth": 1, "capsize": 2.5, "capthick": 1}
