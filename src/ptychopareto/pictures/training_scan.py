"""The picture of a scan: the object and where it was scanned, the probe, and a few patterns."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from ptychopareto.files import Dataset
from ptychopareto.pictures import image_style, style

# Places of the patterns to show: row and column, as parts of the scan's extent.
SAMPLES = ((0.15, 0.15), (0.15, 0.85), (0.5, 0.5), (0.85, 0.15), (0.85, 0.85))
DECADES = 6  # decades of intensity to show, where the number of photons is not known
DARK = 0.02  # of the probe's largest amplitude: below it its phase is not shown

Indices = NDArray[np.intp]


def draw(dataset: Dataset, path: Path) -> None:
    """Draw object 0 with its scan, the probe, and a few patterns spread over the scan.

    Parameters
    ----------
    dataset : Dataset
        The scan; where its objects are not known, the positions alone are drawn.
    path : Path
        Where to write the picture (``.png`` or ``.svg``).
    """
    chosen = _spread(dataset)
    with style.style():
        figure = Figure(figsize=(style.WIDTH, 5.1), layout="constrained")
        rows = figure.add_gridspec(2, 1, height_ratios=(2.15, 1))
        above = rows[0].subgridspec(2, 5)
        amplitude, phase = figure.add_subplot(above[:, :2]), figure.add_subplot(above[:, 2:4])
        _draw_object(amplitude, phase, dataset)
        _draw_scan(amplitude, dataset, chosen)
        _draw_probe(figure.add_subplot(above[0, 4]), figure.add_subplot(above[1, 4]), dataset.probe)
        below = rows[1].subgridspec(1, len(SAMPLES))
        axes = [figure.add_subplot(below[i]) for i in range(len(SAMPLES))]
        _draw_patterns(axes, dataset, chosen)
        style.save(figure, path)


def _spread(dataset: Dataset) -> Indices:
    """Choose patterns of object 0 close to `SAMPLES`; fewer if the scan has not as many."""
    scan = np.flatnonzero(dataset.object_index == 0)
    corners = dataset.corners[scan]
    low, high = corners.min(axis=0), corners.max(axis=0)
    wanted = low + np.array(SAMPLES) * (high - low)
    distances = np.linalg.norm(corners - wanted[:, None], axis=-1)
    nearest = dict.fromkeys(distances.argmin(axis=1).tolist())  # each once, in order
    return scan[list(nearest)]


def _draw_object(amplitude: Axes, phase: Axes, dataset: Dataset) -> None:
    amplitude.set_title("object and scan positions")
    phase.set_title("object")
    image_style.scale_bar(phase, dataset.object_shape[1])
    if dataset.objects is None:
        for axes in (amplitude, phase):
            image_style.show(axes, np.zeros(dataset.object_shape), "gray", (-1, 1))
        phase.text(0.5, 0.5, "not known", transform=phase.transAxes, ha="center", color="white")
        return
    obj = dataset.objects[0]
    shown = image_style.show(amplitude, np.abs(obj), image_style.AMPLITUDE_MAP)
    image_style.colour_bar(shown, "amplitude", "bottom")
    shown = image_style.show(phase, np.angle(obj), image_style.PHASE_MAP)
    image_style.colour_bar(shown, "phase [rad]", "bottom")


def _draw_scan(axes: Axes, dataset: Dataset, chosen: Indices) -> None:
    """Mark the centres of all patches of object 0, and frame and number the chosen ones."""
    rows, columns = dataset.corners[dataset.object_index == 0].T + dataset.N // 2
    diameter = min(60 / np.sqrt(len(rows)), 3)  # pt: a third of their distance
    axes.scatter(columns, rows, diameter**2, style.COLOURS[2], linewidths=0)
    for number, index in enumerate(chosen, start=1):
        row, column = dataset.corners[index] - 0.5  # the edge of the pixel
        frame = Rectangle((column, row), dataset.N, dataset.N, fill=False, edgecolor="white")
        axes.add_patch(frame)
        axes.annotate(
            str(number),
            (column, row),
            (3, -3),
            textcoords="offset points",
            color="white",
            va="top",
            path_effects=image_style.OUTLINE,
        )


def _draw_probe(amplitude: Axes, phase: Axes, probe: NDArray[np.complex64]) -> None:
    modulus = np.abs(probe)
    largest = float(modulus.max())
    argument = np.where(modulus > DARK * largest, np.angle(probe), np.nan)
    amplitude.set_title("probe")
    shown = image_style.show(amplitude, modulus, image_style.AMPLITUDE_MAP, (0, largest))
    image_style.colour_bar(shown, "amplitude", "bottom")
    image_style.scale_bar(amplitude, len(probe))
    shown = image_style.show(phase, argument, image_style.CYCLE_MAP, (-np.pi, np.pi))
    image_style.colour_bar(shown, "phase [rad]", "bottom")


def _draw_patterns(axes: Sequence[Axes], dataset: Dataset, chosen: Indices) -> None:
    """Draw the measured intensities on one logarithmic scale."""
    intensity = dataset.diffraction[chosen].astype(np.float64) ** 2
    if dataset.intensity_scale is not None:
        intensity *= dataset.intensity_scale**2
    brightest = float(intensity.max()) or 1.0  # dark patterns stay dark
    if dataset.intensity_scale is None:
        label, darkest = "intensity", brightest / 10**DECADES
    else:
        label, darkest = "photons", min(1.0, brightest / 10)
    norm = LogNorm(darkest, brightest, clip=True)
    for ax in axes[len(chosen) :]:
        ax.set_axis_off()
    for number, (ax, pattern) in enumerate(zip(axes, intensity, strict=False), start=1):
        ax.set_title(f"pattern {number}")
        shown = image_style.show(ax, pattern, image_style.PATTERN_MAP, norm=norm)
    image_style.colour_bar(shown, label)
