"""The picture of a study: what each configuration costs, how good it is, and the front."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ptychopareto.config.columns import FLOORS, MEASURES
from ptychopareto.pictures import axis_scales, image_style, style
from ptychopareto.pictures.labels import label_points
from ptychopareto.pictures.marks import (
    COLOURS,
    FRONT_SIZE,
    RUN_SIZE,
    SIZE,
    hollow,
    interval_bar,
    mark,
    ring,
)
from ptychopareto.pictures.names import rows_of, short_names
from ptychopareto.pictures.pareto_data import Array, ParetoData
from ptychopareto.pictures.pareto_legend import add_legend
from ptychopareto.study.configurations import names_of

HEIGHT = 4.5  # inches
BEYOND = 0.5  # how far an interval may widen the quality axis, as a part of the runs' range
MOST_LETTERS = 88  # in a line of the heading, which the legend stands beside
MOST_NAMES = 12  # a longer front has numbers, and its names in the legend


def draw(
    table: pd.DataFrame,
    configurations: pd.DataFrame,
    front: pd.DataFrame,
    purposes: Mapping[str, str],
    axes: Mapping[str, str],
    png: Path,
    svg: Path,
) -> None:
    """Draw the quality of all configurations against their cost, as PNG and as SVG.

    A marker is the mean of a configuration over its seeds, the bar through it the 95 % interval of
    this mean, a faint dot one of its runs. The front is a staircase: the best quality to be had up
    to a cost. Points in the shade below it are dominated. The label of a point on it says how often
    the point stays there when the seeds are resampled. What is recommended for a purpose is in a
    circle, and its label begins with the purpose. Runs that cannot be drawn, and means without an
    interval, are counted in words. What a search stopped is hollow, in a panel below, at the
    validation loss of its rung.

    Parameters
    ----------
    table : DataFrame
        The runs, as `table.gather` returns them; any number of them, ok or not.
    configurations : DataFrame
        Their means, as `configurations.configurations` returns them.
    front : DataFrame
        The configurations on the front of these axes, as `pareto.pareto_front` returns them.
    purposes : dict of str
        The purposes of each configuration that has any, as `purposes.named` returns them.
    axes : dict of str
        The columns. `cost` is on the horizontal, logarithmic axis. `quality` is on the vertical
        one, on which the better end is up. What an image without content scores in it, if that is
        known, is a line, or words if it is far away.
    png : Path
        Where to write the picture to be looked at.
    svg : Path
        Where to write the picture to be edited.
    """
    data = ParetoData.of(table, configurations, front, purposes, axes)
    with style.style():
        figure = Figure(figsize=(style.WIDTH, HEIGHT), layout="constrained")
        if data.stopped.empty:
            plot = below = figure.add_subplot()
        else:
            plot, below = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
        below.set_xlabel(MEASURES[data.cost].label)
        plot.set_ylabel(MEASURES[data.quality].label)
        plot.set_title(_summary(table, data), loc="left", color=style.QUIET)
        plot.spines[["top", "right"]].set_visible(False)
        if not data.stopped.empty:  # first, so that there is room for its words
            _draw_stopped(below, data)
        if data.means.empty:
            image_style.bare(plot)
            plot.text(0.5, 0.5, "no run with a result", transform=plot.transAxes, ha="center")
        else:
            _draw_study(figure, plot, data)
        for path in (png, svg):
            style.save(figure, path)


def _draw_stopped(axes: Axes, data: ParetoData) -> None:
    """Draw what a search stopped, apart from the others: all that is known of it is a loss."""
    low, high = data.stopped["rung_loss"].min(), data.stopped["rung_loss"].max()
    axis_scales.set_log_axis(axes.yaxis, (0.8 * low, 1.25 * high))
    axes.set_ylabel("validation loss\nwhere stopped")
    axes.spines[["top", "right"]].set_visible(False)
    for _, one in data.stopped.iterrows():
        look = hollow(mark(one, SIZE))
        axes.plot(float(one[data.cost]), one["rung_loss"], **look, alpha=0.65)


def _summary(table: pd.DataFrame, data: ParetoData) -> str:
    """Say what became of the runs, and what is known about their spread."""
    status = {str(name): int(count) for name, count in table["status"].value_counts().items()}
    n_ok, n_missing = status.pop("ok", 0), status.pop("missing", 0)
    n_stopped = status.pop("stopped", 0)
    n_configurations = names_of(table).nunique()
    parts = [f"{_counted(len(table), 'run')} of {_counted(n_configurations, 'configuration')}"]
    if status:
        reasons = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in status.items())
        parts.append(f"{sum(status.values())} failed ({reasons})")
    if n_stopped:
        parts.append(f"{n_stopped} stopped by the search")
        names = names_of(table)
        # With a seed that was trained to the end a configuration is a point of the plot.
        ended = names[table["status"] == "ok"]
        stopped = names[(table["status"] == "stopped") & ~names.isin(ended)].nunique()
        if stopped > len(data.stopped):
            hidden = _counted(stopped - len(data.stopped), "stopped configuration")
            parts.append(f"{hidden} without a value on these axes")
    if n_missing:
        parts.append(f"{n_missing} missing")
    if n_ok > len(data.runs):
        parts.append(f"{n_ok - len(data.runs)} without a value on these axes")
    n_single = int(data.half_widths.isna().sum())
    if n_single and data.several_seeds:
        parts.append(f"\n{_counted(n_single, 'configuration')} with one run only: no interval")
    elif n_single:
        parts.append("\none seed each: no interval of the mean can be given")
    floor = _floor(data.runs, data.quality)
    if floor is not None and _is_far(floor, data):
        parts.append(f"\n{_without_content(data.quality)}: {floor:.3g}, beyond this axis")
    lines = ", ".join(parts).replace(", \n", "\n").splitlines()
    return "\n".join(textwrap.fill(line, MOST_LETTERS) for line in lines)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _draw_study(figure: Figure, axes: Axes, data: ParetoData) -> None:
    runs, means, front = data.runs, data.means, data.front
    cost, quality = data.cost, data.quality
    floor = _floor(runs, quality)
    if floor is not None and _is_far(floor, data):
        floor = None  # the summary has it in words
    names = short_names([*rows_of(front), *rows_of(data.beside)], rows_of(means))
    numbered = names[: len(front)] if len(front) > MOST_NAMES else []
    add_legend(figure, axes, data, numbered)
    _set_axes(axes, data, floor)

    points = data.points(front)
    staircase = _staircase(points, axes.get_xlim()[1])
    x, y = staircase.T
    axes.fill_between(x, y, axes.get_ylim()[0], color=style.SHADE, linewidth=0, zorder=0)
    axes.plot(x, y, color=style.INK, linewidth=1, zorder=2)
    if data.several_seeds:
        x, y = data.points(runs).T
        hues = [COLOURS[name] for name in runs["input_transform"]]
        axes.scatter(x, y, RUN_SIZE**2, hues, alpha=0.6, linewidths=0, zorder=1)
    on_front = means["configuration"].isin(front["configuration"])
    for _, mean in means[~on_front].iterrows():
        _draw_interval(axes, mean, data, alpha=0.4, elinewidth=0.5, capsize=0)
        axes.plot(mean[cost], mean[quality], **mark(mean, SIZE), alpha=0.65, zorder=3)
    for _, mean in means[on_front].iterrows():
        _draw_interval(axes, mean, data, zorder=3.5)
        axes.plot(mean[cost], mean[quality], **mark(mean, FRONT_SIZE), zorder=4)
    labelled = pd.concat([front, data.beside], ignore_index=True)
    points = data.points(labelled)
    has_purpose = labelled["configuration"].isin(data.purposes).to_numpy(dtype=bool)
    axes.plot(*points[has_purpose].T, **ring(), zorder=5)

    numbers = [str(number) for number in range(1, 1 + len(numbered))]
    texts = _labels(labelled, [*numbers, *names[len(numbers) :]], data.purposes)
    low, high = sorted(axes.get_ylim())
    lines = [staircase, *(np.clip(data.intervals(on_front), (0, low), (np.inf, high)))]
    if floor is not None:
        axes.axhline(floor, color=style.QUIET, linewidth=0.9, linestyle=(0, (5, 3)), zorder=1)
        ends = np.array([(end, floor) for end in axes.get_xlim()])
        points = np.concatenate([points, ends[1:]])
        texts = [*texts, f"{_without_content(quality)}: {floor:.2f}"]
        lines.append(ends)
    label_points(figure, axes, points, texts, data.points(means), lines)
    for text in axes.texts if data.several_seeds else ():  # bars may run behind it
        text.set_bbox({"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.6})


def _floor(runs: pd.DataFrame, quality: str) -> float | None:
    column = FLOORS.get(quality)
    return float(runs[column].mean()) if column in runs and runs[column].notna().any() else None


def _without_content(quality: str) -> str:
    return "flat object" if FLOORS[quality].endswith("_flat") else "constant reconstruction"


def _is_far(floor: float, data: ParetoData) -> bool:
    """Tell whether a line at the floor would leave little room for the points.

    The scale of an SSIM has room for it.
    """
    qualities = data.points(data.runs)[:, 1]
    low, high = float(qualities.min()), float(qualities.max())
    apart = max(low - floor, floor - high)
    return not axis_scales.is_ssim(data.quality) and apart > 2 * (high - low)


def _labels(rows: pd.DataFrame, names: Sequence[str], purposes: Mapping[str, str]) -> list[str]:
    """Return names with what is known of their configurations beyond the place of their points."""
    heads = [f"{purposes[name]}: " if name in purposes else "" for name in rows["configuration"]]
    tails = ["" if np.isnan(p) else f" ({100 * p:.0f} %)" for p in rows["p_front"]]
    return [head + name + tail for head, name, tail in zip(heads, names, tails, strict=True)]


def _staircase(front: Array, end: float) -> Array:
    """Return the corners of the line that rises at each point of the front, level in between."""
    costs = np.repeat([*front[:, 0], end], 2)[1:-1]
    return np.column_stack([costs, np.repeat(front[:, 1], 2)])


def _set_axes(axes: Axes, data: ParetoData, floor: float | None) -> None:
    costs, qualities = np.concatenate([data.points(data.runs), data.points(data.means)]).T
    costs = np.append(costs, data.stopped[data.cost].to_numpy(dtype=np.float64))
    low, high = float(costs.min()), float(costs.max())
    margin = max(0.14 * math.log(high / low), math.log(1.5))
    limits = (low / math.exp(margin), high * math.exp(margin / 2))  # labels go to the left
    axis_scales.set_log_axis(axes.xaxis, limits, data.cost)

    low, high = float(qualities.min()), float(qualities.max())
    # An interval of two seeds can be wider than everything else, and exceed the measure's range.
    room = BEYOND * (high - low)
    ends = data.intervals()[..., 1]
    low = min(low, max(low - room, ends.min(initial=low)))
    high = max(high, min(_beyond(data.quality, high, room), ends.max(initial=high)))
    if floor is not None:
        low, high = min(low, floor), max(high, floor)
    axes.set_ylabel(axis_scales.quality_label(data.quality))
    axis_scales.set_quality_axis(axes, data.quality, (low, high))


def _beyond(quality: str, high: float, room: float) -> float:
    """Return how high the axis may go above the highest value: for an SSIM, halfway to 1."""
    return 1 - (1 - high) / 2 if axis_scales.is_ssim(quality) else high + room


def _draw_interval(axes: Axes, mean: "pd.Series[Any]", data: ParetoData, **how: Any) -> None:
    half_width = mean[f"{data.quality}_ci95"]
    if not np.isnan(half_width):
        bar = {**interval_bar(COLOURS[mean["input_transform"]]), "zorder": 2.5, **how}
        axes.errorbar(mean[data.cost], mean[data.quality], half_width, **bar)
