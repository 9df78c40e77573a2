"""What all pictures share: words, colours, scale bars, and how they are written."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from ptychopareto.files import atomic

WIDTH = 7.2  # inches: two columns of a journal

INK = "#222222"
QUIET = "#6b6b6b"
SHADE = "#f3f3f3"

# Paul Tol's high-contrast colours first: told apart with any colour vision, and in grey print.
COLOURS = ("#004488", "#bb5566", "#ddaa33", "#009988", "#882255", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P")
FILLS = ("none", "full", "left", "bottom")  # of a marker, as matplotlib names them

# Even in lightness from dark to bright; the error is white where there is none.
AMPLITUDE_MAP = "gray"
PHASE_MAP = "cividis"
CYCLE_MAP = "twilight"
ERROR_MAP = "PuOr"
PATTERN_MAP = "magma"

# Keeps white letters readable on a bright image.
OUTLINE = [withStroke(linewidth=1.6, foreground="black")]

# What the columns of the study's table are called on an axis.
LABELS = {
    "ssim_phase": "phase SSIM",
    "psnr_phase": "phase PSNR [dB]",
    "mae_phase": "phase MAE [rad]",
    "frc50_phase": "phase resolution, FRC = ½ [fraction of Nyquist]",
    "ssim_amp": "amplitude SSIM",
    "psnr_amp": "amplitude PSNR [dB]",
    "mae_amp": "amplitude MAE",
    "frc50_amp": "amplitude resolution, FRC = ½ [fraction of Nyquist]",
    "model_params": "trainable parameters",
    "model_params_real": "trainable parameters, a complex one counted as two",
    "inference_time_s": "inference time of the test scan [s]",
    "patterns_per_s": "patterns reconstructed per second",
    "peak_memory_mb": "peak memory [MB]",
    "train_time_s": "training time [s]",
}

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
    """Draw and save in the style of this package; what was set before comes back afterwards."""
    with mpl.rc_context():
        mpl.rcdefaults()  # a matplotlibrc of the user's must not change the pictures
        mpl.rcParams.update(_SETTINGS)
        yield


def save(figure: Figure, path: Path) -> None:
    """Write a figure atomically, in the format that the suffix names (``.png`` or ``.svg``)."""
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
    """Show an (H, W) image in a plain frame, on the limits or the norm given or its own limits."""
    if norm is None:
        norm = Normalize(*(limits_of(image) if limits is None else limits))
    bare(axes)
    return axes.imshow(image, cmap=colours, norm=norm)


def colour_bar(
    image: AxesImage, label: str, location: Literal["right", "bottom"] = "right"
) -> None:
    """Explain the colours of an image beside it; pointed ends say that there are values beyond."""
    figure = image.get_figure()
    values = image.get_array()
    assert figure is not None
    assert values is not None
    low, high = image.get_clim()
    below, above = bool(np.nanmin(values) < low), bool(np.nanmax(values) > high)
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max"}
    figure.colorbar(
        image,
        ax=image.axes,
        location=location,
        extend=extend.get((below, above), "both"),
        aspect=20,
        pad=0.03,
        label=label,
    )


def bare(axes: Axes) -> None:
    """Take the ticks away: what is an image has a scale bar instead."""
    axes.set_xticks([])
    axes.set_yticks([])


def limits_of(image: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Smallest and largest value; around those of a flat image, a range of 1."""
    low, high = float(image.min()), float(image.max())
    return (low, high) if high - low > 1e-5 else (low - 0.5, high + 0.5)


def scale_bar(axes: Axes, width: float) -> None:
    """Draw a bar of a round length, about a quarter of an image that is `width` pixels wide."""
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
