"""Scale axes for measures of quality, SSIM among them, and for costs."""

import textwrap
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
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

from ptychopareto.config.columns import MEASURES, sign
from ptychopareto.config.ssim_scale import stretched

COUNTS = [name for name, column in MEASURES.items() if column.kind == "Int64"]  # 100k, 1M

# From fine to coarse: the first whose labels have room is taken.
SSIM_TICKS: tuple[tuple[float, ...], ...] = (
    (0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999),
    (0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999),
    (0, 0.7, 0.9, 0.97, 0.99, 0.997, 0.999),
    (0, 0.9, 0.99, 0.999),
)
TINY = 1e-6  # the smallest range of an axis for an error, which may be small itself
HEADROOM = 0.2  # free part of the quality axis, for the labels of the best


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
