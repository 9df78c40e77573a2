"""The page as one HTML document: everything it shows stands in it, scripts and pictures too."""

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray
from plotly.offline import get_plotlyjs

from ptychopareto.files import atomic
from ptychopareto.page import columns, marks, plot_data, tables
from ptychopareto.page.columns import Row
from ptychopareto.page.embedded import packed, picture
from ptychopareto.page.thumbnail import thumbnails
from ptychopareto.pictures import style
from ptychopareto.study.collapse import collapsed
from ptychopareto.study.configurations import names_of
from ptychopareto.study.purposes import named

# The same hues as on white, light enough for a dark page.
DARK_COLOURS = (
    *("#77aadd", "#ee8899", "#eedd88", "#44bb99", "#cc99dd"),
    *("#99ddff", "#bbbb66", "#dddddd"),
)

CAPTIONS = {
    "gallery": "Truth (for a measured scan its classical reconstruction), rPIE and the "
    "reconstructions of the front, with their errors; all images share a colour scale, and so do "
    "all errors.",
    "pareto_plot": "The Pareto plot, to be printed.",
    "quality_vs_time": "Quality against time: classical, and networks refined classically.",
    "break_even_plot": "After how many scans training has paid, against rPIE from a flat start.",
    "training_curves": "Validation loss of each run while it was trained.",
    "marginals": "What each hyperparameter does to quality and cost, all others being equal.",
    "robustness": "Quality on test scans with a change that the networks were not trained for.",
    "dataset": "The scan: the object, the probe, and a few patterns.",
}


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
    break_even: pd.DataFrame,
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
    break_even : DataFrame
        After how many scans training pays, as ``break_even.csv`` holds it.
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
    answers = recommendation.get("purposes", {})
    having = named(answers)
    data = plot_data.collect(table, configurations, recommendation, having, axes)
    data |= {"thumbnails": small}
    plotly, unpack, script = get_plotlyjs(), _resource("unpack.js"), _resource("page.js")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_resource("template.html")).render(
        policy=_policy(plotly, unpack, script),
        css=Markup(_resource("page.css")),
        colours=list(zip(style.COLOURS, DARK_COLOURS, strict=True)),
        plotly=packed(plotly),
        unpack=Markup(unpack),
        script=Markup(script),
        data=Markup(_json(data)),
        summary=_summary(table),
        recommendation=dict.fromkeys(("configuration", "run", "reason")) | dict(recommendation),
        recommended_thumbnail=small.get(str(recommendation.get("run"))),
        limits=limits,
        axis_groups=plot_data.axis_groups(table),
        axes=axes,
        purposes=tables.purpose_rows(answers),
        quality_heading=columns.heading(axes["quality"]),
        front=tables.front_rows(front, having, axes),
        break_even=tables.break_even_rows(break_even, front, having),
        break_even_headings=tables.break_even_headings(axes["quality"]),
        front_headings=[columns.heading(axes[kind]) for kind in ("cost", "quality")],
        legend=marks.legend(table),
        several_seeds=plot_data.several_seeds(table),
        headings=tables.headings(table, axes),
        filters=tables.filters(table),
        rows=tables.rows(table, front, having, axes),
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


def _summary(table: pd.DataFrame) -> str:
    n = names_of(table).nunique()
    counts = [f"{k} {str(s).replace('_', ' ')}" for s, k in table["status"].value_counts().items()]
    if number := int(collapsed(table).sum()):
        counts.append(f"{number} collapsed")
    return f"{_counted(len(table), 'run')} of {_counted(n, 'configuration')}: {', '.join(counts)}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _pictures(pictures: Mapping[str, Path]) -> list[Row]:
    return [
        {
            "name": name,
            "caption": CAPTIONS.get(name.replace(" ", "_"), name.replace("_", " ")),
            "uri": picture(path.read_bytes()),
        }
        for name, path in pictures.items()
        if path.exists()
    ]
