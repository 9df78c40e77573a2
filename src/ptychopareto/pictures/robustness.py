"""Draw how the networks on the front, and rPIE, hold up when the test data change."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ptychopareto.config import AS_TRAINED, Assumed, Scenario
from ptychopareto.config.columns import FLOORS
from ptychopareto.pictures import axis_scales, style
from ptychopareto.pictures.names import short_names
from ptychopareto.study.scenario_table import RPIE, by_scenario

Array = NDArray[np.float64]

LANE, ROW, SMALLEST_ROW = 0.11, 0.10, 0.40  # inches: of a network, around a row, of a row
FRAME = 0.95  # inches above and below the rows
SIZE = 5.0  # pt, of the markers
HEADROOM = 0.12  # free part of the quality axis
LEGEND_COLUMNS = 3  # at most


@dataclass(frozen=True)
class _Series:
    name: str
    colour: str
    marker: str
    means: Array  # (n,) of the scenarios; NaN where there is none
    half_widths: Array  # (n,) of the 95 % intervals; NaN for one seed
    hollow: bool = False  # of rPIE stopped by free patterns


def draw(
    scenarios: pd.DataFrame,
    changes: Iterable[Scenario],
    front: Mapping[str, Mapping[str, Any]],
    purposes: Mapping[str, str],
    quality: str,
    path: Path,
) -> None:
    """Draw quality by scenario: a row each, the scan as it is first.

    A thin line leads from what a network makes of the scan as it is to what it makes of the changed
    one. Hollow markers are rPIE stopped by free patterns, from a flat start and after the networks.

    Parameters
    ----------
    scenarios : DataFrame
        ``scenarios.csv``, as `scenario_table` returns it.
    changes : iterable of Scenario
        What the scenarios change, to be said beside their names.
    front : dict of dict
        The configurations to be drawn, with the values of their axes. Those that have no value are
        left out.
    purposes : dict of str
        The purposes of each configuration that has any, as `purposes.named` returns them.
    quality : str
        The column on the horizontal axis, on which the better end is right.
    path : Path
        Where to write the picture (``.png`` or ``.svg``).
    """
    names = [str(name) for name in scenarios["scenario"].unique()]
    series = _series(scenarios, names, front, purposes, quality)
    with style.style():
        if series:
            words = {change.name: described(change) for change in changes}
            figure = _draw_rows(series, names, words, _floors(scenarios, names, quality), quality)
        else:
            figure = Figure(figsize=(style.WIDTH, 1.5))
            figure.text(0.5, 0.5, "no scenario has been scored", ha="center", va="center")
        style.save(figure, path)


def described(change: Scenario) -> str:
    """Say in a few words what a scenario changes."""
    words = []
    if change.photons is not None:
        words.append(f"{change.photons:.3g} photons".replace("e+0", "e").replace("e+", "e"))
    if change.object is not None:
        own = change.object.model_dump(mode="json", exclude={"kind"}, exclude_defaults=True)
        words.append(" ".join([f"object {change.object.kind}", *(f"{k} {own[k]}" for k in own)]))
    if change.scan_step is not None:
        words.append(f"step {change.scan_step} px")
    if change.defocus_error:
        words.append(f"defocus {100 * change.defocus_error:+.3g} %".replace("-", "−"))
    if change.position_error:
        words.append(f"positions ± {change.position_error:.3g} px")
    if change.second_mode:
        words.append(f"second mode {100 * change.second_mode:.3g} %")
    if change.assumed is not None:
        words.append(f"assumed: {_assumption(change.assumed)}")
    return ", ".join(words)


def _assumption(wrong: Assumed) -> str:
    """Say in a few words what is assumed wrongly."""
    words = {
        "probe_blur": f"probe blurred by {wrong.probe_blur:.3g} px",
        "probe_defocus": f"defocus {100 * wrong.probe_defocus:+.3g} %",
        "probe_curvature": f"phase curved by {wrong.probe_curvature:+.3g} rad",
        "probe_rotation": f"probe turned by {wrong.probe_rotation:+.3g}°",
        "probe_size": f"probe size {100 * wrong.probe_size:+.3g} %",
        "position_error": f"positions ± {wrong.position_error:.3g} px",
        "position_scale": f"positions {100 * wrong.position_scale:.3g} % closer",
    }
    return ", ".join(text for name, text in words.items() if getattr(wrong, name)).replace("-", "−")


def _series(
    scenarios: pd.DataFrame,
    names: list[str],
    front: Mapping[str, Mapping[str, Any]],
    purposes: Mapping[str, str],
    quality: str,
) -> list[_Series]:
    """Return the networks in the order of the front, then rPIE, if they have a value.

    Behind each follows the same with rPIE stopped by free patterns.
    """
    fixed, at_best = (_by_configuration(scenarios, names, quality, best) for best in (False, True))
    present = [configuration for configuration in front if configuration in fixed]
    looks = zip(cycle(style.COLOURS[:-1]), cycle(style.MARKERS[:4]), strict=False)
    shorts = short_names([front[name] for name in present], always=["architecture"])
    series = []
    for short, name, (colour, marker) in zip(shorts, present, looks, strict=False):
        words = short + (f" ({purposes[name]})" if name in purposes else "")
        series.append(_Series(words, colour, marker, *_columns(fixed[name])))
        if name in at_best:
            words = f"{short} + rPIE at its best"
            series.append(_Series(words, colour, marker, *_columns(at_best[name]), hollow=True))
    if RPIE in fixed:
        alone = (scenarios["configuration"] == RPIE) & ~scenarios["at_best"].astype(bool)
        passes = scenarios.loc[alone, "rpie_epochs"].max()
        words = f"rPIE alone, {passes:.0f} pass{'' if passes == 1 else 'es'}"
        series.append(_Series(words, style.INK, "P", *_columns(fixed[RPIE])))
    if RPIE in at_best:
        words, columns = "rPIE alone at its best", _columns(at_best[RPIE])
        series.append(_Series(words, style.INK, "P", *columns, hollow=True))
    return series


def _by_configuration(
    scenarios: pd.DataFrame, names: list[str], quality: str, at_best: bool
) -> dict[str, pd.DataFrame]:
    """Return mean and interval in each scenario, for each configuration that has any value."""
    summary = by_scenario(scenarios, quality, at_best).set_index(["configuration", "scenario"])
    return {
        str(key): rows.droplevel(0).reindex(names)
        for key, rows in summary.groupby(level=0, sort=False)
        if np.isfinite(rows["mean"]).any()
    }


def _columns(rows: pd.DataFrame) -> tuple[Array, Array]:
    values = rows[["mean", "ci95"]].to_numpy(dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    return values[:, 0], values[:, 1]


def _floors(scenarios: pd.DataFrame, names: list[str], quality: str) -> Array:
    """Return the score of a constant reconstruction in each scenario, (n,); NaN if not known."""
    column = FLOORS.get(quality)
    if column is None or column not in scenarios:
        return np.full(len(names), np.nan)
    floors = scenarios.groupby("scenario")[column].max().reindex(names)
    return floors.to_numpy(dtype=np.float64, na_value=np.nan)


def _draw_rows(
    series: Sequence[_Series],
    names: list[str],
    words: dict[str, str],
    floors: Array,
    quality: str,
) -> Figure:
    row = max(SMALLEST_ROW, ROW + LANE * len(series))
    size = (style.WIDTH, FRAME + row * len(names))
    figure = Figure(figsize=size, layout="constrained", dpi=mpl.rcParams["savefig.dpi"])
    axes = figure.add_subplot()
    every = np.concatenate([floors, *(one.means for one in series)])
    limits = float(np.nanmin(every)), float(np.nanmax(every))
    axis_scales.set_quality_axis(axes, quality, limits, HEADROOM, apart=0.045, which="x")
    axes.set_xlabel(axis_scales.quality_label(quality))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines[["top", "right", "left"]].set_visible(False)
    for number, name in enumerate(names):
        if number % 2 == 0:
            axes.axhspan(number - 0.5, number + 0.5, color=style.SHADE, linewidth=0, zorder=0)
        _name_row(axes, number, name, words.get(name, ""))
        if not any(np.isfinite(one.means[number]) for one in series):
            place = (0.5, number)
            transform = axes.get_yaxis_transform()
            axes.text(*place, "void: no value", transform=transform, color=style.QUIET, ha="center")
    known_floors = _draw_floors(axes, floors)
    for lane, one in enumerate(series):
        shift = (lane - (len(series) - 1) / 2) * LANE / row
        _draw_series(axes, one, np.arange(len(names), dtype=np.float64) + shift)
    notes = ["thin lines: from the scan as it is"]
    if any(one.hollow for one in series):
        notes.append("hollow: free patterns stop rPIE")
    if any(np.isfinite(one.half_widths).any() for one in series):
        notes.append("bars: 95 % interval of the mean over seeds")
    handles, labels = axes.get_legend_handles_labels()
    if known_floors:  # matplotlib names lines before markers; it is the least of them
        handles, labels = [*handles[1:], handles[0]], [*labels[1:], labels[0]]
    for columns in range(LEGEND_COLUMNS, 0, -1):
        legend = figure.legend(
            handles, labels, loc="outside upper left", ncols=columns, frameon=False
        )
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            break
        legend.remove()
    _write_over(figure, axes, notes)
    return figure


def _write_over(figure: Figure, axes: Axes, notes: Sequence[str]) -> None:
    """Write notes over the plot, as many on a line as its width takes."""
    title = axes.set_title("\n".join(notes), loc="left", color=style.QUIET)
    figure.draw_without_rendering()  # gives the plot its width
    lines = [notes[0]]
    for note in notes[1:]:
        title.set_text(f"{lines[-1]}; {note}")
        if title.get_window_extent().width <= axes.bbox.width:
            lines[-1] = title.get_text()
        else:
            lines.append(note)
    title.set_text(";\n".join(lines))


def _name_row(axes: Axes, number: int, name: str, words: str) -> None:
    title = "as trained" if name == AS_TRAINED else name.replace("_", " ")
    lines = [(title, "bold", style.INK), (words, "normal", style.QUIET)]
    for line, (text, weight, colour) in enumerate(lines if words else lines[:1]):
        axes.annotate(
            text,
            (0, number),
            (-6, 5 - 10 * line if words else 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=7.5 - 0.5 * line,
            fontweight=weight,
            color=colour,
        )


def _draw_floors(axes: Axes, floors: Array) -> bool:
    """Draw the floors that are known; return whether there are any."""
    rows = np.arange(len(floors))
    known = np.isfinite(floors)
    if not known.any():
        return False
    axes.vlines(
        floors[known],
        rows[known] - 0.4,
        rows[known] + 0.4,
        color=style.QUIET,
        linewidth=1.0,
        linestyles=(0, (2, 1.5)),
        zorder=1,
        label="a constant reconstruction",
    )
    return True


def _draw_series(axes: Axes, one: _Series, rows: Array) -> None:
    axes.errorbar(
        one.means,
        rows,
        xerr=one.half_widths,
        fmt=one.marker,
        color=one.colour,
        markerfacecolor="white" if one.hollow else one.colour,
        markersize=SIZE,
        elinewidth=0.8,
        capsize=1.5,
        zorder=3,
        label=one.name,
    )
    axes.hlines(rows, one.means[0], one.means, color=one.colour, linewidth=0.7, alpha=0.5, zorder=2)
