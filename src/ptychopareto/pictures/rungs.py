"""Draw a search: who was tried at each rung, and who went on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ptychopareto.config.columns import MEASURES
from ptychopareto.pictures import axis_scales, image_style, style
from ptychopareto.pictures.marks import COLOURS, MARKERS
from ptychopareto.study.configurations import names_of
from ptychopareto.study.rungs import Decision
from ptychopareto.study.spending import duration

HEIGHT = 2.4  # inches, of a row of panels
SIZE = 4.5  # pt, of the markers


def draw(
    decisions: Sequence[Decision], table: pd.DataFrame, axes: Mapping[str, str], path: Path
) -> None:
    """Draw the validation loss of all configurations against their cost, at each rung.

    A column of panels is a rung, a row is a kind of loss, for only within it are configurations
    compared. Those that went on are filled, those that were stopped are hollow. The title of a
    panel counts both, and the minutes that were trained for it since the rung before.

    Parameters
    ----------
    decisions : sequence of Decision
        Those of the rungs so far, the lowest first.
    table : DataFrame
        The runs, as `tables.table_of_runs` returns them.
    axes : mapping of str to str
        The columns of the front: its `cost` is that of the picture.
    path : Path
        Where to write the picture (``.png`` or ``.svg``).
    """
    looks = table.assign(name=names_of(table)).groupby("name", sort=False).first()
    groups = list(dict.fromkeys(one["group"] for d in decisions for one in d.configurations))
    rows, columns = max(1, len(groups)), max(1, len(decisions))
    with style.style():
        figure = Figure(figsize=(style.WIDTH, HEIGHT * rows + 0.5), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey="row")
        for row, group in enumerate(groups):
            for column, decision in enumerate(decisions):
                before = decisions[column - 1] if column else None
                _draw_panel(panels[row, column], decision, before, group, looks)
            panels[row, 0].set_ylabel(f"validation loss\n({group})")
            losses = [
                one["loss"] for d in decisions for one in d.configurations if one["group"] == group
            ]
            _set_log(panels[row, 0].yaxis, losses, "")
        costs = [one["cost"] for d in decisions for one in d.configurations]
        _set_log(panels[0, 0].xaxis, costs, axes["cost"])
        for panel in panels[-1]:
            panel.set_xlabel(MEASURES[axes["cost"]].label)
        if not groups:
            image_style.bare(panels[0, 0])
            panels[0, 0].text(0.5, 0.5, "no rung has been reached", ha="center")
        _add_legend(figure, looks)
        style.save(figure, path)


def _set_log(axis: Axis, values: Sequence[float | None], column: str) -> None:
    """Scale an axis for these values, as far as they are known."""
    known = [value for value in values if value is not None and value > 0]
    if known:
        low, high = min(known), max(known)
        margin = max((high / low) ** 0.08, 1.02)
        axis_scales.set_log_axis(axis, (low / margin, high * margin), column)


def _draw_panel(
    axes: Axes, decision: Decision, before: Decision | None, group: str, looks: pd.DataFrame
) -> None:
    """Draw one rung and one kind of loss."""
    own = [one for one in decision.configurations if one["group"] == group]
    if not own:  # none of this kind has got so far
        axes.axis("off")
        return
    earlier = {} if before is None else _seconds(before)
    seconds = sum(
        record["train_time_s"] - earlier.get(record["run"], 0.0)
        for one in own
        for record in one["runs"]
    )
    went = sum(one["goes_on"] for one in own)
    epochs = f"{decision.rung} epoch" + ("" if decision.rung == 1 else "s")
    axes.set_title(
        f"after {epochs}\n{went} of {len(own)} go on\n{duration(seconds)} of training",
        loc="left",
        color=style.QUIET,
    )
    axes.spines[["top", "right"]].set_visible(False)
    for one in sorted(own, key=lambda one: bool(one["goes_on"])):
        if one["cost"] is not None and one["loss"] is not None:
            axes.plot(one["cost"], one["loss"], **_marker(looks, one))


def _seconds(decision: Decision) -> dict[str, float]:
    return {
        record["run"]: record["train_time_s"]
        for one in decision.configurations
        for record in one["runs"]
    }


def _marker(looks: pd.DataFrame, one: Mapping[str, Any]) -> dict[str, Any]:
    look = looks.loc[one["configuration"]]
    colour = COLOURS[look["input_transform"]]
    return _look(MARKERS[look["architecture"]], colour, one["goes_on"])


def _look(marker: str, colour: str, filled: bool) -> dict[str, Any]:
    return {
        "marker": marker,
        "markersize": SIZE,
        "linestyle": "none",
        "markerfacecolor": colour if filled else "none",
        "markeredgecolor": colour,
        "alpha": 1.0 if filled else 0.6,
    }


def _add_legend(figure: Figure, looks: pd.DataFrame) -> None:
    ink = style.INK
    grey = style.QUIET
    handles = [
        Line2D([], [], label="goes on", **_look("o", grey, True)),
        Line2D([], [], label="stopped", **_look("o", grey, False)),
    ]
    for name, marker in MARKERS.items():
        if name in set(looks["architecture"]):
            handles.append(Line2D([], [], label=name, **_look(marker, ink, True)))
    for name, colour in COLOURS.items():
        if name in set(looks["input_transform"]) and looks["input_transform"].nunique() > 1:
            handles.append(Line2D([], [], label=name, **_look("o", colour, True)))
    figure.legend(handles=handles, loc="outside lower center", ncols=8, frameon=False)
