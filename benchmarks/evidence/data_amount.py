"""How much data a network needs: quality against the number of training patterns."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.evidence.means import in_words, over_seeds
from benchmarks.measuring import table as markdown
from ptychopareto.files import FileError, read_dataset
from ptychopareto.pictures import style
from ptychopareto.pictures.axis_scales import quality_label, set_quality_axis
from ptychopareto.study.against_time import read_classical
from ptychopareto.study.table import read_table

SERIES = ["architecture", "width", "supervision"]
LINES = {"teacher": "-", "physics": ":"}
APART = 1.03  # factor between the abscissas of two networks, so that their bars can be told apart


def summary(results: Path, quality: str) -> pd.DataFrame:
    """Architecture, width, supervision, patterns, mean, ci95 and n of a finished study."""
    runs = read_table(results / "study_results.csv")
    runs = runs[runs["status"] == "ok"]
    if runs.empty:
        raise FileError(f"{results}: no run has ended well; nothing can be said")
    every = len(read_dataset(results / "dataset" / "train.npz").corners)
    runs = runs.assign(patterns=runs["train_patterns"].fillna(every).astype("int64"))
    means = over_seeds(runs, [*SERIES, "patterns"], quality)
    return means.sort_values([*SERIES, "patterns"]).reset_index(drop=True)


def rpie(results: Path, quality: str) -> float:
    """What rPIE reaches on the scored scan with the patterns of that scan alone: its best step."""
    steps = read_classical(results / "classical.csv")
    values = steps.loc[steps["engine"] == "rpie", quality]
    return float(values.min() if quality.startswith("r_") else values.max())


def table(results: Path, quality: str) -> str:
    """Rows of networks, columns of numbers of patterns; below them what rPIE reaches."""
    means = summary(results, quality)
    counts = sorted(means["patterns"].unique())
    rows = []
    for (architecture, width, supervision), own in means.groupby(SERIES, sort=False):
        cells = own.set_index("patterns")
        values = [
            in_words(cells.loc[count, "mean"], cells.loc[count, "ci95"])
            if count in cells.index
            else "–"
            for count in counts
        ]
        seeds = dict.fromkeys((cells["n"].min(), cells["n"].max()))
        network = f"`{architecture}`, width {width}, {supervision}"
        rows.append([network, " to ".join(map(str, seeds)), *values])
    head = ["", "seeds", *(f"{count} patterns" for count in counts)]
    reference = f"rPIE on the scored scan, best pass: {rpie(results, quality):.3f}."
    return f"{markdown(head, rows)}\n{reference}"


def draw(studies: Mapping[str, tuple[Path, str]], path: Path) -> None:
    """A panel for each study, by its title: its results folder and its measure of quality."""
    with style.style():
        figure = Figure(figsize=(style.WIDTH, 3.0), layout="constrained")
        panels = np.atleast_1d(figure.subplots(1, len(studies)))
        for axes, (title, (results, quality)) in zip(panels, studies.items(), strict=True):
            _panel(axes, results, quality)
            axes.set_title(title, loc="left")
        panels[0].legend(frameon=False)
        style.save(figure, path)


def _panel(axes: Axes, results: Path, quality: str) -> None:
    means = summary(results, quality)
    reference = rpie(results, quality)
    ends = np.concatenate(
        [(means["mean"] + side * means["ci95"].fillna(0)).to_numpy() for side in (-1, 1)]
    )
    low, high = float(ends.min()), float(ends.max())
    # Far from all networks it would leave them no room.
    is_near = low - (high - low) / 6 < reference < high + (high - low) / 6
    limits = (min(low, reference), max(high, reference)) if is_near else (low, high)
    set_quality_axis(axes, quality, (limits[0], min(limits[1], 0.9999)))
    architectures = list(means["architecture"].unique())
    series = list(means.groupby(SERIES, sort=False))
    for lane, ((architecture, _, supervision), own) in enumerate(series):
        number = architectures.index(architecture)
        axes.errorbar(
            own["patterns"] * APART ** (lane - (len(series) - 1) / 2),
            own["mean"],
            yerr=own["ci95"].fillna(0),
            color=style.COLOURS[number],
            marker=style.MARKERS[number],
            linestyle=LINES[str(supervision)],
            markersize=4,
            capsize=1.5,
            elinewidth=0.8,
            label=f"{architecture}, {supervision}",
        )
    label = f"rPIE, its best pass: {reference:.3f}"
    if is_near:
        axes.axhline(reference, color=style.QUIET, linewidth=0.8, label=label)
    else:
        axes.plot([], [], " ", label=label)
    counts = sorted(means["patterns"].unique())
    axes.set_xscale("log")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_xlabel("training patterns")
    axes.set_ylabel(quality_label(quality, separator="\n", width=30))
