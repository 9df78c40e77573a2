"""Where the runs of a study, and what is measured beside them, leave their results."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Field

from ptychopareto.files import Dataset, read_dataset
from ptychopareto.files.records import Line, Record, read_record
from ptychopareto.study.runs import Run

Engine = Literal["rpie", "lsqml"]  # those of classical reconstructions
ENGINES: tuple[str, ...] = get_args(Engine)
# The content of timing.json before the job that measures latencies has run.
NO_TIMING: dict[str, Any] = {
    "machine": {},
    "models": {},
    "engine": dict.fromkeys(("scored_fraction", "stitch_s", "setup_s", "epoch_s"), float("nan")),
}


class _Machine(Record):
    device: Line | None = None


class _EngineTimes(Record):
    scored_fraction: float
    stitch_s: float
    setup_s: float
    epoch_s: float


class _Timing(Record):
    machine: _Machine
    models: dict[str, dict[str, float | None]]
    engine: _EngineTimes


class _Step(Record):
    """A step: what it does not name is a measure."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float | None]

    epochs: Annotated[int, Field(ge=0)]
    engine: Engine | None = None


class _Steps(Record):
    steps: list[_Step]


class _Classical(Record):
    best_epochs: int | None = None


@dataclass(frozen=True)
class Results:
    """The results of a study, finished or not, in a folder.

    Attributes
    ----------
    folder : Path
        The folder, such as ``results``.
    runs : tuple of Run
        The runs of the study, in grid order.
    """

    folder: Path
    runs: tuple[Run, ...]

    def of_runs(self, name: str) -> dict[str, Path]:
        """Return the path of a file of each run, by the run's id, whether it is there or not."""
        return {run.id: self.folder / "runs" / run.id / name for run in self.runs}

    def timing(self) -> dict[str, Any]:
        """Return the content of `timing.json`; before it is there, `NO_TIMING`."""
        path = self.folder / "timing.json"
        return read_timing(path) if path.exists() else NO_TIMING

    def classical_steps(self) -> list[dict[str, Any]]:
        """Return the scores of rPIE from a flat start; none before they are there."""
        path = self.folder / "classical.json"
        return read_steps(path) if path.exists() else []

    def best_epochs(self) -> int | None:
        """Return the number of epochs after which rPIE stops early; None before it is known."""
        path = self.folder / "classical.json"
        return read_best_epochs(path) if path.exists() else None

    def training_scan(self) -> Dataset | None:
        """Return the scan that is trained on; None before it is there."""
        path = self.folder / "dataset" / "train.npz"
        return read_dataset(path) if path.exists() else None

    def test_scan(self) -> Dataset | None:
        """Return the scan that is scored; None before it is there."""
        path = self.folder / "dataset" / "test.npz"
        return read_dataset(path) if path.exists() else None


def read_timing(path: Path) -> dict[str, Any]:
    """Read a ``timing.json``: `machine`, `models` and `engine`.

    Raises
    ------
    FileError
        The file is damaged, or something is missing or of another type. A latency of a network may
        be None, not measured.
    """
    return read_record(path, _Timing)


def read_best_epochs(path: Path) -> int | None:
    """Read the `best_epochs` of a ``classical.json``: where rPIE stops early, if that is known.

    Raises
    ------
    FileError
        The file is damaged, or the number is none.
    """
    best: int | None = read_record(path, _Classical).get("best_epochs")
    return best


def read_steps(path: Path) -> list[dict[str, Any]]:
    """Read the `steps` of a ``classical.json`` or ``refinement.json``: `epochs` and measures.

    Raises
    ------
    FileError
        The file is damaged, or a step is not a whole number of epochs with measures that are
        numbers or None, or its engine is unknown.
    """
    steps: list[dict[str, Any]] = read_record(path, _Steps)["steps"]
    return steps
