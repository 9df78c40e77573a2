"""Where the runs of a study, and what is measured beside them, leave their results."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptychopareto.files import Dataset, read_dataset, read_json
from ptychopareto.study.runs import Run

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
        return read_json(path) if path.exists() else NO_TIMING

    def classical_steps(self) -> list[dict[str, Any]]:
        """The scores of rPIE from a flat start; none before they are there."""
        path = self.folder / "classical.json"
        return list(read_json(path)["steps"]) if path.exists() else []

    def test_scan(self) -> Dataset | None:
        """The scan that is scored; None before it is there."""
        path = self.folder / "dataset" / "test.npz"
        return read_dataset(path) if path.exists() else None
