"""The training of a study: the validation loss of every network against the epoch."""

import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ptychopareto.config import AXES as GRID
from ptychopareto.files import read_csv
from ptychopareto.pictures import axis_scales, style
from ptychopareto.pictures.labels import label_ends
from ptychopareto.pictures.names import joined, rows_of, words
from ptychopareto.study.results import Results

Array = NDArray[np.float64]

AXES = tuple(name for name in GRID if name != "supervision")  # each supervision has own panels
MOST_LINES = 10  # in a panel; beyond, the panels are split by one axis after the other
MOST_COLUMNS = 3
DASHES: tuple[Any, ...] = ("solid", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
FAILURES = ("diverged", "out_of_memory")
# The columns of a history.csv; the losses may be missing in a run that diverged.
HISTORY = {"epoch": "int64", "train_loss": "float64", "val_loss": "float64"}
HEIGHT = 1.9  # inches, of a row of panels


def draw_study(results: Results, table: pd.DataFrame, path: Path) -> None:
    """Draw the validation loss of all runs that have a history.

    Parameters
    ----------
    results : Results
        The results of the study, finished or not.
    table : DataFrame
        The runs, as `tables.table_of_runs` returns them.
    path : Path
        Where to write the picture (``.png`` or ``.svg``).
    """
    files = results.of_runs("history.csv")
    draw(
        {run: read_csv(file, HISTORY) for run, file in files.items() if file.exists()}, table, path
    )


def draw(histories: Mapping[str, pd.DataFrame], table: pd.DataFrame, path: Path) -> None:
    """Draw the validation loss of all runs, in panels whose losses can be compared.

    Each supervision has losses of its own, and a row of panels or more; their axes are shared. A
    thick line is the mean of a configuration over its seeds, a thin one is a run, a dot is the
    epoch whose weights are kept; a cross ends a run that failed.

    Parameters
    ----------
    histories : dict of DataFrame
        The ``history.csv`` of each run by its id; a run without one is left out.
    table : DataFrame
        The runs, as `table.gather` returns them.
    path : Path
        Where to write the picture (``.png`` or ``.svg``).
    """
    losses = {run: _finite(history) for run, history in histories.items()}
    runs = _in_words(table[[len(losses.get(run, ())) > 0 for run in table["run"]]])
    with style.style():
        if runs.empty:
            figure = Figure(figsize=(style.WIDTH, 1.5))
            figure.text(0.5, 0.5, "no run has trained an epoch", ha="center", va="center")
        else:
            figure = _draw_panels(runs, losses, len(table))
        style.save(figure, path)


def _finite(history: pd.DataFrame) -> "pd.Series[float]":
    """Return the validation loss by epoch, as far as it can be drawn on a logarithmic axis."""
    loss = history.set_index("epoch")["val_loss"].astype("float64")
    return loss[np.isfinite(loss) & (loss > 0)]


def _in_words(runs: pd.DataFrame) -> pd.DataFrame:
    """Replace the values of the axes by words; a missing value becomes an empty word."""
    said = words(rows_of(runs))
    return runs.assign(**{axis: [one[axis] for one in said] for axis in AXES})


def _draw_panels(
    runs: pd.DataFrame, losses: Mapping[str, "pd.Series[float]"], n_configured: int
) -> Figure:
    varying = [axis for axis in AXES if runs[axis].nunique() > 1]
    splits = _splits(runs, varying)
    named = [axis for axis in varying or AXES if axis not in splits]
    looks = _looks(runs, named)
    groups = {str(name): _panels(rows, splits) for name, rows in _grouped(runs, ["supervision"])}
    columns = min(max(len(panels) for panels in groups.values()), MOST_COLUMNS)
    n_rows = sum(math.ceil(len(panels) / columns) for panels in groups.values())
    figure = Figure(figsize=(style.WIDTH, HEIGHT * n_rows + 0.35), layout="constrained")
    title = _summary(runs, n_configured)
    figure.suptitle(title, x=0.01, ha="left", fontsize=8, color=style.QUIET)
    grid = figure.add_gridspec(n_rows, columns)
    ends = []
    top = 0
    for supervision, panels in groups.items():
        shared: list[Axes] = []
        for number, (name, rows) in enumerate(panels):
            row, column = divmod(number, columns)
            first = shared[0] if shared else None
            axes = figure.add_subplot(grid[top + row, column], sharex=first, sharey=first)
            shared.append(axes)
            axes.set_title(name, fontweight="bold")
            if column == 0:
                axes.set_ylabel(f"validation loss\n({supervision})")
            if number + columns >= len(panels):
                axes.set_xlabel("epoch")
            ends.append(_draw_lines(axes, rows, losses, named, looks))
        _scale(shared[0], [losses[run] for run in runs[runs["supervision"] == supervision]["run"]])
        top += math.ceil(len(panels) / columns)
    label_ends(figure, ends)
    return figure


def _splits(runs: pd.DataFrame, varying: Sequence[str]) -> list[str]:
    """Choose the axes that split the panels: always the architecture, others if need be."""
    splits: list[str] = []
    for axis in varying[:-1]:
        lines = runs.drop_duplicates(["supervision", *varying])
        fullest = lines.groupby(["supervision", *splits], sort=False).size().max()
        if axis == "architecture" or fullest > MOST_LINES:
            splits.append(axis)
    return splits


def _panels(runs: pd.DataFrame, splits: list[str]) -> list[tuple[str, pd.DataFrame]]:
    return _grouped(runs, splits) if splits else [("", runs)]


def _grouped(runs: pd.DataFrame, axes: list[str]) -> list[tuple[str, pd.DataFrame]]:
    """Return parts of the table that differ in some axes, with their names, in table order."""
    return [(_name(rows, axes), rows) for _, rows in runs.groupby(axes, sort=False)]


def _name(runs: pd.DataFrame, axes: Sequence[str]) -> str:
    return joined({axis: runs[axis].iloc[0] for axis in ("architecture", *axes)}, axes)


def _looks(runs: pd.DataFrame, named: list[str]) -> dict[tuple[str, ...], tuple[str, Any]]:
    """Choose the looks of each line: the first axis sets the colour, the others the dashes."""
    first = named[0]
    colour_of = style.TRANSFORM_COLOURS if first == "input_transform" else {}
    hues = dict(zip(runs[first].unique(), cycle(style.COLOURS))) | colour_of
    lines = list(runs[named].drop_duplicates().itertuples(index=False, name=None))
    dashes = dict(zip(dict.fromkeys(line[1:] for line in lines), cycle(DASHES)))
    return {line: (hues[line[0]], dashes[line[1:]]) for line in lines}


def _draw_lines(
    axes: Axes,
    runs: pd.DataFrame,
    losses: Mapping[str, "pd.Series[float]"],
    named: list[str],
    looks: Mapping[tuple[str, ...], tuple[str, Any]],
) -> tuple[Axes, Array, list[str], list[str]]:
    """Draw all runs of a panel, and return what `label_ends` takes."""
    axes.spines[["top", "right"]].set_visible(False)
    ends, names, hues = [], [], []
    for name, rows in _grouped(runs, named):
        hue, dashes = looks[tuple(rows[named].iloc[0])]
        curves = [losses[run] for run in rows["run"]]
        failed = rows["status"].isin(FAILURES).to_numpy()
        if len(curves) > 1:
            for curve in curves:
                axes.plot(curve.index, curve, color=hue, linewidth=0.5, alpha=0.5)
        whole = [curve for curve, fails in zip(curves, failed, strict=True) if not fails]
        mean = pd.concat(whole or curves, axis=1).sort_index().dropna().mean(axis=1)
        axes.plot(mean.index, mean, color=hue, linestyle=dashes, linewidth=1.2)
        for curve, fails in zip(curves, failed, strict=True):
            if fails:
                axes.plot(
                    curve.index[-1],
                    curve.iloc[-1],
                    "X",
                    color=hue,
                    markersize=6,
                    markeredgecolor="white",
                    zorder=4,
                )
            else:
                size = 3 if len(curves) == 1 else 2
                axes.plot(
                    curve.index[int(curve.argmin())], curve.min(), "o", color=hue, markersize=size
                )
        ends.append((float(mean.index[-1]), float(mean.iloc[-1])))
        names.append(name if whole else f"{name} failed")
        hues.append(hue)
    return axes, np.array(ends), names, hues


def _scale(axes: Axes, curves: Sequence["pd.Series[float]"]) -> None:
    """Show all curves of one supervision, on whole epochs."""
    low, high = min(curve.min() for curve in curves), max(curve.max() for curve in curves)
    margin = min(low / high, 0.5) ** 0.12
    axis_scales.set_log_axis(axes.yaxis, (float(low) * margin, float(high) / margin))
    last = max(int(curve.index[-1]) for curve in curves)
    axes.set_xlim(1 - 0.02 * last, 1.02 * max(last, 2))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _summary(runs: pd.DataFrame, n_configured: int) -> str:
    """Say what is drawn, in one line."""
    parts = [f"runs drawn: {len(runs)} of {n_configured}", "dot: the epoch that is kept"]
    if runs["status"].isin(FAILURES).any():
        parts.append("cross: training failed")
    if len(runs) > len(runs.drop_duplicates(["supervision", *AXES])):
        parts.append("thick line: mean over seeds")
    return "; ".join(parts)
