"""Draw the gallery of a study: the truth, its reconstructions side by side, and their errors."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray
from pandas import DataFrame

from ptychopareto.assessment.alignment import (
    ComplexImage,
    Image,
    Region,
    align,
    phase_and_amplitude,
)
from ptychopareto.config.columns import MEASURES
from ptychopareto.files import read_objects, read_reconstruction
from ptychopareto.pictures import image_style, style
from ptychopareto.pictures.grid import Grid
from ptychopareto.pictures.names import rows_of, short_names
from ptychopareto.study.against_time import ENGINES
from ptychopareto.study.configurations import median_run
from ptychopareto.study.results import Results

TITLE_SIZE = 7  # pt
ERROR_QUANTILE = 0.99  # part of all errors that lies within the colour scale
NAMES = {"phase": "phase", "amp": "amplitude"}
UNITS = {"phase": " [rad]", "amp": ""}
MAPS = {"phase": image_style.PHASE_MAP, "amp": image_style.AMPLITUDE_MAP}
REFERENCES = {"truth": "truth", "classical": "classical\n(whole scan)"}


@dataclass(frozen=True)
class _Tile:
    title: str
    image: Image | None  # None: nothing to be shown, the title says why
    error: Image | None  # None: that of the image the others are compared with


@dataclass(frozen=True)
class _Scale:
    colours: str
    limits: tuple[float, float]
    images: list[Image]
    label: str


def draw_study(
    results: Results,
    table: DataFrame,
    front: DataFrame,
    classical: DataFrame,
    quality: str,
    path: Path,
) -> None:
    """Draw the truth, the longest rPIE, and one run of each configuration of the front.

    Parameters
    ----------
    results : Results
        The results of the study, finished or not.
    table : DataFrame
        The runs, as `tables.table_of_runs` returns them.
    front : DataFrame
        The configurations on the front, as `pareto.pareto_front` returns them.
    classical : DataFrame
        RPIE from a flat start, as `against_time.classical_table` returns it.
    quality : str
        The column on the quality axis of the front.
    path : Path
        Where to write the picture (``.png`` or ``.svg``).

    Raises
    ------
    FileError
        A reconstruction or the test scan is damaged.
    """
    items: list[tuple[str, ArrayLike]] = []
    measures = []
    for name, step, obj in _classical(results.folder / "classical.npz", classical):
        items.append((name, obj))
        measures.append(step)
    by_run = table.set_index("run")
    names = short_names(rows_of(front), always=["architecture"]) if len(front) else []
    several = table["seed"].nunique() > 1
    for name, (_, configuration) in zip(names, front.iterrows(), strict=True):
        run = median_run(table, str(configuration["configuration"]), quality)
        row = {str(key): value for key, value in by_run.loc[run].items()}
        obj = read_reconstruction(results.of_runs("reconstruction.npz")[run])
        items.append((f"{name}, seed\N{NO-BREAK SPACE}{row['seed']}" if several else name, obj))
        measures.append(row)
    test, classical_object = results.test_scan(), results.folder / "reference.npz"
    region = None if test is None else test.covered()
    if test is not None and test.measured and classical_object.exists():
        reference = read_reconstruction(classical_object)
        draw(items, reference, measures, path, quality, region, "classical")
    else:
        truth = None if test is None else test.truth
        draw(items, truth, measures, path, quality, region)


def _classical(
    path: Path, classical: DataFrame
) -> list[tuple[str, dict[str, Any], NDArray[np.complex64]]]:
    """Return one reconstruction of each engine that left some: its name, its measures, the object.

    It is the one at which early stopping ends, or the longest. The engine that finds the probe too
    leaves none here, for its object is the reference.
    """
    if not len(classical):
        return []
    objects = read_objects(path)
    classical = classical.iloc[: len(objects)]
    engines = classical["engine"]
    shown = []
    for engine in dict.fromkeys(engines):
        own = engines == engine
        stopped = own & classical["early_stop"]
        number = int(np.flatnonzero(stopped if stopped.any() else own)[-1])
        step = {str(name): value for name, value in classical.iloc[number].items()}
        title = f"{ENGINES[engine]}, {step['epochs']:.0f} pass{'' if step['epochs'] == 1 else 'es'}"
        shown.append((title, step, objects[number]))
    return shown


def draw(
    items: Sequence[tuple[str, ArrayLike]],
    truth: ArrayLike | None,
    measures: Sequence[Mapping[str, Any]],
    path: Path,
    quality: str = "ssim_phase",
    region: Region | None = None,
    reference: str = "truth",
) -> None:
    """Draw the truth and the reconstructions of it, and below each of these its error.

    All images share one colour scale, that of the truth, and all errors share another one. Without
    a truth the first item takes its place, and what is below are the differences from it.

    Parameters
    ----------
    items : list of (str, complex (H, W))
        A label and an object for each reconstruction, all of one shape. In a label, ``_`` is
        written as a space.
    truth : complex (H, W), optional
        The true object, or the reconstruction that stands for it.
    measures : list of dict
        The metrics of each item: what `assessment.metrics.evaluate` gives, and the status of a run.
        An item that is not ok, or not finite, is named and not shown.
    path : Path
        Where to write the picture (``.png`` or ``.svg``).
    quality : str
        The measure of the study. One of the amplitude shows
        the amplitude, any other the phase; above each image is its SSIM.
    region : bool (H, W), optional
        The pixels that are scored; others are blank. Without it all are.
    reference : str
        What `truth` is: ``truth``, or ``classical`` for the classical reconstruction of the whole
        scan, from which the others only differ.

    Raises
    ------
    ValueError
        The numbers of items and measures, or the shapes of the objects, differ.
    """
    part = MEASURES[quality].part if MEASURES[quality].part in NAMES else "phase"
    is_true = truth is not None and reference == "truth"
    tiles = _tiles(items, truth, measures, quality, region, REFERENCES[reference])
    images = [tile.image for tile in tiles if tile.image is not None]
    errors = [tile.error for tile in tiles if tile.error is not None]
    with style.style():
        if images:
            scales = (
                _Scale(MAPS[part], image_style.limits_of(images[0]), images, NAMES[part]),
                _Scale(
                    image_style.ERROR_MAP,
                    _error_limits(errors),
                    errors,
                    "error" if is_true else "difference",
                ),
            )
            figure = _draw_tiles(tiles, scales, UNITS[part])
        else:
            figure = Figure(figsize=(style.WIDTH, 1.5))
            figure.text(0.5, 0.5, "no reconstruction to show", ha="center", va="center")
        style.save(figure, path)


def _tiles(
    items: Sequence[tuple[str, ArrayLike]],
    truth: ArrayLike | None,
    measures: Sequence[Mapping[str, Any]],
    quality: str,
    region: Region | None,
    name: str,
) -> list[_Tile]:
    """Align what can be shown with the truth, or with the first of it."""
    part = MEASURES[quality].part if MEASURES[quality].part in NAMES else "phase"
    which = list(NAMES).index(part)
    reference = None if truth is None else np.asarray(truth, dtype=np.complex128)
    tiles = [] if reference is None else [_reference(name, reference, which, region)]
    for (label, obj), values in zip(items, measures, strict=True):
        title, image = label.replace("_", " "), np.asarray(obj)
        status = values.get("status", "ok")
        seen = image if region is None or region.shape != image.shape else image[region]
        if status != "ok" or not np.isfinite(seen).all() or not seen.any():
            reason = status if status != "ok" else "nothing to show"
            tiles.append(_Tile(f"{title}\n{reason.replace('_', ' ')}", None, None))
        elif reference is None:
            reference = image.astype(np.complex128)
            tiles.append(_reference(f"{title}\nno truth: the reference", reference, which, region))
        else:
            aligned = align(image, reference, region=region)
            shown = phase_and_amplitude(aligned, reference, region)[which]
            error = shown - phase_and_amplitude(reference, reference, region)[which]
            title = f"{title}\n{_in_words(values, part, quality)}"
            shown, error = (image_style.blank_outside(region, one) for one in (shown, error))
            tiles.append(_Tile(title, shown, error))
    return tiles


def _reference(title: str, obj: ComplexImage, which: int, region: Region | None) -> _Tile:
    shown = phase_and_amplitude(obj, obj, region)[which]
    return _Tile(title, image_style.blank_outside(region, shown), None)


def _in_words(measures: Mapping[str, Any], part: str, quality: str) -> str:
    """Write the SSIM, and the measure of the study if that is not one of the image."""
    words = []
    value, ssim = measures.get(quality), measures.get(f"ssim_{part}")
    if MEASURES[quality].part == "other" and value is not None and not math.isnan(value):
        words.append(f"{MEASURES[quality].heading} {value:#.3g}")
    if ssim is not None and not math.isnan(ssim):
        words.append(f"SSIM {_number(ssim)}")
    return "\n".join(words)


def _number(ssim: float) -> str:
    """Write two digits of the error, however small it is: 0.87, 0.987, 0.9987."""
    error = abs(1 - ssim)
    digits = 2 if error >= 0.1 else min(1 - math.floor(math.log10(max(error, 1e-4))), 4)
    return f"{ssim:.{digits}f}"


def _draw_tiles(tiles: Sequence[_Tile], scales: tuple[_Scale, _Scale], unit: str) -> Figure:
    """Place everything in inches: no layout engine knows what images of any shape need."""
    shape = scales[0].images[0].shape
    grid = Grid.of(len(tiles), shape, [tile.title for tile in tiles], two=bool(scales[1].images))
    figure = Figure(figsize=(grid.width, grid.height))
    for number, tile in enumerate(tiles):
        x, y = grid.title(number)
        title = grid.titles[number]
        figure.text(x, y, title, fontsize=TITLE_SIZE, ha="center", va="bottom", linespacing=1.1)
        for row, (image, scale) in enumerate(zip((tile.image, tile.error), scales, strict=True)):
            if image is None:
                continue
            axes = figure.add_axes(grid.box(number, row))
            image_style.show(axes, image, scale.colours, scale.limits)
            if row == 0 and (number % grid.columns == 0 or tile.error is None):
                image_style.scale_bar(axes, shape[1])
    for number, scale in enumerate(scale for scale in scales if scale.images):
        _explain(figure, grid.bar(number), scale, scale.label + unit)
    return figure


def _explain(
    figure: Figure, box: tuple[float, float, float, float], scale: _Scale, label: str
) -> None:
    """Draw the colour bar of some images."""
    low, high = scale.limits
    below = any(np.nanmin(image) < low for image in scale.images)
    above = any(np.nanmax(image) > high for image in scale.images)
    bar = figure.colorbar(
        ScalarMappable(Normalize(low, high), scale.colours),
        cax=figure.add_axes(box),
        orientation="horizontal",
        ticks=MaxNLocator(3),
        extend=image_style.ENDS[below, above],
    )
    bar.set_label(label, fontsize=TITLE_SIZE, labelpad=1)
    bar.ax.tick_params(labelsize=6)


def _error_limits(errors: Sequence[Image]) -> tuple[float, float]:
    if not errors:
        return -1.0, 1.0
    bound = float(np.nanquantile(np.abs(errors), ERROR_QUANTILE))
    return (-bound, bound) if bound > 0 else (-1.0, 1.0)
