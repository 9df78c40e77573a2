"""The picture of a reconstruction: truth, reconstruction and error, as amplitude and as phase."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ptychopareto.assessment.alignment import (
    ComplexImage,
    Image,
    align,
    phase_and_amplitude,
)
from ptychopareto.pictures import style

UNKNOWN = "–"
ERROR_RANGE = 0.25  # of the range of the truth: the same colours for all runs of a study


def draw(
    reconstruction: ArrayLike,
    truth: ArrayLike | None,
    measures: Mapping[str, Any],
    title: str,
    path: Path,
) -> None:
    """Draw a reconstruction beside the truth, aligned as for the measures.

    Truth and reconstruction share their scale, that of the truth. The error is shown up to a
    quarter of its range, so that pictures of the same object can be compared. Without a truth the
    reconstruction stands alone; of a run that failed, the picture says so.

    Args:
        reconstruction: complex object (H, W).
        truth: complex object (H, W), if it is known.
        measures: the metrics of the run: its status, and what `assessment.metrics.evaluate` gives.
        title: what was reconstructed and how, such as the id of the run.
        path: where to write the picture (``.png`` or ``.svg``).

    Raises:
        ValueError: the two are not finite, non-zero images of one shape.
    """
    if measures.get("status", "ok") != "ok":
        _draw_words(f"{title}\n{measures['status']}: {measures['error']}", path)
    elif truth is None:
        _draw_alone(np.asarray(reconstruction), title, path)
    else:
        _draw_compared(reconstruction, truth, measures, title, path)


def _draw_words(words: str, path: Path) -> None:
    with style.style():
        figure = Figure(figsize=(style.WIDTH, 1.5))
        figure.text(0.5, 0.5, words, ha="center", va="center", wrap=True)
        style.save(figure, path)


def _draw_alone(reconstruction: ComplexImage, title: str, path: Path) -> None:
    parts = [
        (np.abs(reconstruction), style.AMPLITUDE_MAP, "amplitude"),
        (np.angle(reconstruction), style.PHASE_MAP, "phase [rad]"),
    ]
    with style.style():
        figure = Figure(
            figsize=(style.WIDTH, 0.75 * _height(reconstruction.shape)), layout="compressed"
        )
        figure.suptitle(f"{title}\nno truth to compare with", fontsize=9)
        axes = figure.subplots(1, 2)
        for where, (image, colours, label) in zip(axes, parts, strict=True):
            style.colour_bar(style.show(where, image, colours, style.limits_of(image)), label)
        style.scale_bar(axes[0], reconstruction.shape[1])
        style.save(figure, path)


def _draw_compared(
    reconstruction: ArrayLike,
    truth: ArrayLike,
    measures: Mapping[str, Any],
    title: str,
    path: Path,
) -> None:
    t = np.asarray(truth, dtype=np.complex128)
    phase, amplitude = phase_and_amplitude(align(reconstruction, t), t)
    true_phase, true_amplitude = phase_and_amplitude(t, t)
    with style.style():
        figure = Figure(figsize=(style.WIDTH, _height(t.shape)), layout="compressed")
        figure.suptitle(title, fontsize=9)
        rows = figure.subplots(2, 3)
        for axes, heading in zip(rows[0], ("truth", "reconstruction", "error"), strict=True):
            axes.set_title(heading)
        _draw_row(rows[0], amplitude, true_amplitude, style.AMPLITUDE_MAP, "amplitude", "")
        _draw_row(rows[1], phase, true_phase, style.PHASE_MAP, "phase", " [rad]")
        _write_below(rows[0], "amplitude", _in_words(measures, "amp", ""))
        _write_below(rows[1], "phase", _in_words(measures, "phase", " rad"))
        style.scale_bar(rows[0][0], t.shape[1])
        style.save(figure, path)


def _height(shape: tuple[int, ...]) -> float:
    """Height of the figure [inches] in which two rows of images fill its width."""
    aspect = min(max(shape[0] / shape[1], 0.6), 2.5)
    return 2 * (1.85 * aspect + 0.3) + 0.4


def _draw_row(
    axes: Sequence[Axes], image: Image, truth: Image, colours: str, name: str, unit: str
) -> None:
    low, high = style.limits_of(truth)
    bound = ERROR_RANGE * (high - low)
    style.show(axes[0], truth, colours, (low, high))
    shown = style.show(axes[1], image, colours, (low, high))
    style.colour_bar(shown, name + unit)
    shown = style.show(axes[2], image - truth, style.ERROR_MAP, (-bound, bound))
    style.colour_bar(shown, "error" + unit)


def _write_below(axes: Sequence[Axes], name: str, words: str) -> None:
    """Write a line below a row of images, wider than the first of them."""
    axes[0].annotate(
        f"{name}: {words}",
        (0, 0),
        (0, -5),
        xycoords="axes fraction",
        textcoords="offset points",
        va="top",
        in_layout=False,  # the layout would make room for its width
    )
    axes[1].set_xlabel(" ")  # room for its height


def _in_words(measures: Mapping[str, float | None], part: str, unit: str) -> str:
    names = (f"ssim_{part}", f"ssim_{part}_floor", f"psnr_{part}", f"mae_{part}", f"frc50_{part}")
    ssim, floor, psnr, mae, frc50 = (_number(measures.get(name)) for name in names)
    if ssim == UNKNOWN:
        return "no measures: the truth is flat"
    return (
        f"SSIM {ssim} (constant: {floor}), PSNR {psnr} dB, MAE {mae}{unit}, "
        f"FRC > ½ up to {frc50} of Nyquist"
    )


def _number(value: float | None) -> str:
    return UNKNOWN if value is None or math.isnan(value) else f"{value:.3g}"
