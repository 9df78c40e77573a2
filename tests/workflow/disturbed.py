"""A small study with trainings long enough to be disturbed, and the call that goes on with it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
from safetensors.numpy import load_file

import warm
from counts import LONG
from ptychopareto.config.columns import LATENCIES
from ptychopareto.files import read_json
from tiny_study import (
    FNO,
    HYBRID,
    ONE_THREAD,
    PATIENCE,
    PHYSICS,
    TABLE,
    TINY,
    Project,
    copy_of_project,
)

EPOCHS = 6
RUNS = (FNO, HYBRID, PHYSICS) if LONG else (FNO, PHYSICS)
# What a disturbed study has to make: its scores, or with the full counts its table.
RESULTS = [TABLE] if LONG else [f"results/runs/{run}/metrics.json" for run in RUNS]
# What no two undisturbed studies have in common either.
TIMES = [*LATENCIES, "peak_memory_mb", "train_time_s"]


def long_study(folder: Path) -> Project:
    """The tiny study with more and longer epochs: some seconds for each training."""
    project = copy_of_project(folder)
    project.configure(
        dataset={**TINY["dataset"], "size": 128, "scan_step_train": 4 if LONG else 6},
        sweep=TINY["sweep"] if LONG else _without_hybrid(TINY["sweep"]),
        training={"epochs": EPOCHS},
        classical={"epochs": [1]},
    )
    return project


def _without_hybrid(sweep: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**block, "architecture": ["fno"]} for block in sweep]


@dataclass
class Call:
    """What `make study` does: `unlock.py`, which has ended by now, and Snakemake."""

    process: subprocess.Popen[bytes] | warm.Running
    screen_file: Path

    def jobs(self) -> list[psutil.Process]:
        """The scripts of the jobs at work, and nothing else on this machine."""
        try:
            children = psutil.Process(self.process.pid).children()
            return [
                child for child in children if ".snakemake/scripts" in " ".join(child.cmdline())
            ]
        except psutil.NoSuchProcess:
            return []

    def work_done(self) -> float:
        """Seconds of computation by the jobs so far: a clock that runs as fast as the machine."""
        try:
            ended = psutil.Process(self.process.pid).cpu_times().children_user
        except psutil.NoSuchProcess:
            return 0.0
        total = float(ended)
        for job in self.jobs():
            with suppress(psutil.NoSuchProcess):
                total += job.cpu_times().user
        return total

    def end(self, timeout: float = 400) -> int:
        """Wait for Snakemake; its exit status."""
        return self.process.wait(timeout)

    def screen(self) -> str:
        return self.screen_file.read_text()


@contextmanager
def the_same_call(project: Project, *arguments: str, cold: bool = LONG) -> Iterator[Call]:
    """The call, in a session of its own; nothing of it is left when the block ends.

    A `cold` one and its jobs are started from nothing. A test needs that if jobs have to end with a
    killed Snakemake by themselves, or if it asks for their names or their work.
    """
    ready = project.script("workflow/unlock.py")
    assert ready.returncode == 0, ready.stderr
    screen = project["screen.txt"]
    options = ["--cores", "2", "--rerun-incomplete", *arguments]
    environment = {**os.environ, **ONE_THREAD}
    with open(screen, "wb") as stream, open(os.devnull) as nothing:
        process: subprocess.Popen[bytes] | warm.Running
        if cold or project.cold:
            process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *options],
                cwd=project.folder,
                env=environment,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        else:
            streams = [nothing.fileno(), stream.fileno(), stream.fileno()]
            command = ["snakemake", *options]
            process = warm.Running(command, project.folder, environment, streams, session=True)
    call = Call(process, screen)
    jobs: list[psutil.Process] = []
    try:
        yield call
        jobs = call.jobs()
    finally:
        for job in {*jobs, *call.jobs()}:
            with suppress(psutil.NoSuchProcess):  # it ended at this very moment
                job.kill()
        process.kill()
        process.wait()


def finish(project: Project, *arguments: str) -> str:
    """The same call, undisturbed; what it showed on the screen."""
    done = _called(project, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def fail(project: Project, *arguments: str) -> str:
    """The same call, which ends by itself without what it should make; what it showed.

    With the full counts it is started from nothing.
    """
    done = _called(replace(project, cold=LONG or project.cold), *arguments)
    assert done.returncode != 0, done.stderr
    return done.stdout + done.stderr


def _called(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    ready = project.script("workflow/unlock.py")
    assert ready.returncode == 0, ready.stderr
    return project.snakemake("--cores", "2", "--rerun-incomplete", *arguments, timeout=PATIENCE)


def results(project: Project) -> pd.DataFrame:
    """The results without what differs from one undisturbed study to the next."""
    if LONG:
        return pd.read_csv(project[TABLE]).drop(columns=TIMES)
    scores = pd.DataFrame([read_json(project[path]) for path in RESULTS], index=list(RUNS))
    return scores.drop(columns=TIMES, errors="ignore")


def assert_same_results(project: Project, undisturbed: Project) -> None:
    """Every number equal, of the results and of the histories, and the weights bit for bit."""
    pd.testing.assert_frame_equal(results(project), results(undisturbed), check_exact=True)
    for run in RUNS:
        ours, theirs = (of[f"results/runs/{run}"] for of in (project, undisturbed))
        losses = [pd.read_csv(of / "history.csv").drop(columns="seconds") for of in (ours, theirs)]
        pd.testing.assert_frame_equal(*losses, check_exact=True)
        assert_same_weights(ours / "model.safetensors", theirs / "model.safetensors")


def assert_same_weights(ours: Path, theirs: Path) -> None:
    """Bit for bit; the files differ in the time that the training took."""
    one, other = load_file(ours), load_file(theirs)
    assert one.keys() == other.keys()
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)


def log_of_training(project: Project, run: str) -> str:
    log = project[f"results/logs/train/{run}.log"]
    return log.read_text() if log.exists() else ""


def epochs_trained(log: str) -> list[int]:
    """The epochs whose end stands in the log of a training, in order."""
    return [int(epoch) for epoch in re.findall(r"epoch (\d+)/\d+  loss .* validation", log)]


def continued(log: str) -> int:
    """How often the training went on from its checkpoint."""
    return log.count("continuing from the checkpoint")


def assert_nothing_was_repeated(project: Project) -> None:
    """No epoch was trained twice, so no finished training was either."""
    for run in RUNS:
        epochs = epochs_trained(log_of_training(project, run))
        assert len(epochs) == len(set(epochs)), f"{run}: {epochs}"
        assert epochs == sorted(epochs), f"{run}: {epochs}"
