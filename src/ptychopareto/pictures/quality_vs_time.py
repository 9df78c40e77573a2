"""Quality against the time of a reconstruction: the classical one, and the networks' head start."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ptychopareto.config.columns import MEASURES, sign
from ptychopareto.pictures import axis_scales, style
from ptychopareto.pictures.labels import label_points
from ptychopareto.pictures.names import short_names
from ptychopareto.study.against_time import ENGINES
from ptychopareto.study.purposes import ALONE, REFINED
from ptychopareto.study.time_to_reach import time_to_reach

Array = NDArray[np.float64]

HEIGHT = 4.2  # inches
SIZE, CLASSICAL_SIZE, RING = 5.0, 4.0, 9.0  # pt, of the markers
MOST_LETTERS = 105  # in a line of the title
MOST_LABELLED = 3  # curves whose epochs are all labelled; of more, those of the best
ARROW = {"arrowstyle": "<->", "color": style.QUIET, "linewidth": 0.9, "shrinkA": 3, "shrinkB": 3}
CLASSICAL = {engine: f"{name} from a flat start" for engine, name in ENGINES.items()}
# The colour, marker and line of each engine.
LOOKS = {"rpie": (style.INK, "o", "-"), "lsqml": (style.QUIET, "^", "--")}
MARKERS = ("s", "D", "v", "p")  # of networks: the next one when the colours come again


@dataclass(frozen=True)
class _Curve:
    name: str
    colour: str
    epochs: NDArray[np.int64]  # epochs of rPIE, after the network if there is one
    points: Array  # (n, 2): seconds and quality, the shortest time first
    range: Array  # (n, 2): smallest and largest quality over the seeds
    marker: str
    line: str = "-"
    stops: NDArray[np.bool_] | None = None  # (n,): where early stopping ends a classical curve
    configuration: str = ""  # of a network


@dataclass(frozen=True)
class _HeadStart:
    """The network of a purpose: its curve, and the point of it that has the passes of rPIE."""

    purpose: str
    curve: _Curve
    number: int


@dataclass(frozen=True)
class _Saving:
    arrow: Array  # (2, 2): from the network's point to the classical curve; (0, 2) if it never is
    factor: str
    words: str


def draw(
    classical: pd.DataFrame,
    refinement: pd.DataFrame,
    settings: Mapping[str, Mapping[str, Any]],
    purposes: pd.DataFrame,
    quality: str,
    path: Path,
) -> None:
    """Draw quality against the seconds that a reconstruction of the test scan takes.

    The arrow says how much sooner than the classical reconstruction the network of the purpose
    refined, with its passes of rPIE, or else the network alone, reaches its quality: from its point
    to where the classical curve, interpolated, gets there, or to its first point that has the same
    digits as the title, if that is sooner. Where there are several classical curves, it is the one
    that gets there first. If none does, there is no arrow, and the title says so.

    Parameters
    ----------
    classical : DataFrame
        `classical.csv`: epochs, seconds and the measures of each engine from a flat start, a curve
        for each. A ring is around the point at which early stopping ends.
    refinement : DataFrame
        `refinement.csv`: configuration, refine_epochs, total_s and the measures, one row per run
        and number of epochs. Runs of a configuration are averaged.
    settings : dict of dict
        The configurations to be drawn, with the values of their axes. Those that have no rows are
        left out.
    purposes : DataFrame
        The configuration for each purpose, as `purposes.purposes` returns them.
    quality : str
        The column on the vertical axis.
    path : Path
        Where to write the picture (``.png`` or ``.svg``).
    """
    reference = _classical_curves(classical, quality)
    networks = _network_curves(refinement, settings, quality)
    head_start = _head_start(purposes, networks)
    curves = [*reference, *networks]
    with style.style():
        figure = Figure(figsize=(style.WIDTH, HEIGHT if curves else 1.5), layout="constrained")
        if curves:
            _draw_curves(figure, reference, networks, head_start, quality)
        else:
            figure.text(0.5, 0.5, "no reconstruction has been timed", ha="center", va="center")
        style.save(figure, path)


def _classical_curves(classical: pd.DataFrame, quality: str) -> list[_Curve]:
    rows = _drawable(classical, "seconds", quality).sort_values("seconds")
    curves = []
    for engine, name in CLASSICAL.items():
        own = rows[rows["engine"] == engine]
        if own.empty:
            continue
        points = own[["seconds", quality]].to_numpy(dtype=np.float64)
        epochs = own["epochs"].to_numpy(dtype=np.int64)
        colour, marker, line = LOOKS[engine]
        stops = own["early_stop"].to_numpy(dtype=bool)
        curves.append(_Curve(name, colour, epochs, points, points[:, [1, 1]], marker, line, stops))
    return curves


def _network_curves(
    refinement: pd.DataFrame, settings: Mapping[str, Mapping[str, Any]], quality: str
) -> list[_Curve]:
    rows = _drawable(refinement, "total_s", quality)
    present = [name for name in settings if name in set(rows["configuration"])]
    colours = style.COLOURS[:-1]  # the last one, black, is the classical curve's
    looks = cycle((colour, marker) for marker in MARKERS for colour in colours)
    curves = []
    names = short_names([settings[name] for name in present], always=["architecture"])
    for configuration, name, (colour, marker) in zip(present, names, looks, strict=False):
        groups = rows[rows["configuration"] == configuration].groupby("refine_epochs")
        means = groups[["total_s", quality]].mean()
        spread = groups[quality].agg(["min", "max"])
        epochs = means.index.to_numpy(dtype=np.int64)
        points, ends = means.to_numpy(), spread.to_numpy()
        curve = _Curve(name, colour, epochs, points, ends, marker, configuration=configuration)
        curves.append(curve)
    return curves


def _drawable(rows: pd.DataFrame, seconds: str, quality: str) -> pd.DataFrame:
    numbers = rows[[seconds, quality]].astype("float64")
    finite = pd.Series(np.isfinite(numbers).all(axis=1), index=rows.index)
    return rows[finite & (numbers[seconds] > 0)]


def _draw_curves(
    figure: Figure,
    reference: Sequence[_Curve],
    networks: Sequence[_Curve],
    head_start: _HeadStart | None,
    quality: str,
) -> None:
    axes = figure.add_subplot()
    curves = [*networks, *reference]
    every = np.concatenate([curve.points for curve in curves])
    spreads = np.concatenate([curve.range for curve in curves])
    low, high = float(every[:, 0].min()), float(every[:, 0].max())
    margin = max(high / low, 2) ** 0.07
    axis_scales.set_log_axis(axes.xaxis, (low / margin, high * margin**1.5))
    axis_scales.set_quality_axis(axes, quality, (float(spreads.min()), float(spreads.max())))
    axes.set_xlabel("time to reconstruct the test scan [s]")
    axes.set_ylabel(axis_scales.quality_label(quality))
    axes.spines[["top", "right"]].set_visible(False)
    for curve in curves:
        _draw_curve(axes, curve)

    lines = [curve.points for curve in curves]
    points, texts = _labels(reference, networks, quality)
    notes = [
        "numbers: passes" if len(reference) > 1 else "numbers: passes of rPIE",
        "hollow: a network alone",
        "training is not counted",
    ]
    if any(np.ptp(curve.range, axis=1).any() for curve in networks):
        notes.append("bars: range over seeds")
    if any(curve.stops is not None and curve.stops.any() for curve in reference):
        notes.append("ring: early stopping")
    axes.set_title("; ".join(notes), loc="left", color=style.QUIET)
    if reference and head_start is not None:
        saving = _saving(head_start, reference, quality)
        if len(arrow := saving.arrow):
            axes.annotate("", tuple(arrow[0]), tuple(arrow[1]), arrowprops=ARROW, zorder=2)
            points = np.concatenate([points, [np.sqrt(arrow[0] * arrow[1])]])
            texts = [*texts, saving.factor]
            lines.append(arrow)
        words = textwrap.fill(saving.words, MOST_LETTERS)
        figure.suptitle(words, x=0.01, ha="left", fontsize=8, fontweight="bold")
    label_points(figure, axes, points, texts, every, lines)


def _draw_curve(axes: Axes, curve: _Curve) -> None:
    classical = curve.stops is not None
    x, y = curve.points.T
    axes.plot(
        x,
        y,
        marker=curve.marker,
        linestyle=curve.line,
        color=curve.colour,
        linewidth=1.2,
        markersize=CLASSICAL_SIZE if classical else SIZE,
        zorder=3,
    )
    axes.vlines(x, *curve.range.T, color=curve.colour, linewidth=0.8, zorder=2)
    if curve.stops is not None:
        ring = curve.points[curve.stops].T
        axes.plot(*ring, "o", color=curve.colour, markerfacecolor="none", markersize=RING, zorder=4)
    if not classical and curve.epochs[0] == 0:  # hollow: the network alone
        axes.plot(
            x[0],
            y[0],
            curve.marker,
            color=curve.colour,
            markerfacecolor="white",
            markersize=SIZE,
            zorder=4,
        )


def _labels(
    reference: Sequence[_Curve], networks: Sequence[_Curve], quality: str
) -> tuple[Array, list[str]]:
    """Return places and texts of the labels: names of curves, and numbers of their epochs."""
    points, texts = [], []
    for curve in reference:
        first, *others = curve.epochs
        points += [*curve.points]
        texts += [f"{curve.name}: {first}", *map(str, others)]
    best = sorted(networks, key=lambda curve: _goodness(curve.points, quality).max())
    best = best[-MOST_LABELLED:]
    for curve in networks:
        for number, (epochs, point) in enumerate(zip(curve.epochs, curve.points, strict=True)):
            words = [curve.name] if number == 0 else []
            if epochs and (number == 0 or curve in best):
                words.append(f"+{epochs}")
            if words:
                points.append(point)
                texts.append(" ".join(words))
    return np.array(points), texts


def _head_start(purposes: pd.DataFrame, networks: Sequence[_Curve]) -> _HeadStart | None:
    """Find the point that the title speaks of; None where no network has been timed."""
    curves = {curve.configuration: curve for curve in networks}
    rows = purposes.set_index("purpose")
    for purpose in (REFINED, ALONE):
        curve = curves.get(str(rows["configuration"].get(purpose)))
        if curve is None:
            continue
        numbers = np.flatnonzero(curve.epochs == rows["refine_epochs"][purpose])
        if len(numbers):
            return _HeadStart(purpose, curve, int(numbers[0]))
    return None


def _saving(start: _HeadStart, references: Sequence[_Curve], quality: str) -> _Saving:
    """Find how much sooner than an engine a network with its passes of rPIE is as good."""
    sooner, level = start.curve.points[start.number]
    epochs = start.curve.epochs[start.number]
    how = f" + {epochs} pass{'' if epochs == 1 else 'es'} of rPIE" if epochs else ""
    head = f"{start.purpose}: {start.curve.name}{how}"
    measure = MEASURES[quality].label.split(" [")[0]
    times = ((_time_to_reach(one.points, level, quality), one.name) for one in references)
    reach = [(seconds, name) for seconds, name in times if not math.isnan(seconds)]
    if not reach:
        names = " and ".join(one.name for one in references)
        words = f"{head} reaches {measure} {_printed(level)}, and {names} does not"
        return _Saving(np.empty((0, 2)), "", words)
    later, name = min(reach)
    ratio = later / sooner
    factor = f"{_rounded(ratio)}× sooner" if ratio >= 1 else f"{_rounded(1 / ratio)}× later"
    words = f"{head} reaches {measure} {_printed(level)}, {factor} than {name}"
    return _Saving(np.array([(sooner, level), (later, level)]), factor, words)


def _time_to_reach(points: Array, level: float, quality: str) -> float:
    """Return when a curve reaches a quality, or is first as good in the digits that are printed."""
    printed = np.array([float(_printed(value)) for value in points[:, 1]])
    as_good = np.flatnonzero(sign(quality) * (printed - float(_printed(level))) >= 0)
    seconds = time_to_reach(points, level, quality)
    return float(np.fmin(points[as_good[0], 0], seconds)) if len(as_good) else seconds


def _printed(value: float) -> str:
    return f"{value:.4g}"


def _goodness(points: Array, quality: str) -> Array:
    """Return the qualities (n,) of some points, negated where less is better."""
    return sign(quality) * points[:, 1]


def _rounded(factor: float) -> str:
    """Round to two digits, whatever the size: a measured time has no more."""
    return f"{float(f'{factor:.2g}'):g}"
