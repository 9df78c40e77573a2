"""The records of a search at its rungs: who got there, who went on, who is trained to the end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptychopareto.files import FileError
from ptychopareto.files.records import Line, Record, read_record
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
