"""The table of a study: one row per configured run, whatever became of it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd
from pydantic import create_model

from ptychopareto.config import AXES, columns
from ptychopareto.files import FileError, read_csv
from ptychopareto.files.records import Line, Record, read_record
from ptychopareto.study.runs import Run

IDENTITY: dict[str, str] = {
    "run": "string",
    **{name: axis.column for name, axis in AXES.items() if not axis.late},
    "seed": "int64",
}
# Settings that most studies leave alone stand at the end of the table, `epochs` apart.
_LAST: dict[str, str] = {
    name: axis.column for name, axis in AXES.items() if axis.late and name != "epochs"
}
MEASURES: dict[str, str] = {name: column.kind for name, column in columns.MEASURES.items()}
LATE_MEASURES = tuple(name for name, column in columns.MEASURES.items() if column.late)
_NEWEST = LATE_MEASURES[LATE_MEASURES.index("contrast_phase") :]
# The latencies among them.
_LATE_LATENCIES = tuple(name for name in LATE_MEASURES if columns.MEASURES[name].latency)
TYPES: dict[str, str] = {
    **IDENTITY,
    "epochs": AXES["epochs"].column,
    "status": "string",
    "error": "string",
    **{name: kind for name, kind in MEASURES.items() if name not in LATE_MEASURES},
    "device": "string",
    **_LAST,
    **{name: MEASURES[name] for name in LATE_MEASURES if name not in (*_LATE_LATENCIES, *_NEWEST)},
    "reference": "string",  # the object that similarity is measured against: truth or classical
    **{name: MEASURES[name] for name in _LATE_LATENCIES},
    **{name: MEASURES[name] for name in _NEWEST},
    "warning": "string",  # why a run that is ok cannot be used, as `collapse` finds
}
# The settings of every run; others are missing where its architecture has no such key.
_ALWAYS = ["run", *(name for name, axis in AXES.items() if not axis.optional), "seed"]
# Settings that a run leaves to its training or its architecture; the training's record has them.
_FROM_TRAINING = [name for name, axis in AXES.items() if axis.in_default]
COLUMNS = tuple(TYPES)
# The columns at the end of the table of a search; no other study has them.
SEARCHED: dict[str, str] = {name: column.kind for name, column in columns.SEARCHED.items()}
Status = Literal["ok", "diverged", "out_of_memory", "stopped", "missing"]
STATUSES: tuple[str, ...] = get_args(Status)

_KINDS: dict[str, Any] = {"string": Line, "float64": float}
_PLAIN: dict[str, Any] = {
    name: (_KINDS.get(kind, int) | None, None)
    for name, kind in TYPES.items()
    if name not in (*IDENTITY, *_LAST) or name in _FROM_TRAINING
}
_Metrics = create_model("_Metrics", __base__=Record, **{**_PLAIN, "status": (Status, ...)})


def gather(
    runs: Iterable[Run],
    metrics: Mapping[str, Path],
    settings: Mapping[str, str] | None = None,
    stopped: Mapping[str, Mapping[str, Any]] | None = None,
) -> pd.DataFrame:
    """Collect the results of the runs into one table.

    Parameters
    ----------
    runs : iterable of Run
        The configured runs, in grid order.
    metrics : dict of Path
        The ``metrics.json`` of each run by its id. A run that is not named, or whose file is not
        there, has the status ``missing``.
    settings : dict of str, optional
        The fingerprint of the settings of each run by its id. Results of other settings, from
        before a change of the config, count as missing too. None: take what is there.
    stopped : dict of dict, optional
        In a search, the rows of the runs that are not trained to the end, as `rungs.stopped_rows`
        returns them. None: there is no search.

    Returns
    -------
    DataFrame
        One row per run, in the order given, with the columns `COLUMNS`, in a search also those of
        `SEARCHED`. What a run does not know is missing (NaN, NA); keys that are no columns are
        ignored.

    Raises
    ------
    FileError
        A file is not readable, its status is none of `STATUSES`, or a value is of another type than
        its column.
    """
    missing = {"status": "missing"}
    rows = []
    for run in runs:
        path = metrics.get(run.id)
        results = read_metrics(path) if path is not None and path.exists() else missing
        if settings is not None and results.get("settings") != settings[run.id]:
            results = missing
        if stopped is not None and run.id in stopped:
            results = dict(stopped[run.id])
        rows.append({**results, **_named(run), "run": run.id})
    types = TYPES if stopped is None else {**TYPES, **SEARCHED}
    return pd.DataFrame(rows, columns=list(types)).astype(types)


def _named(run: Run) -> dict[str, Any]:
    """Return the settings of a run, without those that it leaves to others."""
    return {
        name: value
        for name, value in vars(run).items()
        if value is not None or name not in _FROM_TRAINING
    }


def read_table(path: Path) -> pd.DataFrame:
    """Read a ``study_results.csv`` back as `gather` returned it.

    Raises
    ------
    FileError
        The file is damaged, a column is missing, a value is of another type, or a run stands there
        twice or without all of its settings and a status.
    """
    table = read_csv(path, TYPES, SEARCHED)
    if table["run"].duplicated().any():
        raise FileError(f"{path}: has a run twice; one row per run is wanted")
    if table[_ALWAYS].isna().any(axis=None) or not table["status"].isin(STATUSES).all():
        raise FileError(
            f"{path}: has a run without all of its settings or with an unknown status; "
            f"one of {', '.join(STATUSES)} is wanted"
        )
    return table


def read_metrics(path: Path) -> dict[str, Any]:
    """Read a ``metrics.json``: what is a column of the table is of its type, or None.

    Raises
    ------
    FileError
        The file is damaged, its status is none of `STATUSES`, or a value is of another type.
    """
    return read_record(path, _Metrics)
