"""Collect the data from which the page's script draws its plot."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ptychopareto.config.columns import AXES, FLOORS, MEASURES
from ptychopareto.config.ssim_scale import SSIM_RESOLUTION
from ptychopareto.page import columns
from ptychopareto.page.columns import Row, is_empty, mean
from ptychopareto.page.marks import mark
from ptychopareto.pictures import axis_scales
from ptychopareto.study.configurations import CONFIGURATION, name_of, names_of
from ptychopareto.study.pareto import fronts_of_pairs


def collect(
    table: pd.DataFrame,
    configurations: pd.DataFrame,
    recommendation: Mapping[str, Any],
    purposes: Mapping[str, str],
    axes: Mapping[str, str],
) -> Row:
    """Collect what the script draws from.

    Parameters
    ----------
    table, configurations : DataFrame
        The runs and their means, as `document.build` takes them.
    recommendation : dict
        What ``recommendation.json`` holds.
    purposes : dict of str
        The purposes of each configuration that has any.
    axes : dict of str
        The columns of the plot's axes to begin with: `cost` and `quality`.

    Returns
    -------
    dict
        What JSON can hold. `fronts` has the front of each pair of axes, as numbers of
        configurations.
    """
    usable = usable_axes(table)
    ok = table["status"] == "ok"
    # A flat object's R-factor is too far from all others to be a line among them.
    floors = {
        name: columns.number(table.loc[ok, floor].mean())
        for name, floor in FLOORS.items()
        if name in usable
        and AXES[name].scale == "ssim"
        and floor in table
        and table.loc[ok, floor].notna().any()
    }
    return {
        "axes": {
            name: {"label": columns.label(name), "better": axis.better, "scale": axis.scale}
            for name, axis in AXES.items()
            if name in usable
        },
        "measures": [name for name in MEASURES if name in table and not is_empty(table, name)],
        "ssim": {"ticks": axis_scales.SSIM_TICKS[0], "resolution": SSIM_RESOLUTION},
        "x": axes["cost"],
        "y": axes["quality"],
        "floors": floors,
        "several": several_seeds(table),
        "purposes": dict(purposes),
        "recommended_run": recommendation.get("run"),
        "fronts": fronts_of_pairs(configurations, usable),
        "runs": [_run(row, usable) for row in table.to_dict("records")],
        "configurations": [
            _configuration(row, usable) for row in configurations.to_dict("records")
        ],
    }


def _run(row: Mapping[Any, Any], usable: Sequence[str]) -> Row:
    values = {name: columns.number(row[name]) for name in usable} if row["status"] == "ok" else {}
    configuration = name_of(row["run"], row["seed"])
    return {"name": row["run"], "configuration": configuration, **mark(row), "values": values}


def _configuration(row: Mapping[Any, Any], usable: Sequence[str]) -> Row:
    """Return the means of a configuration, as numbers to draw and as words to read."""
    present = [name for name in usable if name in row]
    counts = [
        f"{row[f'n_{s}']} {s}" for s in ("ok", "failed", "stopped", "missing") if row.get(f"n_{s}")
    ]
    words = [("runs", ", ".join(counts), "")]
    settings = [(axis, columns.text(row[axis])) for axis in CONFIGURATION]
    words += [(columns.heading(axis), text, axis) for axis, text in settings if text]
    words += [(columns.heading(name), mean(row, name), name) for name in present]
    return {"name": row["configuration"], **mark(row)} | {
        "values": {name: columns.number(row[name]) for name in present},
        "intervals": {name: columns.number(row.get(f"{name}_ci95")) for name in present},
        "words": words,
    }


def several_seeds(table: pd.DataFrame) -> bool:
    """Tell whether a configuration has several runs."""
    return bool(names_of(table).duplicated().any())


def usable_axes(table: pd.DataFrame) -> list[str]:
    """Return the columns that can be an axis of the plot."""
    return [name for name in AXES if name in table and not is_empty(table, name)]


def axis_groups(table: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Return the axes to choose from, in groups: the label of each by its column."""
    groups: dict[str, dict[str, str]] = {"quality": {}, "cost": {}}
    for name in usable_axes(table):
        groups[AXES[name].group][name] = columns.label(name)
    return groups
