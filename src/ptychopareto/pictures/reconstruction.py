"""Draw a reconstruction: truth, reconstruction and error, as amplitude and as phase."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ptychopareto.assessment.alignment import (
    ComplexImage,
    Image,
    Region,
    align,
    phase_and_amplitude,
)
from ptychopareto.config.columns import MEASURES
from ptychopareto.pictures import image_style, style

UNKNOWN = "–"
WIDE = 0.5  # rows of a wide image, as a fraction of its columns
# Sizes of a wide picture [inches]: space, a line of text, a letter, the lowest image, a colour bar
# alone, and with its ticks and its label.
GAP, LINE, CHARACTER, LOWEST, THIN, BAR = 0.06, 0.15, 0.056, 0.12, 0.08, 0.45
WORDS = 3  # lines for the measures
SMALL = 7  # pt
REFERENCES = {"truth": "truth", "classical": "classical\n(whole scan)"}
HEADINGS_OF_ERRORS = {"truth": "error", "classical": "difference"}
ERROR_RANGE = 0.25  # part of the truth's range: the same colours for all runs of a study


@dataclass(frozen=True)
class _Part:
    """The amplitude or the phase: (H, W) images, and the words below them."""

    image: Image
    truth: Image
    colours: str
    name: str
    unit: str
    words: str

    def rows(self, error: str) -> list[tuple[Image, str, tuple[float, float], str]]:
        """Return image, colours, limits and bar's label of truth, reconstruction and error."""
        low, high = image_style.limits_of(self.truth)
        bound = ERROR_RANGE * (high - low)
        return [
            (self.truth, self.colours, (low, high), ""),
            (self.image, self.colours, (low, high), self.name + self.unit),
            (self.image - self.truth, image_style.ERROR_MAP, (-bound, bound), error + self.unit),
        ]


def draw(
    reconstruction: ArrayLike,
    truth: ArrayLike | None,
    measures: Mapping[str, Any],
    title: str,
    path: Path,
    region: Region | None = None,
    reference: str = "truth",
    pixel: float | None = None,
) -> None:
    """Draw a reconstruction beside the truth, aligned as for the measures.

    Truth and reconstruction share their scale, that of the truth. The error is shown up to a
    quarter of its range, so that pictures of the same object can be compared. Without a truth the
    reconstruction stands alone. For a run that failed the picture says so.

    Parameters
    ----------
    reconstruction : complex (H, W)
        The object.
    truth : complex (H, W), optional
        The true object, or the reconstruction that stands for it.
    measures : dict
        The metrics of the run: its status, and what `assessment.metrics.evaluate` gives.
    title : str
        What was reconstructed and how, such as the id of the run.
    path : Path
        Where to write the picture (``.png`` or ``.svg``).
    region : bool (H, W), optional
        The pixels that are scored; others are blank. Without it all are.
    reference : str
        What `truth` is: ``truth``, or ``classical`` for the classical reconstruction of the whole
        scan.
    pixel : float, optional
        The width of a pixel [m], for the scale bar. Without it the bar is in pixels.

    Raises
    ------
    ValueError
        The two are not finite, non-zero images of one shape.
    """
    if measures.get("status", "ok") != "ok":
        _draw_words(f"{title}\n{measures['status']}: {measures['error']}", path)
        return
    title = "\n".join(filter(None, (title, _r_factors(measures))))
    if truth is None:
        _draw_alone(np.asarray(reconstruction), title, path, region, pixel)
        return
    t = np.asarray(truth, dtype=np.complex128)
    aligned = align(reconstruction, t, region=region)
    t = t if region is None else np.where(region, t, 0)
    images, truths = (phase_and_amplitude(one, t, region) for one in (aligned, t))
    (phase, amplitude), (true_phase, true_amplitude) = (
        [image_style.blank_outside(region, image) for image in pair] for pair in (images, truths)
    )
    parts = [
        _Part(
            *(amplitude, true_amplitude, image_style.AMPLITUDE_MAP, "amplitude", ""),
            _in_words(measures, "amp", ""),
        ),
        _Part(
            *(phase, true_phase, image_style.PHASE_MAP, "phase", " [rad]"),
            _in_words(measures, "phase", " rad"),
        ),
    ]
    headings = (REFERENCES[reference], "reconstruction", HEADINGS_OF_ERRORS[reference])
    drawn = _draw_wide if t.shape[0] < WIDE * t.shape[1] else _draw_side_by_side
    with style.style():
        style.save(drawn(parts, headings, title, pixel), path)


def _draw_words(words: str, path: Path) -> None:
    with style.style():
        figure = Figure(figsize=(style.WIDTH, 1.5))
        figure.text(0.5, 0.5, words, ha="center", va="center", wrap=True)
        style.save(figure, path)


def _draw_alone(
    reconstruction: ComplexImage,
    title: str,
    path: Path,
    region: Region | None,
    pixel: float | None,
) -> None:
    parts = [
        (np.abs(reconstruction), image_style.AMPLITUDE_MAP, "amplitude"),
        (np.angle(reconstruction), image_style.PHASE_MAP, "phase [rad]"),
    ]
    rows, columns = reconstruction.shape
    wide = rows < WIDE * columns
    height = 2 * (3.3 * rows / columns + 0.7) if wide else 0.75 * _height((rows, columns))
    with style.style():
        figure = Figure(figsize=(style.WIDTH, height), layout="compressed")
        figure.suptitle(f"{title}\nno truth to compare with", fontsize=9)
        axes = figure.subplots(1, 2)
        for where, (image, colours, label) in zip(axes, parts, strict=True):
            seen = image_style.blank_outside(region, image)
            shown = image_style.show(where, seen, colours, image_style.limits_of(seen))
            image_style.colour_bar(shown, label, "bottom" if wide else "right")
        image_style.scale_bar(axes[0], columns, pixel)
        style.save(figure, path)


def _draw_side_by_side(
    parts: Sequence[_Part], headings: Sequence[str], title: str, pixel: float | None
) -> Figure:
    """Draw truth, reconstruction and error side by side, the amplitude above the phase."""
    shape = parts[0].truth.shape
    figure = Figure(figsize=(style.WIDTH, _height(shape)), layout="compressed")
    figure.suptitle(title, fontsize=9)
    axes = figure.subplots(2, 3)
    for where, heading in zip(axes[0], headings, strict=True):
        where.set_title(heading)
    for row, part in zip(axes, parts, strict=True):
        rows = part.rows(headings[-1])
        for where, (image, colours, limits, label) in zip(row, rows, strict=True):
            shown = image_style.show(where, image, colours, limits)
            if label:
                image_style.colour_bar(shown, label)
        _write_below(row, part.name, part.words)
    image_style.scale_bar(axes[0][0], shape[1], pixel)
    return figure


def _height(shape: tuple[int, ...]) -> float:
    """Return the height of the figure [inches] in which two rows of images fill its width."""
    aspect = min(max(shape[0] / shape[1], 0.6), 2.5)
    return 2 * (1.85 * aspect + 0.3) + 0.4


def _draw_wide(
    parts: Sequence[_Part], headings: Sequence[str], title: str, pixel: float | None
) -> Figure:
    """Draw amplitude and phase side by side, each as truth, reconstruction and error in a column.

    Everything is placed in inches: a colour bar beside a wide image would be as low as the image.
    """
    rows, columns = parts[0].truth.shape
    column = style.WIDTH / 2
    width = column - 2 * GAP
    image = max(width * rows / columns, LOWEST)
    top = GAP + LINE * (title.count("\n") + 1 + WORDS)
    tops = np.cumsum([top, *(LINE + image + GAP + bar for bar in (0, BAR, BAR))])
    figure = Figure(figsize=(style.WIDTH, tops[-1]))
    height = float(tops[-1])
    figure.text(0.5, 1 - GAP / height, title, fontsize=9, ha="center", va="top")
    for number, part in enumerate(parts):
        left = number * column + GAP
        words = textwrap.fill(f"{part.name}: {part.words}", int(width / CHARACTER))
        x, y = left / style.WIDTH, 1 - (top - GAP) / height
        figure.text(x, y, words, fontsize=SMALL, va="bottom")
        for heading, begin, row in zip(headings, tops, part.rows(headings[-1]), strict=False):
            shown, colours, limits, label = row
            heading = heading.replace("\n", " ")
            at = 1 - (begin + LINE) / height
            figure.text((left + width / 2) / style.WIDTH, at, heading, fontsize=SMALL, ha="center")
            bottom = begin + LINE + GAP / 2 + image
            box = (left / style.WIDTH, 1 - bottom / height, width / style.WIDTH, image / height)
            axes = figure.add_axes(box)
            drawn = image_style.show(axes, shown, colours, limits)
            if label:
                bar = figure.add_axes(
                    (
                        (left + width / 4) / style.WIDTH,
                        1 - (bottom + 2 * GAP + THIN) / height,
                        width / 2 / style.WIDTH,
                        THIN / height,
                    )
                )
                image_style.bar_in(bar, drawn, label)
            elif number == 0:
                image_style.scale_bar(axes, columns, pixel)
    return figure


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


def _r_factors(measures: Mapping[str, Any]) -> str:
    """Write the R-factors in a line; nothing where they are not known."""
    known = [name for name in ("r_free", "r_work") if _number(measures.get(name)) != UNKNOWN]
    return ", ".join(f"{MEASURES[name].heading} {measures[name]:#.3g}" for name in known)


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
