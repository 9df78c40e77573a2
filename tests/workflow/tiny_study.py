"""A tiny study in a folder of its own, and what a test asks the real Snakemake about it."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import source_text
import warm
from counts import LONG

ROOT = Path(__file__).resolve().parents[2]

FNO, HYBRID = "fno_tnone_m4_w4_teacher_s0", "hybrid_tnone_m4_w4_teacher_s0"
PHYSICS = "fno_tnone_m4_w4_physics_s0"
RUNS = (FNO, HYBRID, PHYSICS)

AXES = {"input_transform": ["none"], "modes": [4], "width": [4]}
TINY: dict[str, Any] = {
    "dataset": {"N": 32, "size": 96, "scan_step_train": 8, "scan_step_test": 16},
    "teacher": {"epochs": 2},
    "sweep": [
        {"architecture": ["fno", "hybrid"], "supervision": ["teacher"], **AXES},
        {"architecture": ["fno"], "supervision": ["physics"], **AXES},
    ],
    "seeds": [0],
    "training": {"epochs": 1},
    "device": "cpu",
}
TABLE = "results/study_results.csv"
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
PATIENCE = 1500  # seconds for a study on a busy machine
# Latencies are measured in rounds, which take as long as the trainings of such a study.
ROUNDS = {
    "src/ptychopareto/assessment/engine_timing.py": "ROUNDS = 5\n",
    "workflow/scripts/time_untrained.py": "ROUNDS = 2\n",
}
# All that a study makes but the plot of its front, and the page that shows it.
BESIDE_THE_FRONT = (
    *(TABLE, "results/refinement.csv", "results/recommended", "results/dataset/dataset.png"),
    *(f"results/{name}.png" for name in ("gallery", "quality_vs_time", "break_even_plot")),
    *(f"results/{name}.png" for name in ("marginals", "training_curves")),
)


@dataclass(frozen=True)
class Project:
    """A copy of the project in a folder of its own, with a config of its own.

    Its calls of Snakemake and their jobs are forks of a process that has imported what they need
    (see `warm`); those of a `cold` one are started from nothing.
    """

    folder: Path
    cold: bool = sys.platform != "linux"  # elsewhere a fork is not sure to work with what it has

    def configure(self, **sections: Any) -> None:
        """Write the tiny study as config.yaml, with these sections instead of its own."""
        text = yaml.safe_dump({**TINY, **sections}, sort_keys=False)
        self["config.yaml"].write_text(text)

    def __getitem__(self, path: str) -> Path:
        return self.folder / path

    def append(self, path: str, text: str) -> None:
        """Add lines to a file."""
        with open(self[path], "a") as stream:
            stream.write(text)

    def snakemake(
        self, *arguments: str, timeout: float = 300, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Call Snakemake in the folder, as a user would."""
        if self.cold:
            return self.python("-m", "snakemake", *arguments, timeout=timeout, **environment)
        command = ["snakemake", *arguments]
        return warm.run(command, self.folder, {**os.environ, **ONE_THREAD, **environment}, timeout)

    def script(self, path: str) -> subprocess.CompletedProcess[str]:
        """Run a script in the folder."""
        if self.cold:
            return self.python(path)
        return warm.run([path], self.folder, {**os.environ, **ONE_THREAD}, timeout=300)

    def take_scan(self, finished: "Project") -> None:
        """Take the scan and the teacher of a finished study of the same settings."""
        for folder in ("results/dataset", ".snakemake"):
            shutil.copytree(finished[folder], self[folder], dirs_exist_ok=True)

    def python(
        self, *arguments: str, timeout: float = 300, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, **ONE_THREAD, **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Snakemake at work in the folder until the block ends, at the latest.

        What it says goes to `snakemake.log` there.
        """
        command = [sys.executable, "-m", "snakemake", *arguments]
        environment = {**os.environ, **ONE_THREAD}
        with (
            open(self["snakemake.log"], "wb") as said,
            subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=said, stderr=said
            ) as process,
        ):
            try:
                yield process
            finally:
                process.kill()

    def build(self, *targets: str, cores: int = 2, timeout: float = 300) -> set[str]:
        """Let Snakemake make the targets; return the jobs it did."""
        before = self._times_of_logs()
        done = self.snakemake("--cores", str(cores), *targets, timeout=timeout)
        assert done.returncode == 0, done.stderr
        return {job for job, time in self._times_of_logs().items() if time != before.get(job)}

    def plan(self, *arguments: str) -> set[str]:
        """The jobs that Snakemake would do now: `gather`, `train/fno_...`, ..."""
        listed = self.snakemake("--summary", *arguments)
        assert listed.returncode == 0, listed.stderr
        header, *rows = (line.split("\t") for line in listed.stdout.splitlines())
        files: list[Mapping[str, str]] = [dict(zip(header, row, strict=True)) for row in rows]
        return {
            _job(file["rule"], Path(file["output_file"]))
            for file in files
            if file["plan"] != "no update"
        }

    def _times_of_logs(self) -> dict[str, int]:
        root = self["results/logs"]
        return {
            str(log.relative_to(root).with_suffix("")): log.stat().st_mtime_ns
            for log in root.rglob("*.log")
        }


def _job(rule: str, output: Path) -> str:
    return f"{rule}/{output.parent.name}" if "runs" in output.parts else rule


def copy_of_project(folder: Path, cold: bool = Project.cold) -> Project:
    """The project without results, and with the tiny study as its config.

    What Python and `source_text` have kept of the sources comes along: it says itself of which.
    """
    folder.mkdir()
    for name in ("src", "workflow"):
        for source in (ROOT / name).rglob("*.py"):
            source_text.read(source)
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "Snakefile", folder)
    project = Project(folder, cold)
    project.configure()
    if not LONG:
        for path, rounds in ROUNDS.items():
            text = project[path].read_text()
            assert rounds in text
            project[path].write_text(text.replace(rounds, "ROUNDS = 1\n"))
    return project


def built_once(
    name: str, build: Callable[[Path], object], factory: pytest.TempPathFactory
) -> Project:
    """The project that `build` makes in the folder given to it.

    The processes of one test run share it: the first that asks builds it, the others wait.
    """
    base = factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    shared.mkdir(exist_ok=True)
    project = Project(shared / "project")
    with open(shared / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "complete").exists():
            shutil.rmtree(project.folder, ignore_errors=True)  # of a build that failed
            build(project.folder)
            (shared / "complete").touch()
    return project


def finished_study(factory: pytest.TempPathFactory) -> Project:
    """The tiny study, finished. Tests only read it.

    Its plot and its page are made by processes that were started from nothing, as a user starts
    them. Those before its table are started so in `tests/faults`; in `make test-long` all are.
    """

    def build(folder: Path) -> None:
        project = copy_of_project(folder, cold=LONG)
        project.build(*BESIDE_THE_FRONT, timeout=PATIENCE)
        replace(project, cold=True).build(timeout=PATIENCE)

    return built_once("finished", build, factory)


@contextmanager
def copy_of(project: Project, folder: Path) -> Iterator[Project]:
    """A copy with the times of its files and Snakemake's records, to change something in."""
    copy = Project(folder)
    shutil.copytree(project.folder, copy.folder)
    yield copy
    shutil.rmtree(copy.folder)
