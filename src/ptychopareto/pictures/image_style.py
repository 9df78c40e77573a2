"""Show images: their colour scale, the bar that explains it, and their scale bar."""

import math
from typing import Any, Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.image import AxesImage
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

# Even in lightness from dark to bright; the error is white where there is none.
AMPLITUDE_MAP = "gray"
PHASE_MAP = "cividis"
CYCLE_MAP = "twilight"
ERROR_MAP = "PuOr"
PATTERN_MAP = "magma"

BLANK = "#e4e4e4"  # where an image has no pixels

# The ends of a colour bar, by whether there are values below and above it.
ENDS = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}

UNITS = {"m": 1.0, "mm": 1e-3, "µm": 1e-6, "nm": 1e-9}  # of a scale bar [m]

# Keeps white letters readable on a bright image.
OUTLINE = [withStroke(linewidth=1.6, foreground="black")]


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


def scale_bar(axes: Axes, width: float, pixel: float | None = None) -> None:
    """Draw a bar of a round length, about a quarter of an image.

    Parameters
    ----------
    axes : Axes
        The axes of the image.
    width : float
        Columns of the image [px].
    pixel : float, optional
        The width of a column [m]. Without it the length is written in pixels.
    """
    unit, size = ("px", 1.0) if pixel is None else _unit_of(width * pixel / 4, pixel)
    round_length = _round_length(width * size / 4)
    length = round_length / size
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
        f"{round_length:g} {unit}",
        (left + length / 2, bottom),
        (0, 3),
        xycoords=transform,
        textcoords="offset points",
        color="white",
        fontsize=7,
        ha="center",
        path_effects=OUTLINE,
    )


def _unit_of(length: float, pixel: float) -> tuple[str, float]:
    """Return the largest unit that is no longer than a length [m], and a pixel's width in it."""
    unit, metres = next((each for each in UNITS.items() if each[1] <= length), ("pm", 1e-12))
    return unit, pixel / metres


def _round_length(length: float) -> float:
    """Round down to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(length))
    return max(step for step in (1, 2, 5) if step * power <= length) * power
