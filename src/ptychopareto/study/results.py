"""Where the runs of a study, and what is measured beside them, leave their results."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptychopareto.files import (
    Dataset,
    FileError,
    check_types,
    read_dataset,
    read_json,
    shortened,
)
from ptychopareto.study.runs import Run

ENGINES = ("rpie", "lsqml")  # those of classical reconstructions
# What is known of latencies before the job that measures them has run.
NO_TIMING: dict[str, Any] = {
    "machine": {},
    "models": {},
    "engine": dict.fromkeys(("scored_fraction", "stitch_s", "setup_s", "epoch_s"), float("nan")),
}


@dataclass(frozen=True)
class Results:
    """The results of a study, finished or not, in a folder."""

    folder: Path
    runs: tuple[Run, ...]

    def of_runs(self, name: str) -> dict[str, Path]:
        """A file of each run, by the run's id, whether it is there or not."""
        return {run.id: self.folder / "runs" / run.id / name for run in self.runs}

    def timing(self) -> dict[str, Any]:
        """What `timing.json` holds; before it is there, that nothing is known."""
        path = self.folder / "timing.json"
        return read_timing(path) if path.exists() else NO_TIMING

    def classical_steps(self) -> list[dict[str, Any]]:
        """The scores of rPIE from a flat start; none before they are there."""
        path = self.folder / "classical.json"
        return read_steps(path) if path.exists() else []

    def best_epochs(self) -> int | None:
        """After how many epochs rPIE stops early; None before it is known."""
        path = self.folder / "classical.json"
        return read_best_epochs(path) if path.exists() else None

    def test_scan(self) -> Dataset | None:
        """The scan that is scored; None before it is there."""
        path = self.folder / "dataset" / "test.npz"
        return read_dataset(path) if path.exists() else None


def read_timing(path: Path) -> dict[str, Any]:
    """Read a ``timing.json``: `machine`, `models` and `engine`, whose numbers may be None.

    Raises:
        FileError: the file is damaged, or something is missing or of another type.
    """
    timing = read_json(path)
    for name in NO_TIMING:
        if not isinstance(timing.get(name), dict):
            raise FileError(f"{path}: has no section {name}; {', '.join(NO_TIMING)} are wanted")
    check_types(path, timing["machine"], {"device": str})
    for name, latencies in timing["models"].items():
        if not isinstance(latencies, dict):
            raise FileError(f"{path}: models.{name!r} is no section; latencies are wanted")
        check_types(path, latencies, dict.fromkeys(latencies, float))
    for name in NO_TIMING["engine"]:
        if timing["engine"].get(name) is None:
            raise FileError(f"{path}: engine has no {name}; it is needed")
    check_types(path, timing["engine"], dict.fromkeys(NO_TIMING["engine"], float))
    return timing


def read_best_epochs(path: Path) -> int | None:
    """Read the `best_epochs` of a ``classical.json``: where rPIE stops early, if that is known.

    Raises:
        FileError: the file is damaged, or the number is none.
    """
    content = read_json(path)
    check_types(path, content, {"best_epochs": int})
    best: int | None = content.get("best_epochs")
    return best


def read_steps(path: Path) -> list[dict[str, Any]]:
    """Read the `steps` of a ``classical.json`` or ``refinement.json``: `epochs` and measures.

    Raises:
        FileError: the file is damaged, or a step is not a whole number of epochs with measures
            that are numbers or None, or its engine is unknown.
    """
    steps = read_json(path).get("steps")
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise FileError(f"{path}: has no list of steps; that of a study is wanted")
    for step in steps:
        check_types(path, step, {**dict.fromkeys(step, float), "epochs": int, "engine": str})
        if step.get("epochs") is None or step["epochs"] < 0:
            raise FileError(f"{path}: has a step without epochs; a number of at least 0 is wanted")
        if (step.get("engine") or ENGINES[0]) not in ENGINES:
            named, wanted = shortened(step["engine"]), " or ".join(ENGINES)
            raise FileError(f"{path}: has a step of engine {named}; {wanted} is wanted")
    return steps
