"""The picture of a study: what each configuration costs, how good it is, and the front."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from ptychopareto.config import Architecture, Supervision
from ptychopareto.config.columns import FLOORS, MEASURES
from ptychopareto.pictures import axis_scales, image_style, style
from ptychopareto.pictures.labels import label_points
from ptychopareto.pictures.names import rows_of, short_names
from ptychopareto.study.configurations import names_of

Array = NDArray[np.float64]

# The order in the config decides, so that a value looks the same in every study.
MARKERS = dict(zip(get_args(Architecture), cycle(style.MARKERS), strict=False))
COLOURS = style.TRANSFORM_COLOURS
FILLS = dict(zip(get_args(Supervision), style.FILLS, strict=False))

HEIGHT = 4.5  # inches
LINE = 0.17  # inches: height of a line of the legend
FRONT_SIZE, SIZE, RUN_SIZE = 7.5, 5.0, 2.0  # pt, of the markers
RING_SIZE = 13.0  # pt, of the circle around what has a purpose
BEYOND = 0.5  # how far an interval may widen the quality axis, as a part of the runs' range
MOST_NAMES = 12  # a longer front has numbers, and its names in the legend
ALL = slice(None)


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
    cost, quality = axes["cost"], axes["quality"]
    study = _Study.of(table, configurations, front, purposes, cost, quality)
    with style.style():
        figure = Figure(figsize=(style.WIDTH, HEIGHT), layout="constrained")
        if study.stopped.empty:
            plot = below = figure.add_subplot()
        else:
            plot, below = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
        below.set_xlabel(MEASURES[cost].label)
        plot.set_ylabel(MEASURES[quality].label)
        plot.set_title(_summary(table, study), loc="left", color=style.QUIET)
        plot.spines[["top", "right"]].set_visible(False)
        if not study.stopped.empty:  # first, so that there is room for its words
            _draw_stopped(below, study)
        if study.means.empty:
            image_style.bare(plot)
            plot.text(0.5, 0.5, "no run with a result", transform=plot.transAxes, ha="center")
        else:
            _draw_study(figure, plot, study)
        for path in (png, svg):
            style.save(figure, path)


@dataclass(frozen=True)
class _Study:
    """The part of a study that can be drawn: rows with a quality and a cost above 0."""

    cost: str
    quality: str
    runs: pd.DataFrame
    means: pd.DataFrame
    front: pd.DataFrame
    purposes: Mapping[str, str]
    stopped: pd.DataFrame

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        configurations: pd.DataFrame,
        front: pd.DataFrame,
        purposes: Mapping[str, str],
        cost: str,
        quality: str,
    ) -> "_Study":
        def drawable(rows: pd.DataFrame) -> pd.DataFrame:
            numbers = rows[[cost, quality]].astype("float64")
            finite = pd.Series(np.isfinite(numbers).all(axis=1), index=rows.index)
            return rows[finite & (numbers[cost] > 0)]

        runs = drawable(table[table["status"] == "ok"])
        stopped = _stopped(table, cost)
        return cls(cost, quality, runs, drawable(configurations), front, purposes, stopped)

    @property
    def beside(self) -> pd.DataFrame:
        """The configurations that have a purpose, and are not on the front."""
        others = ~self.means["configuration"].isin(self.front["configuration"])
        return self.means[others & self.means["configuration"].isin(self.purposes)]

    def points(self, rows: pd.DataFrame) -> Array:
        return rows[[self.cost, self.quality]].to_numpy(dtype=np.float64)

    @property
    def half_widths(self) -> "pd.Series[float]":
        """Half the widths of the intervals of the means; missing where there is none."""
        return self.means[f"{self.quality}_ci95"].astype("float64")

    @property
    def several_seeds(self) -> bool:
        return bool(self.half_widths.notna().any())


def _stopped(table: pd.DataFrame, cost: str) -> pd.DataFrame:
    """Select what a search stopped: looks, rung, and the means of cost and loss there."""
    if "rung_loss" not in table:
        return table.iloc[:0]
    rows = table[(table["status"] == "stopped") & table["rung_loss"].notna()]
    costs = rows[cost].astype("float64")
    if cost == "train_time_s":  # the row has the part of the training that was done
        epochs = rows["epochs"].astype("float64")
        costs *= epochs / rows["rung"].astype("float64").clip(upper=epochs)
    rows = rows.assign(configuration=names_of(rows), **{cost: costs})[costs > 0]
    groups = rows.groupby("configuration", sort=False)
    means = {name: groups[name].mean() for name in (cost, "rung_loss")}
    return groups.first().assign(**means)


def _draw_stopped(axes: Axes, study: _Study) -> None:
    """Draw what a search stopped, apart from the others: all that is known of it is a loss."""
    low, high = study.stopped["rung_loss"].min(), study.stopped["rung_loss"].max()
    axis_scales.set_log_axis(axes.yaxis, (0.8 * low, 1.25 * high))
    axes.set_ylabel("validation loss\nwhere stopped")
    axes.spines[["top", "right"]].set_visible(False)
    for _, one in study.stopped.iterrows():
        look = {**_marker(one, SIZE), "fillstyle": "full", "markerfacecolor": "none"}
        axes.plot(float(one[study.cost]), one["rung_loss"], **look, alpha=0.65)


def _summary(table: pd.DataFrame, study: _Study) -> str:
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
        stopped = names_of(table[table["status"] == "stopped"]).nunique()
        if stopped > len(study.stopped):
            hidden = _counted(stopped - len(study.stopped), "stopped configuration")
            parts.append(f"{hidden} without a value on these axes")
    if n_missing:
        parts.append(f"{n_missing} missing")
    if n_ok > len(study.runs):
        parts.append(f"{n_ok - len(study.runs)} without a value on these axes")
    n_single = int(study.half_widths.isna().sum())
    if n_single and study.several_seeds:
        parts.append(f"\n{_counted(n_single, 'configuration')} with one run only: no interval")
    elif n_single:
        parts.append("\none seed each: no interval of the mean can be given")
    floor = _floor(study.runs, study.quality)
    if floor is not None and _is_far(floor, study):
        parts.append(f"\n{_without_content(study.quality)}: {floor:.3g}, beyond this axis")
    return ", ".join(parts).replace(", \n", "\n")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _draw_study(figure: Figure, axes: Axes, study: _Study) -> None:
    runs, means, front = study.runs, study.means, study.front
    cost, quality = study.cost, study.quality
    floor = _floor(runs, quality)
    if floor is not None and _is_far(floor, study):
        floor = None  # the summary has it in words
    names = short_names([*rows_of(front), *rows_of(study.beside)], rows_of(means))
    numbered = names[: len(front)] if len(front) > MOST_NAMES else []
    _add_legend(figure, axes, study, numbered)
    _set_axes(axes, study, floor)

    points = study.points(front)
    staircase = _staircase(points, axes.get_xlim()[1])
    x, y = staircase.T
    axes.fill_between(x, y, axes.get_ylim()[0], color=style.SHADE, linewidth=0, zorder=0)
    axes.plot(x, y, color=style.INK, linewidth=1, zorder=2)
    if study.several_seeds:
        x, y = study.points(runs).T
        hues = [COLOURS[name] for name in runs["input_transform"]]
        axes.scatter(x, y, RUN_SIZE**2, hues, alpha=0.6, linewidths=0, zorder=1)
    on_front = means["configuration"].isin(front["configuration"])
    for _, mean in means[~on_front].iterrows():
        _draw_interval(axes, mean, study, alpha=0.4, elinewidth=0.5, capsize=0)
        axes.plot(mean[cost], mean[quality], **_marker(mean, SIZE), alpha=0.65, zorder=3)
    for _, mean in means[on_front].iterrows():
        _draw_interval(axes, mean, study, zorder=3.5)
        axes.plot(mean[cost], mean[quality], **_marker(mean, FRONT_SIZE), zorder=4)
    labelled = pd.concat([front, study.beside], ignore_index=True)
    points = study.points(labelled)
    has_purpose = labelled["configuration"].isin(study.purposes).to_numpy(dtype=bool)
    axes.plot(*points[has_purpose].T, **_ring(), zorder=5)

    numbers = [str(number) for number in range(1, 1 + len(numbered))]
    texts = _labels(labelled, [*numbers, *names[len(numbers) :]], study.purposes)
    low, high = sorted(axes.get_ylim())
    lines = [staircase, *(np.clip(_intervals(study, on_front), (0, low), (np.inf, high)))]
    if floor is not None:
        axes.axhline(floor, color=style.QUIET, linewidth=0.9, linestyle=(0, (5, 3)), zorder=1)
        ends = np.array([(end, floor) for end in axes.get_xlim()])
        points = np.concatenate([points, ends[1:]])
        texts = [*texts, f"{_without_content(quality)}: {floor:.2f}"]
        lines.append(ends)
    label_points(figure, axes, points, texts, study.points(means), lines)
    for text in axes.texts if study.several_seeds else ():  # bars may run behind it
        text.set_bbox({"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.6})


def _floor(runs: pd.DataFrame, quality: str) -> float | None:
    column = FLOORS.get(quality)
    return float(runs[column].mean()) if column in runs and runs[column].notna().any() else None


def _without_content(quality: str) -> str:
    return "flat object" if FLOORS[quality].endswith("_flat") else "constant reconstruction"


def _is_far(floor: float, study: _Study) -> bool:
    """Tell whether a line at the floor would leave little room for the points.

    The scale of an SSIM has room for it.
    """
    qualities = study.points(study.runs)[:, 1]
    low, high = float(qualities.min()), float(qualities.max())
    apart = max(low - floor, floor - high)
    return not axis_scales.is_ssim(study.quality) and apart > 2 * (high - low)


def _labels(rows: pd.DataFrame, names: Sequence[str], purposes: Mapping[str, str]) -> list[str]:
    """Return names with what is known of their configurations beyond the place of their points."""
    heads = [f"{purposes[name]}: " if name in purposes else "" for name in rows["configuration"]]
    tails = ["" if np.isnan(p) else f" ({100 * p:.0f} %)" for p in rows["p_front"]]
    return [head + name + tail for head, name, tail in zip(heads, names, tails, strict=True)]


def _staircase(front: Array, end: float) -> Array:
    """Return the corners of the line that rises at each point of the front, level in between."""
    costs = np.repeat([*front[:, 0], end], 2)[1:-1]
    return np.column_stack([costs, np.repeat(front[:, 1], 2)])


def _intervals(study: _Study, chosen: "pd.Series[bool] | slice" = ALL) -> Array:
    """Return the ends (n, 2, 2) of the intervals of the means, or of some of them."""
    points, half_widths = study.points(study.means[chosen]), study.half_widths[chosen].to_numpy()
    steps = np.outer(half_widths, (-1, 1))[..., None] * (0, 1)
    return (points[:, None] + steps)[half_widths > 0]


def _set_axes(axes: Axes, study: _Study, floor: float | None) -> None:
    costs, qualities = np.concatenate([study.points(study.runs), study.points(study.means)]).T
    costs = np.append(costs, study.stopped[study.cost].to_numpy(dtype=np.float64))
    low, high = float(costs.min()), float(costs.max())
    margin = max(0.14 * math.log(high / low), math.log(1.5))
    limits = (low / math.exp(margin), high * math.exp(margin / 2))  # labels go to the left
    axis_scales.set_log_axis(axes.xaxis, limits, study.cost)

    low, high = float(qualities.min()), float(qualities.max())
    # An interval of two seeds can be wider than everything else, and exceed the measure's range.
    room = BEYOND * (high - low)
    ends = _intervals(study)[..., 1]
    low = min(low, max(low - room, ends.min(initial=low)))
    high = max(high, min(_beyond(study.quality, high, room), ends.max(initial=high)))
    if floor is not None:
        low, high = min(low, floor), max(high, floor)
    axes.set_ylabel(axis_scales.quality_label(study.quality))
    axis_scales.set_quality_axis(axes, study.quality, (low, high))


def _beyond(quality: str, high: float, room: float) -> float:
    """Return how high the axis may go above the highest value: for an SSIM, halfway to 1."""
    return 1 - (1 - high) / 2 if axis_scales.is_ssim(quality) else high + room


def _draw_interval(axes: Axes, mean: "pd.Series[Any]", study: _Study, **how: Any) -> None:
    half_width = mean[f"{study.quality}_ci95"]
    if not np.isnan(half_width):
        bar = {**_bar(COLOURS[mean["input_transform"]]), "zorder": 2.5, **how}
        axes.errorbar(mean[study.cost], mean[study.quality], half_width, **bar)


def _bar(colour: str) -> dict[str, Any]:
    return {"fmt": "none", "ecolor": colour, "elinewidth": 1, "capsize": 2.5, "capthick": 1}


def _ring() -> dict[str, Any]:
    return {
        **{"marker": "o", "markersize": RING_SIZE, "linestyle": "none"},
        **{"markerfacecolor": "none", "markeredgecolor": style.INK, "markeredgewidth": 1.2},
    }


def _marker(row: "pd.Series[Any]", size: float) -> dict[str, Any]:
    marker, colour = MARKERS[row["architecture"]], COLOURS[row["input_transform"]]
    return _look(marker, colour, FILLS[row["supervision"]], size)


def _look(marker: str, colour: str, fill: str, size: float) -> dict[str, Any]:
    hollow = fill == "none"
    return {
        "marker": marker,
        "markersize": size,
        "linestyle": "none",
        "fillstyle": "full" if hollow else fill,
        "markerfacecolor": "white" if hollow else colour,  # so that no line is seen through it
        "markerfacecoloralt": "white",
        "markeredgecolor": colour,
    }


def _add_legend(figure: Figure, axes: Axes, study: _Study, numbered: Sequence[str]) -> None:
    """Explain markers, colours and fills beside the axes, where nothing can be hidden."""
    ink, full, grey = style.INK, FILLS["teacher"], style.QUIET
    looks = {
        "architecture": {name: _look(marker, ink, full, SIZE) for name, marker in MARKERS.items()},
        "input_transform": {name: _look("o", hue, full, SIZE) for name, hue in COLOURS.items()},
        "supervision": {name: _look("o", ink, fill, SIZE) for name, fill in FILLS.items()},
    }
    handles: list[Any] = [Line2D([], [], color=ink, linewidth=1, label="Pareto front")]
    handles += [_entry(f"{i}  {name}") for i, name in enumerate(numbered, start=1)]
    if study.purposes:
        handles.append(Line2D([], [], label="for a purpose", **_ring()))
    if study.several_seeds:
        handles.append(Line2D([], [], label="mean over seeds", **_look("o", grey, full, SIZE)))
        handles.append(axes.errorbar([], [], [], label="its 95 % interval", **_bar(grey)))
        handles.append(Line2D([], [], label="single run", **_look("o", grey, full, RUN_SIZE)))
        handles.append(_entry("(%) on the front when\nseeds are resampled"))
    if not study.stopped.empty:
        stopped = {**_look("o", grey, full, SIZE), "markerfacecolor": "none"}
        handles.append(Line2D([], [], label="stopped (below)", **stopped))
    headings = []
    for axis, look_of in looks.items():
        shown = {*study.means[axis], *study.stopped[axis]}
        present = [name for name in look_of if name in shown]
        if len(present) == 1:  # what all have in common need not be told apart
            continue
        headings.append(len(handles))
        handles.append(_entry("\n" + axis.replace("_", " ")))
        handles += [Line2D([], [], label=name, **look_of[name]) for name in present]
    legend = figure.legend(handles=handles, loc="outside right upper", frameon=False)
    for heading in headings:
        legend.get_texts()[heading].set_fontweight("bold")
    figure.set_figheight(max(HEIGHT, LINE * (len(handles) + len(headings) + 1)))


def _entry(words: str) -> Line2D:
    return Line2D([], [], linestyle="none", label=words)
