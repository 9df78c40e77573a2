"""The picture of a study: what each configuration costs, how good it is, and the front."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter, StrMethodFormatter
from numpy.typing import ArrayLike, NDArray

from ptychopareto.config import Architecture, InputTransform, Supervision
from ptychopareto.pictures import style
from ptychopareto.pictures.labels import label_points
from ptychopareto.study.pareto import CONFIGURATION, configuration_means, pareto_front

Array = NDArray[np.float64]

# By the order in the config, so that a value looks the same in every study.
MARKERS = dict(zip(get_args(Architecture), style.MARKERS, strict=False))
COLOURS = dict(zip(get_args(InputTransform), style.COLOURS, strict=False))
FILLS = dict(zip(get_args(Supervision), style.FILLS, strict=False))

HEIGHT = 4.5  # inches
LINE = 0.17  # inches: height of a line of the legend
FRONT_SIZE, SIZE, RUN_SIZE = 7.5, 5.0, 2.0  # pt, of the markers
HEADROOM = 0.2  # of the quality axis, for the labels of the best
MOST_NAMES = 12  # a longer front has numbers, and its names in the legend
PREFIXES = {"modes": "m", "width": "w"}
COUNTS = ("model_params", "model_params_real")  # on an axis 100k, 1M
SSIM_TICKS = (0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
SSIM_RESOLUTION = 1e-4  # what is closer to 1 is drawn at this distance


def draw(table: pd.DataFrame, cost: str, quality: str, png: Path, svg: Path) -> None:
    """Draw the quality of all configurations against their cost, as PNG and as SVG.

    A marker is the mean of a configuration over its seeds, a faint dot one of its runs. The front
    is a staircase: the best quality to be had up to a cost; what lies in the shade below it is
    dominated. What cannot be drawn is counted in words.

    Args:
        table: the runs, as `table.gather` returns them; any number of them, ok or not.
        cost: the column on the horizontal, logarithmic axis.
        quality: the column on the vertical axis; if there is a `{quality}_floor`, it is a line.
        png: where to write the picture to be looked at.
        svg: where to write the picture to be edited.
    """
    runs = table[_can_be_drawn(table, cost, quality)]
    with style.style():
        figure = Figure(figsize=(style.WIDTH, HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        axes.set_xlabel(style.LABELS[cost])
        axes.set_ylabel(style.LABELS[quality])
        axes.set_title(_summary(table, len(runs)), loc="left", color=style.QUIET)
        axes.spines[["top", "right"]].set_visible(False)
        if runs.empty:
            style.bare(axes)
            axes.text(0.5, 0.5, "no run with a result", transform=axes.transAxes, ha="center")
        else:
            _draw_runs(figure, axes, runs, cost, quality)
        for path in (png, svg):
            style.save(figure, path)


def _can_be_drawn(table: pd.DataFrame, cost: str, quality: str) -> "pd.Series[bool]":
    numbers = table[[cost, quality]].astype("float64")
    finite = pd.Series(np.isfinite(numbers).all(axis=1), index=table.index)
    return (table["status"] == "ok") & finite & (numbers[cost] > 0)


def _summary(table: pd.DataFrame, n_drawn: int) -> str:
    """What became of the runs, in one line."""
    status = {str(name): int(count) for name, count in table["status"].value_counts().items()}
    n_ok, n_missing = status.pop("ok", 0), status.pop("missing", 0)
    n_configurations = len(table[CONFIGURATION].drop_duplicates())
    parts = [f"{_counted(len(table), 'run')} of {_counted(n_configurations, 'configuration')}"]
    if status:
        reasons = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in status.items())
        parts.append(f"{sum(status.values())} failed ({reasons})")
    if n_missing:
        parts.append(f"{n_missing} missing")
    if n_ok > n_drawn:
        parts.append(f"{n_ok - n_drawn} without a value on these axes")
    return ", ".join(parts)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _draw_runs(figure: Figure, axes: Axes, runs: pd.DataFrame, cost: str, quality: str) -> None:
    means = configuration_means(runs)
    front = pareto_front(runs, cost, quality)
    floor = _floor(runs, quality)
    several_seeds = bool((means["n_ok"] > 1).any())
    names = _names(front, means)
    numbered = names if len(names) > MOST_NAMES else []
    _add_legend(figure, means, several_seeds, numbered)
    _set_cost_axis(axes, runs[cost], cost)
    _set_quality_axis(axes, runs[quality], quality, floor)

    staircase = _staircase(_points(front, cost, quality), axes.get_xlim()[1])
    x, y = staircase.T
    axes.fill_between(x, y, axes.get_ylim()[0], color=style.SHADE, linewidth=0, zorder=0)
    axes.plot(x, y, color=style.INK, linewidth=1, zorder=2)
    if several_seeds:
        x, y = _points(runs, cost, quality).T
        hues = [COLOURS[name] for name in runs["input_transform"]]
        axes.scatter(x, y, RUN_SIZE**2, hues, alpha=0.4, linewidths=0, zorder=1)
    on_front = means["configuration"].isin(front["configuration"])
    for _, mean in means[~on_front].iterrows():
        axes.plot(mean[cost], mean[quality], **_marker(mean, SIZE), alpha=0.65, zorder=3)
    for _, mean in means[on_front].iterrows():
        axes.plot(mean[cost], mean[quality], **_marker(mean, FRONT_SIZE), zorder=4)

    points = _points(front, cost, quality)
    texts = [str(i + 1) for i in range(len(names))] if numbered else names
    lines = [staircase]
    if floor is not None:
        axes.axhline(floor, color=style.QUIET, linewidth=0.9, linestyle=(0, (5, 3)), zorder=1)
        ends = np.array([(end, floor) for end in axes.get_xlim()])
        points = np.concatenate([points, ends[1:]])
        texts = [*texts, f"constant reconstruction: {floor:.2f}"]
        lines.append(ends)
    label_points(figure, axes, points, texts, _points(means, cost, quality), lines)


def _points(rows: pd.DataFrame, cost: str, quality: str) -> Array:
    return rows[[cost, quality]].to_numpy(dtype=np.float64)


def _floor(runs: pd.DataFrame, quality: str) -> float | None:
    column = f"{quality}_floor"
    return float(runs[column].mean()) if column in runs and runs[column].notna().any() else None


def _names(front: pd.DataFrame, means: pd.DataFrame) -> list[str]:
    """Short names of the front's configurations: of each, what is not the same for all."""
    varying = [axis for axis in CONFIGURATION if means[axis].nunique() > 1] or CONFIGURATION
    parts = [PREFIXES.get(axis, "") + front[axis].astype(str) for axis in varying]
    return [" ".join(words) for words in zip(*parts, strict=True)]


def _staircase(front: Array, end: float) -> Array:
    """Corners of the line that rises at each point of the front and is level in between."""
    costs = np.repeat([*front[:, 0], end], 2)[1:-1]
    return np.column_stack([costs, np.repeat(front[:, 1], 2)])


def _set_cost_axis(axes: Axes, costs: "pd.Series[Any]", name: str) -> None:
    low, high = float(costs.min()), float(costs.max())
    margin = max(0.14 * math.log(high / low), math.log(1.5))
    axes.set_xscale("log")
    axes.set_xlim(low / math.exp(margin), high * math.exp(margin / 2))  # labels go to the left
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if high / low > 50 else (1, 2, 5)))
    axes.xaxis.set_minor_locator(LogLocator(subs=tuple(range(2, 10))))
    axes.xaxis.set_major_formatter(
        EngFormatter(sep="") if name in COUNTS else StrMethodFormatter("{x:g}")
    )
    axes.xaxis.set_minor_formatter(NullFormatter())


def _set_quality_axis(
    axes: Axes, qualities: "pd.Series[Any]", name: str, floor: float | None
) -> None:
    low, high = float(qualities.min()), float(qualities.max())
    if floor is not None:
        low, high = min(low, floor), max(high, floor)
    if name.startswith("ssim"):
        # Near 1 the ratio of the errors counts: from 0.98 to 0.99 is as far as from 0.8 to 0.9.
        axes.set_ylabel(f"{style.LABELS[name]} (scale: logarithm of 1 − SSIM)")
        axes.set_yscale("function", functions=(_stretched, _squeezed))
        axes.set_yticks([tick for tick in SSIM_TICKS if tick <= high])
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        bottom, top = _with_margins(float(_stretched(low)), float(_stretched(high)))
        axes.set_ylim(float(_squeezed(bottom)), float(_squeezed(top)))
    else:
        axes.set_ylim(_with_margins(low, high))


def _stretched(ssim: ArrayLike) -> Array:
    return -np.log10(np.maximum(1 - np.asarray(ssim, dtype=np.float64), SSIM_RESOLUTION))


def _squeezed(stretched: ArrayLike) -> Array:
    return 1 - 10 ** -np.asarray(stretched, dtype=np.float64)


def _with_margins(low: float, high: float) -> tuple[float, float]:
    span = max(high - low, 0.05 * abs(high), 0.01)
    return low - 0.06 * span, high + HEADROOM * span


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


def _add_legend(
    figure: Figure, means: pd.DataFrame, several_seeds: bool, numbered: Sequence[str]
) -> None:
    """Explain markers, colours and fills beside the axes, where nothing can be hidden."""
    ink, full = style.INK, FILLS["teacher"]
    looks = {
        "architecture": {name: _look(marker, ink, full, SIZE) for name, marker in MARKERS.items()},
        "input_transform": {name: _look("o", hue, full, SIZE) for name, hue in COLOURS.items()},
        "supervision": {name: _look("o", ink, fill, SIZE) for name, fill in FILLS.items()},
    }
    handles = [Line2D([], [], color=ink, linewidth=1, label="Pareto front")]
    handles += [_entry(f"{i}  {name}") for i, name in enumerate(numbered, start=1)]
    if several_seeds:
        grey = style.QUIET
        handles.append(Line2D([], [], label="mean over seeds", **_look("o", grey, full, SIZE)))
        handles.append(Line2D([], [], label="single run", **_look("o", grey, full, RUN_SIZE)))
    headings = []
    for axis, look_of in looks.items():
        headings.append(len(handles))
        handles.append(_entry("\n" + axis.replace("_", " ")))
        present = [name for name in look_of if name in set(means[axis])]
        handles += [Line2D([], [], label=name, **look_of[name]) for name in present]
    legend = figure.legend(handles=handles, loc="outside right upper", frameon=False)
    for heading in headings:
        legend.get_texts()[heading].set_fontweight("bold")
    figure.set_figheight(max(HEIGHT, LINE * (len(handles) + len(headings) + 1)))


def _entry(words: str) -> Line2D:
    return Line2D([], [], linestyle="none", label=words)
