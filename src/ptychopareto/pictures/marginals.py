"""Draw what each hyperparameter does to quality and to cost, all others being equal."""

import math
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ptychopareto.config import AXES
from ptychopareto.config.columns import MEASURES, sign
from ptychopareto.pictures import axis_scales, style

Array = NDArray[np.float64]

# The hyperparameters, and the order of those values that are words.
ORDERS: dict[str, tuple[str, ...]] = {name: axis.order for name, axis in AXES.items()}
# These stand for a missing value. An architecture without a key is compared with those that leave
# it at the default; one without modes is compared with no other.
MISSING = {name: axis.missing for name, axis in AXES.items() if axis.missing is not None}
DEFAULTS = {  # not worth a word
    name: axis.missing if axis.keyed or axis.silent is None else axis.silent
    for name, axis in AXES.items()
}
HEIGHT = 2.0  # inches, of a row of panels
HEADROOM = 0.35  # free part of the vertical axes, for the numbers
FONT_SIZE = 6.5  # pt, of the numbers
LONGEST_LINE = 120  # characters of the title
LABEL = 26  # characters of a line at a vertical axis


def draw(table: pd.DataFrame, quality: str, cost: str, path: Path) -> None:
    """Draw quality and cost against each hyperparameter that varies, paired over the others.

    It varies if there are several architectures, or an architecture with several values of it.

    A thin line joins configurations that differ in this hyperparameter only; a thick one joins
    their means, step by step over the pairs that exist. Above each step stands what it changes: the
    mean difference of quality and the number of pairs in which it is better, and the factor of cost
    (a geometric mean).

    Parameters
    ----------
    table : DataFrame
        The runs, as `table.gather` returns them. Seeds are averaged; what is not ok is left out.
    quality : str
        The column in the upper row, on whose axis the better end is up.
    cost : str
        The column in the lower row.
    path : Path
        Where to write the picture (``.png`` or ``.svg``).
    """
    means = _means(table, [quality, cost])
    varying = [key for key in ORDERS if _varies(means, key)]
    with style.style():
        if varying:
            figure = _draw_panels(means, varying, quality, cost)
        else:
            figure = Figure(figsize=(style.WIDTH, 1.5))
            words = f"{len(means)} configuration{'' if len(means) == 1 else 's'} with a result:"
            figure.text(0.5, 0.5, f"{words} nothing to compare", ha="center", va="center")
        style.save(figure, path)


def _means(table: pd.DataFrame, measures: list[str]) -> pd.DataFrame:
    """Return one row per configuration: hyperparameters, and means over its runs that are ok."""
    ok = table[table["status"] == "ok"]
    numbers = ok[measures].astype("float64").replace([np.inf, -np.inf], np.nan)
    keys = ok[list(ORDERS)].astype(object)
    for key, value in MISSING.items():
        keys[key] = keys[key].where(keys[key].notna(), value)
    groups = keys.join(numbers).groupby(list(ORDERS), sort=False)
    return groups.mean().dropna(how="all").reset_index()


def _worth_a_word(means: pd.DataFrame, key: str) -> bool:
    """Tell whether a value that all have is worth a word: it is none of the defaults."""
    if AXES[key].in_default and AXES[key].decided_by == "training":
        return False
    return bool((_told_apart(means, key) != DEFAULTS[key]).any())


def _told_apart(means: pd.DataFrame, key: str) -> "pd.Series[Any]":
    """Return the values of an axis, with 0 for a value that is the architecture's own default."""
    if AXES[key].decided_by != "architecture":
        return means[key]
    own = [AXES[key].default_of(name, None) for name in means["architecture"]]
    values = [
        0 if value == default else value for value, default in zip(means[key], own, strict=True)
    ]
    return pd.Series(values, means.index, dtype=object)


def _varies(means: pd.DataFrame, key: str) -> bool:
    if key == "architecture":
        return means[key].nunique() > 1
    return bool((means.groupby("architecture")[key].nunique() > 1).any())


def _draw_panels(means: pd.DataFrame, varying: Sequence[str], quality: str, cost: str) -> Figure:
    figure = Figure(figsize=(style.WIDTH, 2 * HEIGHT + 0.5), layout="constrained")
    fixed = [
        f"{key.replace('_', ' ')} {_in_words(means[key].iloc[0])}"
        for key in ORDERS
        if means[key].nunique() == 1 and _worth_a_word(means, key)
    ]
    title = f"{len(means)} configurations" + (f", all with {', '.join(fixed)}" if fixed else "")
    title = textwrap.fill(title, LONGEST_LINE)
    title += (
        "\nthin lines: configurations that differ in nothing else;"
        " above each step: its mean change, and in how many pairs quality is better"
    )
    figure.suptitle(title, x=0.01, ha="left", fontsize=8, color=style.QUIET)
    sizes = [len(_values(means, key)) for key in varying]
    rows = figure.subplots(
        2, len(varying), squeeze=False, sharey="row", sharex="col", width_ratios=sizes
    )
    _scale_quality(rows[0, 0], means[quality].dropna().to_numpy(), quality)
    _scale_cost(rows[1, 0], means[cost][means[cost] > 0].to_numpy(), cost)
    for (above, below), key in zip(rows.T, varying, strict=True):
        values = _values(means, key)
        for axes, measure in ((above, quality), (below, cost)):
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelbottom=True)
            words = [
                _in_words(value).replace("_", "\n") for value in values
            ]  # there is little room
            axes.set_xticks(range(len(values)), words)
            axes.set_xlim(-0.4, len(values) - 0.6)
            lines = _lines(means, key, values, measure)
            _draw_pairs(axes, lines, measure == cost, sign(quality))
        below.set_xlabel(key.replace("_", " "), fontweight="bold")
    return figure


def _scale_quality(axes: Axes, values: Array, name: str) -> None:
    axes.set_ylabel(axis_scales.quality_label(name, "\n", LABEL))
    if values.size == 0:
        axes.set_yticks([])
    else:
        axis_scales.set_quality_axis(
            axes, name, (values.min(), values.max()), HEADROOM, apart=0.075
        )


def _scale_cost(axes: Axes, values: Array, name: str) -> None:
    axes.set_ylabel(textwrap.fill(MEASURES[name].label, LABEL))
    if values.size == 0:
        axes.set_yticks([])
    else:
        low, high = float(values.min()), float(values.max())
        ratio = max(high / low, 2)
        axis_scales.set_log_axis(axes.yaxis, (low / ratio**0.08, high * ratio**HEADROOM), name)


def _values(means: pd.DataFrame, key: str) -> list[object]:
    """Return the values to be compared; to have no modes is not one of them."""
    present = [
        value for value in means[key].unique().tolist() if value != 0 or MISSING.get(key) != 0
    ]
    return [value for value in ORDERS[key] if value in present] or sorted(present)


def _in_words(value: object) -> str:
    if isinstance(value, float):  # as pandas has whole numbers beside an infinite one
        return "none" if value == math.inf else f"{value:g}"
    return str(value).lower()


def _lines(means: pd.DataFrame, key: str, values: list[object], measure: str) -> Array:
    """Return a measure of configurations (others, values of the key); NaN where there is none."""
    others = [name for name in ORDERS if name != key]
    if key == "architecture":  # each with the depth that is its own
        own = {name: _told_apart(means, name) for name in others}
        means = means.assign(**own)
    wide = means.pivot(index=others, columns=key, values=measure)
    return wide.reindex(columns=values).to_numpy(dtype=np.float64)  # [] takes truths for a mask


def _draw_pairs(axes: Axes, lines: Array, ratio: bool, better: int) -> None:
    """Draw a line per row and, for each step from one column to the next, its mean and its size."""
    if ratio:
        lines = np.where(lines > 0, lines, np.nan)
    positions = np.arange(lines.shape[1])
    for line in lines:
        there = np.isfinite(line)
        axes.plot(
            positions[there],
            line[there],
            "o-",
            color=style.QUIET,
            alpha=0.45,
            linewidth=0.6,
            markersize=2,
            markeredgewidth=0,
        )
    for step, columns in enumerate(pairwise(lines.T)):
        left, right = np.column_stack(columns)[np.isfinite(columns).all(axis=0)].T
        if left.size == 0:
            words = "no pair"
        elif ratio:
            ends = np.exp(np.log([left, right]).mean(axis=1))
            words = f"×{ends[1] / ends[0]:.3g}"
        else:
            ends = np.mean([left, right], axis=1)
            change = f"{ends[1] - ends[0]:+.2g}".replace("-", "−")
            words = f"{change}\n{np.sum(better * right > better * left)} of {left.size}"
        if left.size:
            axes.plot(
                [step, step + 1], ends, "o-", color=style.COLOURS[0], linewidth=1.8, markersize=4
            )
        axes.annotate(
            words,
            (step + 0.5, 1),
            xycoords=axes.get_xaxis_transform(),
            ha="center",
            va="top",
            fontsize=FONT_SIZE,
            color=style.COLOURS[0],
        )
