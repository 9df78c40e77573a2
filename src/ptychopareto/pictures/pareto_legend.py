"""The legend of the Pareto picture."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ptychopareto.pictures import style
from ptychopareto.pictures.marks import (
    COLOURS,
    FILLS,
    MARKERS,
    RUN_SIZE,
    SIZE,
    hollow,
    interval_bar,
    marker_with,
    ring,
)
from ptychopareto.pictures.pareto_data import ParetoData

LINE = 0.17  # inches: height of a line of the legend


def add_legend(figure: Figure, axes: Axes, data: ParetoData, numbered: Sequence[str]) -> None:
    """Explain markers, colours and fills beside the axes, where nothing can be hidden.

    Parameters
    ----------
    figure : Figure
        It grows with the legend.
    axes : Axes
        The plot.
    data : ParetoData
        What it shows; only what occurs in it is explained.
    numbered : sequence of str
        The names that stand for the numbers 1, 2, … at the points.
    """
    handles = _lines_and_points(axes, data, numbered)
    headings = []
    for axis, look_of in _looks().items():
        shown = {*data.means[axis], *data.stopped[axis]}
        present = [name for name in look_of if name in shown]
        if len(present) == 1:  # what all have in common need not be told apart
            continue
        headings.append(len(handles))
        handles.append(_entry("\n" + axis.replace("_", " ")))
        handles += [Line2D([], [], label=name, **look_of[name]) for name in present]
    legend = figure.legend(handles=handles, loc="outside right upper", frameon=False)
    for heading in headings:
        legend.get_texts()[heading].set_fontweight("bold")
    height = LINE * (len(handles) + len(headings) + 1)
    figure.set_figheight(max(figure.get_figheight(), height))


def _looks() -> dict[str, dict[str, dict[str, Any]]]:
    """Return the marker that stands for each value of the axes that decide the looks."""
    ink, full = style.INK, FILLS["teacher"]
    return {
        "architecture": {
            name: marker_with(marker, ink, full, SIZE) for name, marker in MARKERS.items()
        },
        "input_transform": {
            name: marker_with("o", colour, full, SIZE) for name, colour in COLOURS.items()
        },
        "supervision": {name: marker_with("o", ink, fill, SIZE) for name, fill in FILLS.items()},
    }


def _lines_and_points(axes: Axes, data: ParetoData, numbered: Sequence[str]) -> list[Any]:
    """Explain what does not depend on the settings: the front, numbers, circles, intervals."""
    grey, full = style.QUIET, FILLS["teacher"]
    handles: list[Any] = [Line2D([], [], color=style.INK, linewidth=1, label="Pareto front")]
    handles += [_entry(f"{i}  {name}") for i, name in enumerate(numbered, start=1)]
    if data.purposes:
        handles.append(Line2D([], [], label="for a purpose", **ring()))
    mean = marker_with("o", grey, full, SIZE)
    if data.several_seeds:
        handles.append(Line2D([], [], label="mean over seeds", **mean))
        handles.append(axes.errorbar([], [], [], label="its 95 % interval", **interval_bar(grey)))
        run = marker_with("o", grey, full, RUN_SIZE)
        handles.append(Line2D([], [], label="single run", **run))
        handles.append(_entry("(%) on the front when\nseeds are resampled"))
    if not data.stopped.empty:
        handles.append(Line2D([], [], label="stopped (below)", **hollow(mean)))
    return handles


def _entry(words: str) -> Line2D:
    return Line2D([], [], linestyle="none", label=words)
