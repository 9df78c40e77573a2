"""Quality against time: networks, rPIE after them, and rPIE alone, on one clock.

All seconds come from the one job that timed everything side by side (`timing.json`). rPIE does the
same work from any start, so its time is a set-up and so much an epoch.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ptychopareto.config.columns import LATENCIES, QUALITIES
from ptychopareto.study.results import read_steps
from ptychopareto.study.runs import Run

IDENTITY = ("run", "configuration", "seed")
SECONDS = ("inference_s", "refine_s", "total_s")


def with_latencies(table: pd.DataFrame, timing: Mapping[str, Any]) -> pd.DataFrame:
    """The table of runs with the latencies of the timing job; a run it does not know has none."""
    models = timing["models"]
    columns = {
        name: [models.get(run, {}).get(name, float("nan")) for run in table["run"]]
        for name in LATENCIES
    }
    return table.assign(**columns)


def classical_table(steps: Iterable[Mapping[str, Any]], timing: Mapping[str, Any]) -> pd.DataFrame:
    """Gather the classical engines: one row per number of epochs, with seconds and all measures.

    A step that names no engine is rPIE's from a flat start, whose epochs were timed beside the
    networks. An engine that finds the probe too says how long it took itself.
    """
    rows = [
        {"engine": "rpie", "seconds": _engine_seconds(step["epochs"], timing), **step}
        for step in steps
    ]
    return pd.DataFrame(rows, columns=["epochs", "seconds", *QUALITIES, "engine"])


def refinement_table(
    runs: Iterable[Run], scores: Mapping[str, Path], timing: Mapping[str, Any]
) -> pd.DataFrame:
    """rPIE after each network: one row per run and number of epochs; 0 is the network alone.

    `inference_s` is the network and the stitching, `refine_s` rPIE, `total_s` both. A run whose
    file is not there, or whose training failed, has no row.
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
    return pd.DataFrame(rows, columns=[*IDENTITY, "refine_epochs", *SECONDS, *QUALITIES])


def _latency(run: Run, timing: Mapping[str, Any]) -> float:
    """Seconds of network and stitching for the patterns of the object that is scored."""
    known, engine = timing["models"].get(run.id), timing["engine"]
    if known is None:
        return float("nan")
    return float(known["inference_time_s"] * engine["scored_fraction"] + engine["stitch_s"])


def _engine_seconds(epochs: int, timing: Mapping[str, Any]) -> float:
    engine = timing["engine"]
    return 0.0 if epochs == 0 else float(engine["setup_s"] + epochs * engine["epoch_s"])
