"""The common style of all pictures: sizes, colours, markers, letters, and how they are written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import matplotlib as mpl
from matplotlib.figure import Figure

from ptychopareto.config import InputTransform
from ptychopareto.files import atomic

WIDTH = 7.2  # inches: two columns of a journal

INK = "#222222"
QUIET = "#6b6b6b"
SHADE = "#f3f3f3"

# Paul Tol's high-contrast colours first: told apart with any colour vision, and in grey print.
# Then two more, for studies whose front has many networks; black is the last.
COLOURS = (
    *("#004488", "#bb5566", "#ddaa33", "#009988", "#882255"),
    *("#3399cc", "#888822", "#000000"),
)
# The order in the config decides, so that a value looks the same in every picture of every study.
TRANSFORM_COLOURS = dict(zip(get_args(InputTransform), COLOURS, strict=False))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "*", "h")  # then they come again
FILLS = ("none", "full", "left", "bottom")  # of a marker, as matplotlib names them

_SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture on every machine
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.7,
    "savefig.dpi": 200,
    "svg.fonttype": "none",  # text stays text, to be searched and edited
    "svg.hashsalt": "ptychopareto",  # the same picture gives the same file
}


@contextmanager
def style() -> Iterator[None]:
    """Draw and save in the style of this package; the settings before it come back afterwards."""
    with mpl.rc_context():
        mpl.rcdefaults()  # a matplotlibrc of the user's must not change the pictures
        mpl.rcParams.update(_SETTINGS)
        yield


def save(figure: Figure, path: Path) -> None:
    """Write a figure atomically.

    Parameters
    ----------
    figure : Figure
    path : Path
        Where to write it; the suffix names the format (``.png`` or ``.svg``).
    """
    undated = {".png": {"Software": None}, ".svg": {"Date": None, "Creator": None}}
    with atomic(path) as temporary:
        figure.savefig(temporary, metadata=undated[path.suffix])
