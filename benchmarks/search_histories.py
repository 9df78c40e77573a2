"""Histories of a grid that was trained once: what a search would have seen of its trainings."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ptychopareto.assessment.engine_timing import ROUNDS
from ptychopareto.config.columns import sign
from ptychopareto.files import read_csv, write_csv
from ptychopareto.study.configurations import names_of
from ptychopareto.study.halving import Entrant
from ptychopareto.study.rung_decision import kind_of_loss
from ptychopareto.study.table import read_table

START_SECONDS = 3.0  # of a training: imports, data; where no benchmark tells it
ROUNDS_UNTRAINED = 2  # in which a search times networks before their training
COLUMNS = {
    "configuration": "string",
    "group": "string",
    "seed": "int64",
    "cost": "float64",
    "quality": "float64",
    "epoch": "int64",
    "val_loss": "float64",
    "seconds": "float64",
}
OVERHEADS = {"start_s": "float64", "timing_s": "float64"}


@dataclass(frozen=True)
class Training:
    """A run of the full grid: what its training showed, what it took, and what it was worth.

    Attributes
    ----------
    losses, seconds : tuple of float
        The validation loss after each epoch, and what the epoch took [s].
    quality : float
        Of its reconstruction; more is better.
    start_s : float
        What the job takes beside its epochs [s]: the start of Python, imports, data.
    """

    losses: tuple[float, ...]
    seconds: tuple[float, ...]
    quality: float
    start_s: float = START_SECONDS


@dataclass(frozen=True)
class Configuration:
    """The runs of a configuration, in the order in which their seeds are tried.

    Attributes
    ----------
    name : str
    group : str
        The kind of its loss.
    cost : float
    runs : tuple of Training
    timing_s : float
        What it takes to time its network before the training [s]; 0 for a cost that is counted.
    """

    name: str
    group: str
    cost: float
    runs: tuple[Training, ...]
    timing_s: float = 0.0

    @property
    def quality(self) -> float:
        """The mean over the seeds."""
        return sum(run.quality for run in self.runs) / len(self.runs)

    def entrant(self, first_seeds: int) -> Entrant:
        """What a search sees of it."""
        histories = tuple(run.losses for run in self.runs[:first_seeds])
        return Entrant(self.name, self.group, self.cost, histories)


def collect(results: Path, cost: str, quality: str, path: Path) -> None:
    """Write the histories of a finished full grid, with costs and qualities, into one table.

    Parameters
    ----------
    results : Path
        The folder ``results`` of the study.
    cost, quality : str
        Columns of its table.
    path : Path
        Where to write.
    """
    runs = read_table(results / "study_results.csv")
    runs = runs[runs["status"] == "ok"].assign(configuration=names_of)
    timing = _timing_seconds(results, len(runs)) if cost == "inference_time_s" else 0.0
    parts = []
    for run in runs.to_dict("records"):
        types = {"epoch": "int64", "val_loss": "float64", "seconds": "float64"}
        history = read_csv(results / "runs" / str(run["run"]) / "history.csv", types)
        settings = {str(key): None if pd.isna(value) else value for key, value in run.items()}
        about = {
            "configuration": run["configuration"],
            "group": kind_of_loss(settings),
            "seed": run["seed"],
            "cost": float(run[cost]),
            "quality": sign(quality) * float(run[quality]),
            "start_s": _seconds_of_job(results / "benchmarks" / "train" / f"{run['run']}.tsv")
            - float(history["seconds"].sum()),
            "timing_s": timing,
        }
        parts.append(history.assign(**about))
    table = pd.concat(parts)
    # A job that went on from a checkpoint took less than its epochs. All starts are alike.
    known = table["start_s"].where(table["start_s"] > 0)
    table["start_s"] = known.median() if known.notna().any() else START_SECONDS
    write_csv(path, table[[*COLUMNS, *OVERHEADS]])


def _seconds_of_job(benchmark: Path) -> float:
    """Return the wall time that Snakemake measured of a job [s]; NaN where there is none."""
    if not benchmark.exists():
        return math.nan
    return float(pd.read_csv(benchmark, sep="\t")["s"].iloc[-1])


def _timing_seconds(results: Path, networks: int) -> float:
    """Return what the timing of a network takes before its training [s].

    The timing job of the full grid does the same in more rounds.
    """
    whole = _seconds_of_job(results / "benchmarks" / "time_inference.tsv")
    return whole / networks * ROUNDS_UNTRAINED / ROUNDS


def read(path: Path) -> list[Configuration]:
    """Read the histories that `collect` wrote; quality is negated where less of it is better.

    All epochs of a configuration take the median of their times: other work on the machine, which
    disturbs some of them, then counts for nothing.

    Parameters
    ----------
    path : Path
        The table.

    Returns
    -------
    list of Configuration
        In the order of the table, the seeds of each in rising order.

    Raises
    ------
    FileError
        The table is damaged, or a column is missing.
    """
    found = []
    for name, rows in read_csv(path, COLUMNS, OVERHEADS).groupby("configuration", sort=False):
        epoch_s = float(rows["seconds"].median())
        networks = tuple(_training(run, epoch_s) for _, run in rows.groupby("seed", sort=True))
        first = rows.iloc[0]
        cost = float(rows.groupby("seed")["cost"].first().mean())
        timing = float(first.get("timing_s", 0.0))
        found.append(Configuration(str(name), str(first["group"]), cost, networks, timing))
    return found


def _training(rows: pd.DataFrame, epoch_s: float) -> Training:
    first = rows.iloc[0]
    return Training(
        tuple(rows["val_loss"]),
        (epoch_s,) * len(rows),
        float(first["quality"]),
        float(first.get("start_s", START_SECONDS)),
    )


def epochs_of(grid: Sequence[Configuration]) -> int:
    """Return the number of epochs of the longest training."""
    return max(len(run.losses) for one in grid for run in one.runs)
