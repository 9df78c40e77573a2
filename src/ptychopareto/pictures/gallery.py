"""The gallery of a study: the truth, its reconstructions side by side, and their errors."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike
from pandas import DataFrame

from ptychopareto.assessment.alignment import (
    ComplexImage,
    Image,
    align,
    phase_and_amplitude,
)
from ptychopareto.config.columns import MEASURES
from ptychopareto.files import read_objects, read_reconstruction
from ptychopareto.pictures import style
from ptychopareto.study.pareto import pareto_front
from ptychopareto.study.recommendation import median_run
from ptychopareto.study.results import Results

MOST_COLUMNS = 6
LARGEST = 1.8  # inches: width of an image
CHARACTER = 0.056  # inches: mean width of a letter of a title
LINE = 0.13  # inches: height of a line of a title
TITLE_SIZE = 7  # pt
ERROR_QUANTILE = 0.99  # of all errors lie within the colour scale
NAMES = {"phase": "phase", "amp": "amplitude"}
UNITS = {"phase": " [rad]", "amp": ""}
MAPS = {"phase": style.PHASE_MAP, "amp": style.AMPLITUDE_MAP}


@dataclass(frozen=True)
class _Tile:
    title: str
    image: Image | None  # None: nothing to be shown, the title says why
    error: Image | None  # None: that of the image the others are compared with


@dataclass(frozen=True)
class _Scale:
    colours: str
    norm: Normalize


def draw_study(
    results: Results,
    table: DataFrame,
    classical: DataFrame,
    axes: Mapping[str, str],
    path: Path,
) -> None:
    """Draw the truth, the longest rPIE, and one run of each configuration of the front.

    Parameters
    ----------
    results
        Those of the study, finished or not.
    table
        The runs, as `tables.table_of_runs` returns them.
    classical
        rPIE from a flat start, as `against_time.classical_table` returns it.
    axes
        The columns of the front: `cost` and `quality`.
    path
        Where to write the picture (``.png`` or ``.svg``).

    Raises
    ------
    FileError
        A reconstruction or the test scan is damaged.
    """
    items: list[tuple[str, ArrayLike]] = []
    measures, by_run = [], table.set_index("run")
    if len(classical):
        step = classical.iloc[-1]
        objects = read_objects(results.folder / "classical.npz")
        items.append((f"rPIE, {step['epochs']:.0f} epochs", objects[-1]))
        measures.append({str(name): value for name, value in step.items()})
    for _, configuration in pareto_front(table, axes["cost"], axes["quality"]).iterrows():
        run = median_run(table, configuration, axes["quality"])
        items.append((run, read_reconstruction(results.of_runs("reconstruction.npz")[run])))
        measures.append({str(name): value for name, value in by_run.loc[run].items()})
    test = results.test_scan()
    draw(items, None if test is None else test.truth, measures, path, axes["quality"])


def draw(
    items: Sequence[tuple[str, ArrayLike]],
    truth: ArrayLike | None,
    measures: Sequence[Mapping[str, Any]],
    path: Path,
    quality: str = "ssim_phase",
) -> None:
    """Draw the truth and the reconstructions of it, and below each of these its error.

    All images share one colour scale, that of the truth, and all errors share another one. Without
    a truth the first item takes its place, and what is below are the differences from it.

    Args:
        items: a label and a complex object (H, W) for each reconstruction, all of one shape. In a
            label, ``_`` is written as a space.
        truth: complex object (H, W), if it is known.
        measures: the metrics of each item: what `assessment.metrics.evaluate` gives, and the status
            of a run. An item that is not ok, or not finite, is named and not shown.
        path: where to write the picture (``.png`` or ``.svg``).
        quality: the measure of the study; one of the amplitude shows that, any other the phase.

    Raises:
        ValueError: the numbers of items and measures, or the shapes of the objects, differ.
    """
    part = MEASURES[quality].part if MEASURES[quality].part in NAMES else "phase"
    difference = "error" if truth is not None else "difference"
    tiles = _tiles(items, truth, measures, part)
    bands = math.ceil(max(len(tiles), 1) / MOST_COLUMNS)
    columns = math.ceil(max(len(tiles), 1) / bands)
    with style.style():
        if any(tile.image is not None for tile in tiles):
            figure = _draw_tiles(tiles, bands, columns, part, difference)
        else:
            figure = Figure(figsize=(style.WIDTH, 1.5))
            figure.text(0.5, 0.5, "no reconstruction to show", ha="center", va="center")
        style.save(figure, path)


def _tiles(
    items: Sequence[tuple[str, ArrayLike]],
    truth: ArrayLike | None,
    measures: Sequence[Mapping[str, Any]],
    part: str,
) -> list[_Tile]:
    """Align what can be shown with the truth, or with the first of it."""
    which = list(NAMES).index(part)
    reference = None if truth is None else np.asarray(truth, dtype=np.complex128)
    tiles = [] if reference is None else [_reference("truth", reference, which)]
    for (label, obj), values in zip(items, measures, strict=True):
        title, image = label.replace("_", " "), np.asarray(obj)
        status = values.get("status", "ok")
        if status != "ok" or not np.isfinite(image).all() or not image.any():
            reason = status if status != "ok" else "nothing to show"
            tiles.append(_Tile(f"{title}\n{reason.replace('_', ' ')}", None, None))
        elif reference is None:
            reference = image.astype(np.complex128)
            tiles.append(_reference(f"{title}\nno truth: the reference", reference, which))
        else:
            shown = phase_and_amplitude(align(image, reference), reference)[which]
            error = shown - phase_and_amplitude(reference, reference)[which]
            tiles.append(_Tile(f"{title}\n{_in_words(values, part)}", shown, error))
    return tiles


def _reference(title: str, obj: ComplexImage, which: int) -> _Tile:
    return _Tile(title, phase_and_amplitude(obj, obj)[which], None)


def _in_words(measures: Mapping[str, Any], part: str) -> str:
    ssim = measures.get(f"ssim_{part}")
    return "" if ssim is None or math.isnan(ssim) else f"SSIM {_number(ssim)}"


def _number(ssim: float) -> str:
    """Two digits of the error, however small it is: 0.87, 0.987, 0.9987."""
    error = abs(1 - ssim)
    digits = 2 if error >= 0.1 else min(1 - math.floor(math.log10(max(error, 1e-4))), 4)
    return f"{ssim:.{digits}f}"


def _draw_tiles(
    tiles: Sequence[_Tile], bands: int, columns: int, part: str, difference: str
) -> Figure:
    width = min(style.WIDTH / columns, LARGEST)
    titles = [_wrapped(tile.title, width) for tile in tiles]
    lines = [
        max(title.count("\n") + 1 for title in titles[i : i + columns])
        for i in range(0, len(tiles), columns)
    ]
    shape = next(tile.image.shape for tile in tiles if tile.image is not None)
    aspect = min(max(shape[0] / shape[1], 0.4), 2.5)
    height = bands * 2 * width * aspect + LINE * sum(lines) + 0.1
    gaps = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.03, wspace=0, hspace=0, compress=True)
    figure = Figure(figsize=(width * columns, height), layout=gaps)
    rows = figure.subplots(2 * bands, columns, squeeze=False)

    images = [tile.image for tile in tiles if tile.image is not None]
    errors = [tile.error for tile in tiles if tile.error is not None]
    scale = _Scale(MAPS[part], Normalize(*style.limits_of(images[0])))
    error_scale = _Scale(style.ERROR_MAP, Normalize(*_error_limits(errors)))
    for number, (tile, title) in enumerate(zip(tiles, titles, strict=True)):
        band, column = divmod(number, columns)
        above, below = rows[2 * band : 2 * band + 2, column]
        above.set_title(title, fontsize=TITLE_SIZE, pad=3)
        _show(above, tile.image, scale)
        _show(below, tile.error, error_scale)
        if tile.image is not None and (column == 0 or tile.error is None):
            style.scale_bar(above, shape[1])
        if tile.image is not None and tile.error is None:
            _explain(below, 0.8, scale, images, NAMES[part] + UNITS[part])
            if errors:
                _explain(below, 0.35, error_scale, errors, difference + UNITS[part])
    for axes in rows[-2:, len(tiles) - columns * (bands - 1) :].flat:
        axes.set_axis_off()
    return figure


def _show(axes: Axes, image: Image | None, scale: _Scale) -> None:
    if image is None:
        axes.set_axis_off()
    else:
        style.show(axes, image, scale.colours, norm=scale.norm)


def _explain(axes: Axes, bottom: float, scale: _Scale, images: Sequence[Image], label: str) -> None:
    """Draw the colour bar of some images in an empty place, `bottom` above its lower edge."""
    below = any(image.min() < scale.norm.vmin for image in images)
    above = any(image.max() > scale.norm.vmax for image in images)
    bar = axes.figure.colorbar(
        ScalarMappable(scale.norm, scale.colours),
        cax=axes.inset_axes((0.1, bottom, 0.8, 0.08)),
        orientation="horizontal",
        ticks=MaxNLocator(3),
        extend=style.ENDS[below, above],
    )
    bar.set_label(label, fontsize=TITLE_SIZE, labelpad=1)
    bar.ax.tick_params(labelsize=6)


def _wrapped(title: str, width: float) -> str:
    """Break a title into lines that are no wider than its image [inches]."""
    lines = (textwrap.wrap(line, int(width / CHARACTER)) for line in title.split("\n"))
    return "\n".join(word for line in lines for word in line)


def _error_limits(errors: Sequence[Image]) -> tuple[float, float]:
    if not errors:
        return -1.0, 1.0
    bound = float(np.quantile(np.abs(errors), ERROR_QUANTILE))
    return (-bound, bound) if bound > 0 else (-1.0, 1.0)
