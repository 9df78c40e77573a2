"""Quality against time: networks, rPIE after them, and rPIE alone, on one clock.

All seconds come from the one job that timed everything side by side (`timing.json`). rPIE does the
same work from any start, so its time is a set-up and so much an epoch.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ptychopareto.config.columns import LATENCIES, QUALITIES
from ptychopareto.files import FileError, read_csv
from ptychopareto.study import results
from ptychopareto.study.results import read_steps
from ptychopareto.study.runs import Run

ENGINES = dict(zip(results.ENGINES, ("rPIE", "LSQML"), strict=True))  # as they are shown
SECONDS = ("inference_s", "refine_s", "total_s")
_MEASURES = dict.fromkeys(QUALITIES, "float64")
CLASSICAL = {
    **{"epochs": "int64", "seconds": "float64"},
    **_MEASURES,
    **{"engine": "string", "early_stop": "boolean"},
}
REFINEMENT = {
    **{"run": "string", "configuration": "string", "seed": "int64", "refine_epochs": "int64"},
    **dict.fromkeys(SECONDS, "float64"),
    **_MEASURES,
}


def with_latencies(table: pd.DataFrame, timing: Mapping[str, Any]) -> pd.DataFrame:
    """Put the latencies of the timing job into a table of runs.

    Parameters
    ----------
    table : DataFrame
        The runs, as `table.gather` returns them.
    timing : dict
        The content of `timing.json`.

    Returns
    -------
    DataFrame
        The table; a run that the timing job does not know has no latencies.
    """
    models = timing["models"]
    columns = {
        name: [models.get(run, {}).get(name, float("nan")) for run in table["run"]]
        for name in LATENCIES
    }
    return table.assign(**columns)


def classical_table(
    steps: Iterable[Mapping[str, Any]],
    timing: Mapping[str, Any],
    best_epochs: int | None = None,
) -> pd.DataFrame:
    """Set the classical reconstructions against time.

    Parameters
    ----------
    steps : iterable of dict
        The steps of a `classical.json`: `epochs` and measures, the `engine` (rPIE if none is
        named), and the `seconds` of an engine that the timing job does not know.
    timing : dict
        The content of a `timing.json`.
    best_epochs : int, optional
        The number of epochs after which rPIE predicts held-out patterns best.

    Returns
    -------
    DataFrame
        One row per engine and number of epochs: `epochs`, `seconds`, all measures, `engine`, and
        `early_stop`, true for the row of rPIE after `best_epochs`.
    """
    rows = [
        {
            **step,
            "seconds": _classical_seconds(step, timing),
            "engine": step.get("engine") or "rpie",
            "early_stop": (step.get("engine") or "rpie") == "rpie"
            and step["epochs"] == best_epochs,
        }
        for step in steps
    ]
    return pd.DataFrame(rows, columns=list(CLASSICAL))


def read_classical(path: Path) -> pd.DataFrame:
    """Read a ``classical.csv`` back.

    Raises
    ------
    FileError
        The file is damaged, or a row does not say its engine or whether early stopping ends there.
    """
    table = read_csv(path, CLASSICAL)
    if table[["engine", "early_stop"]].isna().any(axis=None):
        raise FileError(f"{path}: engine or early_stop is empty in a row; both are wanted")
    return table.astype({"early_stop": "bool"})


def read_refinement(path: Path) -> pd.DataFrame:
    """Read a ``refinement.csv`` back.

    Raises
    ------
    FileError
        The file is damaged.
    """
    return read_csv(path, REFINEMENT)


def refinement_table(
    runs: Iterable[Run], scores: Mapping[str, Path], timing: Mapping[str, Any]
) -> pd.DataFrame:
    """Set rPIE after each network against time.

    Parameters
    ----------
    runs : iterable of Run
        The runs of the study.
    scores : dict of Path
        The `refinement.json` of each run by its id.
    timing : dict
        The content of `timing.json`.

    Returns
    -------
    DataFrame
        One row per run and number of epochs (0 is the network alone), with all measures;
        `inference_s` is the time of the network and the stitching, `refine_s` that of rPIE,
        `total_s` that of both. A run whose file is not there, or whose training failed, has no row.

    Raises
    ------
    FileError
        A file is damaged.
    """
    rows = []
    for run in runs:
        path = scores.get(run.id)
        if path is None or not path.exists():
            continue
        for step in read_steps(path):
            inference = _latency(run, timing)
            refine = _engine_seconds(step["epochs"], timing)
            rows.append(
                {
                    **step,
                    "run": run.id,
                    "configuration": run.configuration,
                    "seed": run.seed,
                    "refine_epochs": step["epochs"],
                    "inference_s": inference,
                    "refine_s": refine,
                    "total_s": inference + refine,
                }
            )
    return pd.DataFrame(rows, columns=list(REFINEMENT))


def _latency(run: Run, timing: Mapping[str, Any]) -> float:
    """Return the seconds of network and stitching for the patterns of the object that is scored."""
    known, engine = timing["models"].get(run.id), timing["engine"]
    if known is None:
        return float("nan")
    return float(known["inference_time_s"] * engine["scored_fraction"] + engine["stitch_s"])


def _classical_seconds(step: Mapping[str, Any], timing: Mapping[str, Any]) -> float:
    if (step.get("engine") or "rpie") == "rpie":
        return _engine_seconds(step["epochs"], timing)
    seconds = step.get("seconds")
    return float("nan") if seconds is None else float(seconds)


def _engine_seconds(epochs: int, timing: Mapping[str, Any]) -> float:
    engine = timing["engine"]
    return 0.0 if epochs == 0 else float(engine["setup_s"] + epochs * engine["epoch_s"])
