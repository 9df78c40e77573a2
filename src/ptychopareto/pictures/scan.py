"""Draw a measured scan before anything is trained: the look before the flight."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator
from numpy.typing import NDArray

from ptychopareto.files import Dataset
from ptychopareto.pictures import image_style, style
from ptychopareto.preparation.patterns import Patterns, always, ever, mean_intensity
from ptychopareto.preparation.prepare import Prepared

_DECADES = 5  # decades of the mean pattern to show
_DARK = 0.05  # of the probe's largest amplitude: below it its phase is not shown
_NARROW = 6  # times as long as wide
_MOST_COVERAGE = 256  # px a side of the coverage
_NEAR = 0.5  # of the brightest frame
_FEW = 30  # masked pixels that are ringed: a single one is hard to see
_MASKED = "#66ccee"

Reals = NDArray[np.float64]


def draw(prepared: Prepared, path: Path) -> None:
    """Draw mean pattern and mask, probe, positions, coverage and counts of a measured scan.

    Parameters
    ----------
    prepared : Prepared
        The scan; where there are several, positions and counts are those of the first.
    path : Path
        Where to write the picture (``.png`` or ``.svg``).
    """
    with style.style():
        figure = Figure(figsize=(style.WIDTH, 6.4), layout="constrained")
        rows = figure.add_gridspec(3, 1, height_ratios=(1, 1.45, 0.7))
        above = rows[0].subgridspec(1, 3)
        _draw_pattern(figure.add_subplot(above[0]), prepared)
        _draw_probe(
            figure.add_subplot(above[1]), figure.add_subplot(above[2]), prepared.train.probe
        )
        middle = rows[1].subgridspec(1, 2)
        _draw_positions(figure.add_subplot(middle[0]), prepared)
        _draw_coverage(figure.add_subplot(middle[1]), prepared)
        _draw_counts(figure.add_subplot(rows[2]), prepared)
        style.save(figure, path)


def _draw_pattern(axes: Axes, prepared: Prepared) -> None:
    """Draw the mean training pattern on a logarithmic scale, masked pixels in a colour."""
    train = prepared.train
    everywhere = np.ones((1, train.N, train.N), bool)
    valid = everywhere if train.valid is None else train.valid
    mean = mean_intensity(Patterns(train.diffraction, valid))
    brightest = float(mean[ever(valid)].max()) or 1.0
    norm = LogNorm(brightest / 10**_DECADES, brightest, clip=True)
    masked = ~always(valid)
    axes.set_title(f"mean pattern, {masked.sum()} px masked" if masked.any() else "mean pattern")
    shown = image_style.show(axes, mean, image_style.PATTERN_MAP, norm=norm)
    image_style.colour_bar(shown, "counts per pattern")
    if masked.any():
        axes.imshow(np.where(masked, 1.0, np.nan), cmap=ListedColormap([_MASKED]))
        if masked.sum() <= _FEW:
            rows, columns = np.nonzero(masked)
            axes.scatter(columns, rows, 30, facecolors="none", edgecolors=_MASKED, linewidths=0.8)
    image_style.scale_bar(axes, train.N)


def _draw_probe(amplitude: Axes, phase: Axes, probe: NDArray[np.complex64]) -> None:
    modulus = np.abs(probe)
    largest = float(modulus.max())
    argument = np.where(modulus > _DARK * largest, np.angle(probe), np.nan)
    amplitude.set_title("probe, first guess")
    shown = image_style.show(amplitude, modulus, image_style.AMPLITUDE_MAP, (0, largest))
    image_style.colour_bar(shown, "amplitude [√counts]")
    image_style.scale_bar(amplitude, len(probe))
    phase.set_title("probe, where it is bright")
    shown = image_style.show(phase, argument, image_style.CYCLE_MAP, (-np.pi, np.pi))
    image_style.colour_bar(shown, "phase [rad]")


def _centres(dataset: Dataset) -> Reals:
    """Return the centres (row, column) [px] of the patches of object 0."""
    of_first = dataset.object_index == 0
    fractions = 0 if dataset.fractions is None else dataset.fractions[of_first]
    centres: Reals = dataset.corners[of_first] + fractions + dataset.N / 2
    return centres


def _draw_positions(axes: Axes, prepared: Prepared) -> None:
    """Draw the centres of the patches: trained on, scored and free."""
    test = prepared.test
    assert test.free is not None
    free = test.free[test.object_index == 0]
    scored = _centres(test)
    same = _on_one_object(prepared)
    whole = prepared.train is prepared.test  # there are no parts
    name = "used" if whole else "scored"
    groups = [(name, scored[~free], 1, "o"), ("free, used by nothing", scored[free], 2, "s")]
    if same and not whole:
        groups.insert(0, ("trained on", _centres(prepared.train), 0, "o"))
    most = max(len(centres) for _, centres, _, _ in groups)
    size = float(np.clip(60 / np.sqrt(most), 0.8, 4))
    for label, centres, colour, marker in groups:
        if not len(centres):
            continue
        name = f"{label} ({len(centres)})"
        rows, columns = centres.T
        axes.scatter(
            columns, rows, size**2, style.COLOURS[colour], marker=marker, label=name, linewidths=0
        )
    rows_of, columns_of = test.object_shape
    _few_ticks(axes, rows_of, columns_of)
    axes.set(xlim=(0, columns_of), ylim=(rows_of, 0), aspect="equal")
    axes.set(xlabel="column [px]", ylabel="row [px]")
    axes.set_title("positions" + ("" if same else " of the scored scan"), pad=24)
    axes.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=3,
        frameon=False,
        markerscale=2,
        handletextpad=0.1,
        columnspacing=0.8,
        fontsize=6.5,
    )


def _on_one_object(prepared: Prepared) -> bool:
    """Tell whether the two parts are parts of the same scans."""
    return "scored_scan" not in prepared.record


def _draw_coverage(axes: Axes, prepared: Prepared) -> None:
    """Draw how many patterns of the first object have their light on each of its pixels."""
    whole = prepared.train is prepared.test or not _on_one_object(prepared)
    parts = [prepared.test] if whole else [prepared.train, prepared.test]
    coverage, factor = _coverage(parts)
    axes.set_title("coverage")
    extent = (0.0, coverage.shape[1] * factor, coverage.shape[0] * factor, 0.0)
    shown = axes.imshow(coverage, cmap="viridis", extent=extent)
    image_style.colour_bar(shown, "light [that of one beam's brightest pixel]")
    _few_ticks(axes, *coverage.shape)
    axes.set(xlabel="column [px]", ylabel="row [px]")
    if prepared.pixel is not None:
        axes.set_xlabel(f"column [px of {_length(prepared.pixel[1])}]")
        axes.set_ylabel(f"row [px of {_length(prepared.pixel[0])}]")


def _few_ticks(axes: Axes, rows: int, columns: int) -> None:
    """Keep one tick at the end of an axis that is too short for more."""
    for axis, side, other in ((axes.yaxis, rows, columns), (axes.xaxis, columns, rows)):
        if _NARROW * side < other:
            axis.set_major_locator(FixedLocator([0]))


def _length(metres: float) -> str:
    """Write a length with its unit, from pm to mm."""
    for unit, size in (("mm", 1e-3), ("µm", 1e-6), ("nm", 1e-9)):
        if metres >= size:
            return f"{metres / size:.3g} {unit}"
    return f"{metres / 1e-12:.3g} pm"


def _coverage(parts: list[Dataset]) -> tuple[Reals, int]:
    """Return Σ|P|² of the patterns over the largest |P|², on few pixels, and their side [px]."""
    first = parts[0]
    factor = max(1, -(-max(first.object_shape) // _MOST_COVERAGE))
    side = first.N // factor
    light = np.abs(first.probe[: side * factor, : side * factor].astype(np.complex128)) ** 2
    beam = light.reshape(side, factor, side, factor).mean(axis=(1, 3))
    beam /= beam.max()
    rows, columns = (-(-extent // factor) + side for extent in first.object_shape)
    total = np.zeros((rows, columns))
    for part in parts:
        for row, column in part.corners[part.object_index == 0] // factor:
            total[row : row + side, column : column + side] += beam
    return total[: rows - side, : columns - side], factor


def _draw_counts(axes: Axes, prepared: Prepared) -> None:
    """Draw the counts of each frame of the first scan; mark the frames that are left out."""
    totals, dark = prepared.totals, prepared.dark
    frames = np.arange(len(totals))
    used = np.ones(len(totals), bool)
    used[dark] = False
    axes.plot(frames[used], totals[used], ".", color=style.INK, markersize=2, label="used")
    if len(dark):
        label = f"left out ({len(dark)} of {len(totals)})"
        axes.plot(dark, totals[dark], "x", color=style.COLOURS[1], markersize=4, label=label)
        axes.legend(frameon=False, loc="best")
    axes.set(xlabel="frame, in the order of the file", ylabel="counts per frame")
    axes.set_ylim(*_counts_shown(totals))
    axes.margins(x=0.01)


def _counts_shown(totals: Reals) -> tuple[float, float]:
    """Return the range of counts to draw: from 0, unless all frames lie near the brightest one.

    From 0 these would be a line above an empty panel.
    """
    low, high = float(totals.min()), float(totals.max())
    if low < _NEAR * high:
        return 0.0, 1.15 * high
    margin = max(0.15 * (high - low), 0.002 * high)
    return low - margin, high + margin
