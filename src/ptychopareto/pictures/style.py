"""The common style of all pictures: words, colours, scale bars, and how they are written."""

import math
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import matplotlib as mpl
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patheffects import withStroke
from matplotlib.scale import FuncScale
from matplotlib.ticker import (
    EngFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
    StrMethodFormatter,
)
from numpy.typing import ArrayLike, NDArray

from ptychopareto.config import InputTransform
from ptychopareto.config.columns import MEASURES, sign
from ptychopareto.files import atomic

WIDTH = 7.2  # inches: two columns of a journal

INK = "#222222"
QUIET = "#6b6b6b"
SHADE = "#f3f3f3"
BLANK = "#e4e4e4"  # where an image has no pixels

# Paul Tol's high-contrast colours first: told apart with any colour vision, and in grey print.
COLOURS = ("#004488", "#bb5566", "#ddaa33", "#009988", "#882255", "#000000")
# The order in the config decides, so that a value looks the same in every picture of every study.
TRANSFORM_COLOURS = dict(zip(get_args(InputTransform), COLOURS, strict=False))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "*", "h")  # then they come again
FILLS = ("none", "full", "left", "bottom")  # of a marker, as matplotlib names them

# Even in lightness from dark to bright; the error is white where there is none.
AMPLITUDE_MAP = "gray"
PHASE_MAP = "cividis"
CYCLE_MAP = "twilight"
ERROR_MAP = "PuOr"
PATTERN_MAP = "magma"

# The ends of a colour bar, by whether there are values below and above it.
ENDS = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}

# Keeps white letters readable on a bright image.
OUTLINE = [withStroke(linewidth=1.6, foreground="black")]

COUNTS = [name for name, column in MEASURES.items() if column.kind == "Int64"]  # 100k, 1M

# From fine to coarse: the first whose labels have room is taken.
SSIM_TICKS: tuple[tuple[float, ...], ...] = (
    (0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999),
    (0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999),
    (0, 0.7, 0.9, 0.97, 0.99, 0.997, 0.999),
    (0, 0.9, 0.99, 0.999),
)
SSIM_RESOLUTION = 1e-4  # a value closer to 1 is drawn at this distance
TINY = 1e-6  # the smallest range of an axis for an error, which may be small itself
HEADROOM = 0.2  # free part of the quality axis, for the labels of the best

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


def show(
    axes: Axes,
    image: NDArray[np.floating[Any]],
    colours: str,
    limits: tuple[float, float] | None = None,
    norm: Normalize | None = None,
) -> AxesImage:
    """Show an image in a plain frame.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    image : (H, W) float
        The image; NaN is blank.
    colours : str
        Name of a colour map of matplotlib.
    limits : tuple of float, optional
        The ends of the colour scale; without them and without `norm`, those of the image.
    norm : Normalize, optional
        A colour scale that is not linear; it overrides `limits`.

    Returns
    -------
    AxesImage
    """
    if norm is None:
        norm = Normalize(*(limits_of(image) if limits is None else limits))
    bare(axes)
    return axes.imshow(image, cmap=colormaps[colours].with_extremes(bad=BLANK), norm=norm)


def blank_outside(
    region: NDArray[np.bool_] | None, image: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Blank the pixels of an image that are not scored.

    Parameters
    ----------
    region : (H, W) bool or None
        The pixels that are scored; None for all.
    image : (H, W) float64

    Returns
    -------
    (H, W) float64
        The image with NaN outside the region.
    """
    return image if region is None else np.where(region, image, np.nan)


def colour_bar(
    image: AxesImage, label: str, location: Literal["right", "bottom"] = "right"
) -> None:
    """Explain the colours of an image beside it; pointed ends say that there are values beyond.

    Parameters
    ----------
    image : AxesImage
        The image, as `show` returns it.
    label : str
        The quantity, with its unit.
    location : {"right", "bottom"}, optional
        The side of the image.
    """
    figure = image.get_figure()
    assert figure is not None
    figure.colorbar(
        image,
        ax=image.axes,
        location=location,
        extend=_ends(image),
        aspect=20,
        pad=0.03,
        label=label,
    )


def bar_in(axes: Axes, image: AxesImage, label: str) -> None:
    """Explain the colours of an image in a flat box of its own.

    Parameters
    ----------
    axes : Axes
        The box.
    image : AxesImage
        The image, as `show` returns it.
    label : str
        The quantity, with its unit.
    """
    figure = axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(
        image, cax=axes, orientation="horizontal", ticks=MaxNLocator(3), extend=_ends(image)
    )
    bar.set_label(label, fontsize=7, labelpad=1)
    axes.tick_params(labelsize=6)


def _ends(image: AxesImage) -> str:
    """Return the ends of an image's colour bar."""
    values = image.get_array()
    assert values is not None
    low, high = image.get_clim()
    return ENDS[bool(np.nanmin(values) < low), bool(np.nanmax(values) > high)]


def bare(axes: Axes) -> None:
    """Take the ticks away: an image has a scale bar instead."""
    axes.set_xticks([])
    axes.set_yticks([])


def limits_of(image: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Return the smallest and the largest value; around those of a flat image, a range of 1."""
    low, high = float(np.nanmin(image)), float(np.nanmax(image))
    return (low, high) if high - low > 1e-5 else (low - 0.5, high + 0.5)


def scale_bar(axes: Axes, width: float) -> None:
    """Draw a bar of a round length, about a quarter of an image.

    Parameters
    ----------
    axes : Axes
        The axes of the image.
    width : float
        Columns of the image [px].
    """
    length = _round_length(width / 4)
    left, bottom = 0.06 * width, 0.07
    transform = axes.get_xaxis_transform()
    axes.plot(
        [left, left + length],
        [bottom, bottom],
        transform=transform,
        color="white",
        linewidth=2,
        solid_capstyle="butt",
        path_effects=[withStroke(linewidth=3.2, foreground="black")],
    )
    axes.annotate(
        f"{length:g} px",
        (left + length / 2, bottom),
        (0, 3),
        xycoords=transform,
        textcoords="offset points",
        color="white",
        fontsize=7,
        ha="center",
        path_effects=OUTLINE,
    )


def _round_length(length: float) -> float:
    """Round down to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(length))
    return max(step for step in (1, 2, 5) if step * power <= length) * power


def set_quality_axis(
    axes: Axes,
    name: str,
    limits: tuple[float, float],
    headroom: float = HEADROOM,
    apart: float = 0.03,
    which: Literal["x", "y"] = "y",
) -> None:
    """Scale an axis, mostly the vertical one, for a measure of quality.

    An SSIM has a scale on which near 1 the ratio of the errors counts: from 0.98 to 0.99 is as far
    as from 0.8 to 0.9. `quality_label` says so in words.

    Parameters
    ----------
    axes : Axes
    name : str
        The column, such as ``ssim_phase``.
    limits : tuple of float
        The smallest and the largest value to be seen.
    headroom : float, optional
        What to leave free beyond the best of them, as a fraction of their range.
    apart : float, optional
        What to leave between two labels of ticks, as a fraction of the axis.
    which : {"x", "y"}, optional
        The axis.
    """
    if sign(name) < 0:  # the axis is turned over: what is better is up, or to the right
        bottom, top = _with_margins(-limits[1], -limits[0], headroom, least=TINY)
        axes.set(**{f"{which}lim": (-bottom, -top)})
        return
    if not is_ssim(name):
        axes.set(**{f"{which}lim": _with_margins(*limits, headroom)})
        return
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = (float(stretched(value)) for value in limits)
    bottom, top = _with_margins(low, high, headroom)
    axes.set(**{f"{which}scale": FuncScale(axis, (stretched, _squeezed))})
    axis.set_ticks(_ssim_ticks(bottom, top, apart * (top - bottom)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_locator(NullLocator())
    axes.set(**{f"{which}lim": (float(_squeezed(bottom)), float(_squeezed(top)))})


def quality_label(name: str, separator: str = " ", width: int = 1000) -> str:
    """Write the words for the axis that `set_quality_axis` scales.

    Parameters
    ----------
    name : str
        The column, such as ``ssim_phase``.
    separator : str, optional
        What stands before the remark about the scale.
    width : int, optional
        Letters in a line.

    Returns
    -------
    str
        The label, broken into lines.
    """
    words = "(smaller is better)" if sign(name) < 0 else ""
    if is_ssim(name):
        words = "(scale: logarithm of 1 − SSIM)"
    return textwrap.fill(MEASURES[name].label, width) + (separator + words if words else "")


def is_ssim(name: str) -> bool:
    """Tell whether a column is on the scale of an SSIM."""
    return MEASURES[name].scale == "ssim"


def stretched(ssim: ArrayLike) -> NDArray[np.float64]:
    """Return where an SSIM is on its axis: −log₁₀(1 − SSIM), at most 4."""
    return -np.log10(np.maximum(1 - np.asarray(ssim, dtype=np.float64), SSIM_RESOLUTION))


def _squeezed(position: ArrayLike) -> NDArray[np.float64]:
    return 1 - 10 ** -np.asarray(position, dtype=np.float64)


def _with_margins(
    low: float, high: float, headroom: float, least: float = 0.01
) -> tuple[float, float]:
    span = max(high - low, 0.05 * abs(high), least)
    return low - 0.06 * span, high + headroom * span


def _ssim_ticks(bottom: float, top: float, apart: float) -> list[float]:
    """Return ticks between two positions on the axis; for a narrow range, its own round steps."""
    for ticks in SSIM_TICKS:
        seen = [tick for tick in ticks if bottom <= stretched(tick) <= top]
        if len(seen) > 1 and np.diff(stretched(seen)).min() >= apart:
            return seen
    low, high = float(_squeezed(bottom)), float(_squeezed(top))
    round_steps = MaxNLocator(5, steps=[1, 2, 5, 10])
    return [tick for tick in round_steps.tick_values(low, high) if low <= tick <= high]


def set_log_axis(axis: Axis, limits: tuple[float, float], name: str = "") -> None:
    """Scale an axis logarithmically, with ticks in plain numbers, and in 100k for counts.

    Parameters
    ----------
    axis : Axis
        Such as ``axes.xaxis``.
    limits : tuple of float
        The ends of the axis.
    name : str, optional
        The column, where it is one of the table.
    """
    low, high = limits
    name_of_axis = "x" if axis is axis.axes.xaxis else "y"
    axis.axes.set(**{f"{name_of_axis}scale": "log", f"{name_of_axis}lim": limits})
    fine: tuple[float, ...] = (1, 2, 5) if high / low > 5 else (1, 1.5, 2, 3, 5, 7)
    axis.set_major_locator(LogLocator(subs=(1,) if high / low > 50 else fine))
    axis.set_minor_locator(LogLocator(subs=tuple(range(2, 10))))
    axis.set_major_formatter(
        EngFormatter(sep="") if name in COUNTS else StrMethodFormatter("{x:g}")
    )
    axis.set_minor_formatter(NullFormatter())
