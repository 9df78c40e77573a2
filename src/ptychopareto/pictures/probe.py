"""Draw a probe that was found: before, after, its object, and the way there."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ptychopareto.files import Dataset
from ptychopareto.pictures import image_style, style
from ptychopareto.reconstruction.found_probe import FoundProbe

DARK = 0.02  # part of the probe's largest amplitude below which its phase is not shown
MOST_MODES = 4  # to draw


def draw(train: Dataset, found: FoundProbe, path: Path) -> None:
    """Draw the first guess of the probe, the modes found, the object and the R-factors.

    Parameters
    ----------
    train : Dataset
        The training part of the scan.
    found : FoundProbe
        What its joint reconstruction found.
    path : Path
        Where to write the picture (``.png`` or ``.svg``).
    """
    shown = found.modes[:MOST_MODES]
    with style.style():
        figure = Figure(figsize=(style.WIDTH, 4.6), layout="constrained")
        rows = figure.add_gridspec(2, 1, height_ratios=(1, 1.3))
        above = rows[0].subgridspec(1, 4 + len(shown) - 1)
        axes = [figure.add_subplot(above[i]) for i in range(4 + len(shown) - 1)]
        _draw_field(axes[0], axes[1], found.before, "first guess")
        _draw_field(axes[2], axes[3], shown[0], "probe found")
        power = (np.abs(found.modes) ** 2).sum(axis=(1, 2))
        for number, (ax, mode) in enumerate(zip(axes[4:], shown[1:], strict=True), start=2):
            image = image_style.show(
                ax, np.abs(mode), image_style.AMPLITUDE_MAP, (0, float(np.abs(mode).max()))
            )
            image_style.colour_bar(image, "amplitude", "bottom")
            ax.set_title(f"mode {number}: {power[number - 1] / power.sum():.1%}")
        below = rows[1].subgridspec(1, 2, width_ratios=(1.2, 1))
        _draw_object(figure.add_subplot(below[0]), train, found)
        _draw_history(figure.add_subplot(below[1]), found)
        style.save(figure, path)


def _draw_field(amplitude: Axes, phase: Axes, field: NDArray[np.complex64], title: str) -> None:
    modulus = np.abs(field)
    largest = float(modulus.max())
    image = image_style.show(amplitude, modulus, image_style.AMPLITUDE_MAP, (0, largest))
    image_style.colour_bar(image, "amplitude [√photons]", "bottom")
    image_style.scale_bar(amplitude, len(field))
    amplitude.set_title(title)
    argument = np.where(modulus > DARK * largest, np.angle(field), np.nan)
    image = image_style.show(phase, argument, image_style.CYCLE_MAP, (-np.pi, np.pi))
    image_style.colour_bar(image, "phase [rad]", "bottom")
    phase.set_title(title)


def _draw_object(axes: Axes, train: Dataset, found: FoundProbe) -> None:
    """Draw the phase of the first object where the training part has its light."""
    region = train.scored_region()
    obj = found.objects[0][region]
    obj = obj * np.exp(-1j * np.angle(obj.sum()))
    phase = np.angle(obj)
    covered = train.covered()
    if covered is not None:
        phase = np.where(covered, phase, np.nan)
    low, high = np.nanquantile(phase, [0.005, 0.995])
    image = image_style.show(axes, phase, image_style.PHASE_MAP, (float(low), float(high)))
    image_style.colour_bar(image, "phase [rad]", "right")
    image_style.scale_bar(axes, phase.shape[1])
    axes.set_title("object of the training part: what networks learn from")


def _draw_history(axes: Axes, found: FoundProbe) -> None:
    epochs = [row["epoch"] for row in found.history]
    curves = {"r_work": "patterns it is made from", "r_held_out": "patterns held out"}
    for colour, (name, label) in zip(style.COLOURS, curves.items(), strict=False):
        values = [row[name] for row in found.history]
        if np.isfinite(values).all():
            axes.plot(epochs, values, "o-", color=colour, markersize=3, label=label)
    axes.axvline(found.epochs, color=style.QUIET, linewidth=0.8, linestyle=":")
    axes.set_xlabel("passes over the scan (dotted: the probe taken)")
    axes.set_ylabel("R-factor")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
