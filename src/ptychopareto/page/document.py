"""The page as one HTML document: everything it shows stands in it, scripts and pictures too."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from itertools import cycle
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray
from plotly.offline import get_plotlyjs

from ptychopareto.config import AXES as AXES_OF_GRID
from ptychopareto.config import Architecture, InputTransform, Supervision
from ptychopareto.config.columns import AXES, FLOORS, MEASURES
from ptychopareto.files import atomic
from ptychopareto.page import columns
from ptychopareto.page.thumbnail import data_uri, thumbnails
from ptychopareto.pictures import style
from ptychopareto.study.configurations import CONFIGURATION, name_of, names_of
from ptychopareto.study.pareto import fronts_of_pairs
from ptychopareto.study.table import IDENTITY

# Marks as in the Pareto picture, in the order of the config: plotly's name, and for the legend
# the same shape as an SVG path in a square from -6 to 6. Then they come again.
SYMBOLS = (
    ("circle", "M5,0A5,5 0 1 1 -5,0A5,5 0 1 1 5,0Z"),
    ("square", "M-4.5,-4.5H4.5V4.5H-4.5Z"),
    ("triangle-up", "M0,-5L5,4H-5Z"),
    ("diamond", "M0,-6L6,0L0,6L-6,0Z"),
    ("triangle-down", "M0,5L5,-4H-5Z"),
    ("cross", "M-2,-5H2V-2H5V2H2V5H-2V2H-5V-2H-2Z"),
    ("x", "M0,2L-3,5L-5,3L-2,0L-5,-3L-3,-5L0,-2L3,-5L5,-3L2,0L5,3L3,5Z"),
    ("pentagon", "M0,-5L4.8,-1.5L2.9,4H-2.9L-4.8,-1.5Z"),
    ("star", "M0,-6L1.5,-2L5.7,-1.9L2.4,0.8L3.5,4.9L0,2.5L-3.5,4.9L-2.4,0.8L-5.7,-1.9L-1.5,-2Z"),
    ("hexagon", "M0,-5L4.3,-2.5V2.5L0,5L-4.3,2.5V-2.5Z"),
)
FILLS = ("-open", "", "-open-dot")  # plotly's endings of a symbol's name
# The same hues as on white, light enough for a dark page.
DARK_COLOURS = ("#77aadd", "#ee8899", "#eedd88", "#44bb99", "#cc99dd", "#dddddd")

SYMBOL_OF = dict(zip(get_args(Architecture), cycle(SYMBOLS), strict=False))
COLOUR_OF = {name: i for i, name in enumerate(get_args(InputTransform))}
FILL_OF = dict(zip(get_args(Supervision), FILLS, strict=False))

FILTERED = [*CONFIGURATION, "seed", "status"]  # columns with a choice of their values
CAPTIONS = {
    "gallery": "Truth (for a measured scan its classical reconstruction), rPIE and the "
    "reconstructions of the front, with their errors; all images share a colour scale, and so do "
    "all errors.",
    "pareto_plot": "The Pareto plot, to be printed.",
    "quality_vs_time": "Quality against time: classical, and networks refined classically.",
    "training_curves": "Validation loss of each run while it was trained.",
    "marginals": "What each hyperparameter does to quality and cost, all others being equal.",
    "robustness": "Quality on test scans with a change that the networks were not trained for.",
    "dataset": "The scan: the object, the probe, and a few patterns.",
}

Row = dict[str, Any]


def write(path: Path, document: str) -> None:
    """Write the page atomically.

    Parameters
    ----------
    path : Path
        Where to write it.
    document : str
        The page, as `build` returns it.
    """
    with atomic(path) as temporary:
        temporary.write_text(document, encoding="utf-8")


def build(
    table: pd.DataFrame,
    configurations: pd.DataFrame,
    front: pd.DataFrame,
    recommendation: Mapping[str, Any],
    pictures: Mapping[str, Path],
    thumbnails: Mapping[str, Path],
    provenance: Mapping[str, str],
    axes: Mapping[str, str],
    region: NDArray[np.bool_] | None = None,
) -> str:
    """Make the page of a study; equal arguments give an equal page.

    Parameters
    ----------
    table : DataFrame
        The runs, as ``study_results.csv`` holds them, whatever became of them.
    configurations : DataFrame
        Their means, as ``configurations.csv`` holds them.
    front : DataFrame
        The configurations on the front, as ``pareto_front.csv`` holds them.
    recommendation : dict
        What ``recommendation.json`` holds.
    pictures : dict of Path
        PNG files to be shown, by name and in order; one that is not there is left out.
    thumbnails : dict of Path
        ``reconstruction.npz`` by run id; one that is not there is left out.
    provenance : dict of str
        What else one should know about where the results come from.
    axes : dict of str
        The columns of the plot's axes to begin with: `cost` and `quality`.
    region : bool array, optional
        The pixels (H, W) of the reconstructions that are scored; None: all.

    Returns
    -------
    str
        The whole HTML document. It loads nothing, and its own policy forbids it to.

    Raises
    ------
    FileError
        A reconstruction is damaged.
    """
    small, limits = _thumbnails(thumbnails, region)
    data = _data(table, configurations, recommendation, axes) | {"thumbnails": small}
    plotly, script = get_plotlyjs(), _resource("page.js")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_resource("template.html")).render(
        policy=_policy(plotly, script),
        css=Markup(_resource("page.css")),
        colours=list(zip(style.COLOURS, DARK_COLOURS, strict=True)),
        plotly=Markup(plotly),
        script=Markup(script),
        data=Markup(_json(data)),
        summary=_summary(table),
        recommendation=dict.fromkeys(("configuration", "run", "reason")) | dict(recommendation),
        recommended_thumbnail=small.get(str(recommendation.get("run"))),
        limits=limits,
        axis_groups=_axis_groups(table),
        axes=axes,
        front=_front_rows(front, axes),
        front_headings=[columns.heading(axes[kind]) for kind in ("cost", "quality")],
        legend=_legend(table),
        several_seeds=_several_seeds(table),
        headings=_headings(table, axes),
        filters=_filters(table),
        rows=_rows(table, front, axes),
        pictures=_pictures(pictures),
        provenance=provenance,
    )


_thumbnails = thumbnails  # `build` has an argument of that name


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(*scripts: str) -> str:
    """Tell the browser what to allow: these scripts, and nothing from anywhere else."""
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    allowed = " ".join(f"'sha256-{value}'" for value in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _json(value: Any) -> str:
    """Write JSON that may stand inside a script element: nothing in it can end the element."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _data(
    table: pd.DataFrame,
    configurations: pd.DataFrame,
    recommendation: Mapping[str, Any],
    axes: Mapping[str, str],
) -> Row:
    """Return the data that the script draws."""
    usable = _usable_axes(table)
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
        "measures": [name for name in MEASURES if name in table and not _is_empty(table, name)],
        "ssim": {"ticks": style.SSIM_TICKS[0], "resolution": style.SSIM_RESOLUTION},
        "x": axes["cost"],
        "y": axes["quality"],
        "floors": floors,
        "several": _several_seeds(table),
        "recommended": recommendation.get("configuration"),
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
    return {"name": row["run"], "configuration": configuration, **_mark(row), "values": values}


def _configuration(row: Mapping[Any, Any], usable: Sequence[str]) -> Row:
    """Return the means of a configuration, as numbers to draw and as words to read."""
    present = [name for name in usable if name in row]
    counts = [f"{row[f'n_{s}']} {s}" for s in ("ok", "failed", "missing") if row.get(f"n_{s}")]
    words = [("runs", ", ".join(counts), "")]
    settings = [(axis, columns.text(row[axis])) for axis in CONFIGURATION]
    words += [(columns.heading(axis), text, axis) for axis, text in settings if text]
    words += [(columns.heading(name), _mean(row, name), name) for name in present]
    return {"name": row["configuration"], **_mark(row)} | {
        "values": {name: columns.number(row[name]) for name in present},
        "intervals": {name: columns.number(row.get(f"{name}_ci95")) for name in present},
        "words": words,
    }


def _mean(row: Mapping[Any, Any], name: str) -> str:
    mean, interval = row[name], row.get(f"{name}_ci95")
    if pd.isna(interval) or not interval:  # one run, or a number that no seed changes
        return columns.text(mean)
    return (
        f"{columns.text(mean)} ± {interval:,.0f}"
        if interval >= 100
        else f"{columns.text(mean)} ± {interval:.2g}"
    )


def _mark(row: Mapping[Any, Any]) -> Row:
    symbol, _ = SYMBOL_OF[row["architecture"]]
    return {
        "symbol": symbol + FILL_OF[row["supervision"]],
        "colour": COLOUR_OF[row["input_transform"]],
    }


def _several_seeds(table: pd.DataFrame) -> bool:
    return bool(names_of(table).duplicated().any())


def _usable_axes(table: pd.DataFrame) -> list[str]:
    return [name for name in AXES if name in table and not _is_empty(table, name)]


def _is_empty(table: pd.DataFrame, name: str) -> bool:
    """Tell whether a column that only some scans have is without a value in this study."""
    late = name == "reference" or (name in MEASURES and MEASURES[name].late)
    return late and bool(table[name].isna().all())


def _axis_groups(table: pd.DataFrame) -> dict[str, dict[str, str]]:
    groups: dict[str, dict[str, str]] = {"quality": {}, "cost": {}}
    for name in _usable_axes(table):
        groups[AXES[name].group][name] = columns.label(name)
    return groups


def _summary(table: pd.DataFrame) -> str:
    n = names_of(table).nunique()
    counts = [f"{k} {str(s).replace('_', ' ')}" for s, k in table["status"].value_counts().items()]
    return f"{_counted(len(table), 'run')} of {_counted(n, 'configuration')}: {', '.join(counts)}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _shown(table: pd.DataFrame, axes: Mapping[str, str]) -> list[str]:
    """List all columns, the most looked for first; `error` only if there is one."""
    reasons = ["error"] if table["error"].notna().any() else []
    first = ["run", "status", *reasons, axes["quality"], axes["cost"]]
    others = (name for name in table.columns if name not in (*first, "error"))
    return [*first, *(name for name in others if not _is_empty(table, name))]


def _headings(table: pd.DataFrame, axes: Mapping[str, str]) -> list[Row]:
    return [
        {
            "name": name,
            "heading": columns.heading(name),
            "title": columns.label(name),
            "kind": "words" if columns.is_text(table[name]) else "number",
            "more": name not in (*IDENTITY, "status", "error", *axes.values()),  # not on paper
        }
        for name in _shown(table, axes)
    ]


def _rows(table: pd.DataFrame, front: pd.DataFrame, axes: Mapping[str, str]) -> list[Row]:
    names = _shown(table, axes)
    numbers = {name for name in names if not columns.is_text(table[name])}
    best = set(front.get("configuration", ()))
    chosen = set(front.loc[front["recommended"].astype(bool), "configuration"]) if best else set()
    return [
        {
            "run": row["run"],
            "status": row["status"],
            "on_front": name_of(row["run"], row["seed"]) in best,
            "recommended": name_of(row["run"], row["seed"]) in chosen,
            "cells": [
                {
                    "name": name,
                    "text": columns.text(row[name]).replace("_", " ")
                    if name == "status"
                    else columns.text(row[name]),
                    "number": columns.number(row[name]) if name in numbers else None,
                }
                for name in names
            ],
        }
        for row in table.to_dict("records")
    ]


def _differs(table: pd.DataFrame, name: str) -> bool:
    """Tell whether a column tells runs apart; a default that the architecture decides does not."""
    if name in AXES_OF_GRID and AXES_OF_GRID[name].decided_by == "architecture":
        return bool((table.groupby("architecture")[name].nunique(dropna=False) > 1).any())
    return table[name].nunique(dropna=False) > 1


def _filters(table: pd.DataFrame) -> list[Row]:
    """List the columns that differ between runs, with their values as they stand in the table."""
    choices = []
    for name in FILTERED:
        values = table[name].drop_duplicates()
        if _differs(table, name):
            values = values.dropna()  # no value cannot be chosen
            ordered = values if columns.is_text(values) else values.sort_values()
            words = [columns.text(value) for value in ordered]
            if name == "status":
                words = [word.replace("_", " ") for word in words]
            choices.append({"name": name, "heading": columns.heading(name), "values": words})
    return choices


def _front_rows(front: pd.DataFrame, axes: Mapping[str, str]) -> list[Row]:
    return [
        {
            "configuration": row["configuration"],
            "recommended": bool(row["recommended"]),
            "cost": _mean(row, axes["cost"]),
            "quality": _mean(row, axes["quality"]),
            "p_front": "" if pd.isna(row["p_front"]) else f"{100 * row['p_front']:.0f} %",
        }
        for row in front.to_dict("records")
    ]


def _legend(table: pd.DataFrame) -> list[Row]:
    """Explain the marks, for the values that the study has."""
    round_mark = SYMBOLS[0][1]
    entries: dict[str, list[Row]] = {"architecture": [], "input_transform": [], "supervision": []}
    for name, (_, path) in SYMBOL_OF.items():
        entries["architecture"].append({"name": name, "path": path, "colour": None, "fill": ""})
    for name, colour in COLOUR_OF.items():
        entries["input_transform"].append(
            {"name": name, "path": round_mark, "colour": colour, "fill": ""}
        )
    for name, fill in FILL_OF.items():
        entries["supervision"].append(
            {"name": name, "path": round_mark, "colour": None, "fill": fill}
        )
    return [
        {
            "heading": columns.heading(axis),
            "entries": [entry for entry in marks if entry["name"] in set(table[axis])],
        }
        for axis, marks in entries.items()
    ]


def _pictures(pictures: Mapping[str, Path]) -> list[Row]:
    return [
        {
            "name": name,
            "caption": CAPTIONS.get(name.replace(" ", "_"), name.replace("_", " ")),
            "uri": data_uri(path.read_bytes()),
        }
        for name, path in pictures.items()
        if path.exists()
    ]
