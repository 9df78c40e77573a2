"""Record what a search has decided at its rungs, and find what follows from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ptychopareto.config import Search
from ptychopareto.files import FileError
from ptychopareto.files.records import Line, Record, read_record
from ptychopareto.study.halving import (
    Candidate,
    Verdict,
    best_so_far,
    decide,
    places,
    sizes_of_groups,
)
from ptychopareto.study.runs import Run
from ptychopareto.study.table import Status


class _Reached(Record):
    """A run at a rung."""

    run: Line
    seed: int
    settings: Line
    status: Status
    error: Line
    epochs: int
    val_loss: list[float]
    train_time_s: float
    patterns_trained: int
    model_params: int
    model_params_real: int


class _Decided(Record):
    """A configuration at a rung."""

    configuration: Line
    group: Line
    cost: float | None
    loss: float | None
    front: int | None
    goes_on: bool
    runs: list[_Reached]


class _Rung(Record):
    """A rung at which all have arrived."""

    rung: int
    part: float
    cost: Line
    configurations: list[_Decided]


class _Timing(Record):
    """The inference time of networks that were not trained, by configuration."""

    inference_time_s: dict[str, float]


@dataclass(frozen=True)
class Decision:
    """The decisions at a rung.

    Attributes
    ----------
    rung : int
        After how many epochs.
    part : float
        The part of all configurations of a group that had places.
    cost : str
        The column of costs.
    configurations : list of dict
        Those that reached it, in grid order: the fields of a `Verdict`, with the name under
        `configuration`, and `runs`, the records of the runs that were tried.
    """

    rung: int
    part: float
    cost: str
    configurations: list[dict[str, Any]]

    @property
    def survivors(self) -> list[str]:
        """The configurations that go on."""
        return [one["configuration"] for one in self.configurations if one["goes_on"]]


def first_runs(runs: Iterable[Run], seeds: Sequence[int], search: Search) -> list[Run]:
    """Select the runs of the seeds that are tried first.

    Parameters
    ----------
    runs : iterable of Run
        All runs of the study.
    seeds : sequence of int
        Its seeds.
    search : Search
        The section `search:` of the study.

    Returns
    -------
    list of Run
        The runs of the first seeds, in the same order.
    """
    first = set(seeds[: search.first_seeds])
    return [run for run in runs if run.seed in first]


def kind_of_loss(settings: Mapping[str, Any]) -> str:
    """Name what the validation loss of a run measures; only equal names can be compared.

    Parameters
    ----------
    settings : mapping
        The settings of the run, as `Run.settings` returns them.
    """
    words = [settings["supervision"]]
    if settings.get("gauge") is not None:
        words.append(f"{settings['gauge']} gauge")
    if settings.get("physics_weight"):
        words.append(f"physics weight {settings['physics_weight']:g}")
    return ", ".join(words)


def read_reached(path: Path) -> dict[str, Any]:
    """Read the record of a run at a rung; raises FileError where it is damaged."""
    return read_record(path, _Reached)


def read_untrained(path: Path) -> dict[str, float]:
    """Read the inference times of untrained networks [s]; raises FileError if damaged."""
    times: dict[str, float] = read_record(path, _Timing)["inference_time_s"]
    return times


def read_decision(path: Path) -> Decision:
    """Read what was decided at a rung; raises FileError where the file is damaged."""
    content = read_record(path, _Rung)
    return Decision(content["rung"], content["part"], content["cost"], content["configurations"])


def decisions_so_far(
    files: Sequence[Path],
    runs: Iterable[Run],
    settings: Mapping[str, str],
    keep: Sequence[float],
    cost: str,
) -> list[Decision]:
    """Read the decisions that are there and still hold, the lowest rung first.

    They end below a rung that is not decided yet, or was decided about another grid, other
    settings, another part or another cost: it will be decided again.

    Parameters
    ----------
    files : sequence of Path
        The decision files of all rungs, the lowest first.
    runs : iterable of Run
        The runs of the study, in grid order.
    settings : mapping of str to str
        The fingerprint of the settings of each run by its id.
    keep : sequence of float
        The part that goes on at each rung.
    cost : str
        The column of costs.

    Returns
    -------
    list of Decision
        The decisions.
    """
    found: list[Decision] = []
    expected = list(dict.fromkeys(run.configuration for run in runs))
    for file, part in zip(files, keep, strict=True):
        try:
            decision = read_decision(file)
        except FileError:  # not there, or damaged, which its next reader will say
            break
        names = [one["configuration"] for one in decision.configurations]
        records = [record for one in decision.configurations for record in one["runs"]]
        current = all(settings.get(one["run"]) == one["settings"] for one in records)
        if not current or (names, decision.part, decision.cost) != (expected, part, cost):
            break
        found.append(decision)
        expected = decision.survivors
    return found


def decided(
    rung: int,
    part: float,
    reached: Sequence[Mapping[str, Any]],
    groups: Mapping[str, str],
    cost: str,
    inference: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Decide who goes on at a rung.

    Parameters
    ----------
    rung : int
        After how many epochs.
    part : float
        The part of all configurations of a group that goes on.
    reached : sequence of mapping
        The records of the runs that have reached the rung, in grid order, with the name of their
        `configuration`.
    groups : mapping of str to str
        The kind of loss of each configuration of the whole study, whether it got so far or not.
    cost : str
        The column of costs.
    inference : mapping of str to float, optional
        The inference time [s] of each configuration; needed if it is the cost.

    Returns
    -------
    dict
        What ``search/rung_{epochs}.json`` holds.
    """
    runs_of: dict[str, list[Mapping[str, Any]]] = {}
    for record in reached:
        runs_of.setdefault(record["configuration"], []).append(record)
    candidates = [
        Candidate(name, groups[name], _cost(own, cost, (inference or {}).get(name)), _losses(own))
        for name, own in runs_of.items()
    ]
    sizes = sizes_of_groups(groups.values())
    verdicts = decide(candidates, {group: places(part, size) for group, size in sizes.items()})
    return {
        "rung": rung,
        "part": part,
        "cost": cost,
        "configurations": [_as_record(one, runs_of[one.name]) for one in verdicts],
    }


def _losses(runs: Iterable[Mapping[str, Any]]) -> tuple[float, ...]:
    return tuple(
        best_so_far(run["val_loss"]) if run["status"] == "ok" else float("nan") for run in runs
    )


def _cost(runs: Sequence[Mapping[str, Any]], cost: str, inference: float | None) -> float:
    if cost == "inference_time_s":
        return float("nan") if inference is None else inference
    if cost == "train_time_s":  # of the whole training, as far as is known by now
        times = [
            run["train_time_s"] / len(run["val_loss"]) * run["epochs"]
            for run in runs
            if run["val_loss"]
        ]
        return sum(times) / len(times) if times else float("nan")
    return float(runs[0][cost])


def _as_record(verdict: Verdict, runs: list[Mapping[str, Any]]) -> dict[str, Any]:
    record = asdict(verdict)
    name = record.pop("name")
    return {"configuration": name, **record, "runs": runs}


def finished(decisions: Sequence[Decision], runs: Iterable[Run]) -> list[Run]:
    """List the runs that are trained to the end, in grid order.

    These are all seeds of the configurations that go on at the last rung, and of the others the
    runs whose training had ended by the rung at which they were stopped.

    Parameters
    ----------
    decisions : sequence of Decision
        Those of all rungs.
    runs : iterable of Run
        All runs of the study.

    Returns
    -------
    list of Run
        The runs that are trained to the end.
    """
    survivors = set(decisions[-1].survivors)
    ended = {
        record["run"]
        for decision in decisions
        for one in decision.configurations
        if not one["goes_on"]
        for record in one["runs"]
        if record["status"] == "ok" and len(record["val_loss"]) >= record["epochs"]
    }
    return [run for run in runs if run.configuration in survivors or run.id in ended]


def stopped_rows(
    decisions: Sequence[Decision],
    runs: Iterable[Run],
    settings: Mapping[str, str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return what the table says of the runs that are not trained to the end.

    A run that failed on its way to the rung has that as its status, all others are ``stopped``.
    A seed that was never tried has the rung of its configuration, but no loss there.

    Parameters
    ----------
    decisions : sequence of Decision
        Those of the rungs so far.
    runs : iterable of Run
        All runs of the study.
    settings : mapping of str to str, optional
        The fingerprint of the settings of each run by its id. Decisions about others are ignored.

    Returns
    -------
    dict
        The row of each such run, by its id.
    """
    runs = list(runs)
    last = {
        one["configuration"]: (decision.rung, one)
        for decision in decisions
        for one in decision.configurations
        if not one["goes_on"]
    }
    to_the_end = {run.id for run in finished(decisions, runs)} if decisions else set()
    rows = {}
    for run in runs:
        if run.configuration not in last or run.id in to_the_end:
            continue
        rung, one = last[run.configuration]
        known = {record["run"]: record for record in one["runs"]}
        current = all(
            settings is None or settings.get(name) == record["settings"]
            for name, record in known.items()
        )
        if current:
            rows[run.id] = {"rung": rung, **_row(known.get(run.id), one["runs"][0])}
    return rows


def _row(own: Mapping[str, Any] | None, other_seed: Mapping[str, Any]) -> dict[str, Any]:
    if own is None:  # its training and its cost are those of the seed that was tried
        same = {"train_time_s", "patterns_trained", "val_loss", "status", "error"}
        row = {name: value for name, value in other_seed.items() if name not in same}
        return {**row, "status": "stopped"}
    loss = best_so_far(own["val_loss"])
    row = {name: value for name, value in own.items() if name != "val_loss"}
    if own["status"] == "ok":
        return {**row, "status": "stopped", "rung_loss": loss}
    return row
