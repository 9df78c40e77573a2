"""The lock of a study that was killed, and of one that still runs."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tiny_study import Project

LOCK = ".snakemake/locks/0.input.lock"


@contextmanager
def at_work(project: Project, script: str) -> Iterator[int]:
    """A process that runs a script of this name in the folder, until the block ends."""
    path = project[script]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("input()")
    command = [sys.executable, str(path)]
    with subprocess.Popen(command, cwd=project.folder, stdin=subprocess.PIPE, text=True) as process:
        yield process.pid
        process.communicate("the end\n")


@pytest.fixture
def locked(fresh: Project) -> Project:
    fresh[LOCK].parent.mkdir(parents=True)
    fresh[LOCK].write_text("results/pareto_plot.png\n")
    return fresh


def test_lock_of_a_killed_study_is_removed(locked: Project) -> None:
    assert locked.snakemake("--cores", "1", "-R", "all").returncode != 0
    unlocked = locked.python("workflow/unlock.py")
    assert unlocked.returncode == 0, unlocked.stderr
    assert "continues where it stopped" in unlocked.stdout
    assert not locked[LOCK].exists()


def test_lock_of_a_running_study_stays(locked: Project) -> None:
    with at_work(locked, "bin/snakemake") as pid:
        refused = locked.python("workflow/unlock.py")
    assert refused.returncode == 1
    assert f"process {pid}" in refused.stderr
    assert locked[LOCK].exists()


def test_running_study_without_a_lock_is_seen(fresh: Project) -> None:
    """As after `snakemake partial` beside it, which takes all locks of the folder away."""
    with at_work(fresh, "bin/snakemake") as pid:
        refused = fresh.python("workflow/unlock.py")
    assert refused.returncode == 1
    assert f"process {pid}" in refused.stderr


def test_last_jobs_of_a_killed_study_are_waited_for(locked: Project) -> None:
    with at_work(locked, ".snakemake/scripts/tmp1234.train.py") as pid:
        command = [sys.executable, "workflow/unlock.py"]
        unlock = subprocess.Popen(command, cwd=locked.folder, stdout=subprocess.PIPE, text=True)
        assert unlock.stdout is not None
        assert f"(process {pid})" in unlock.stdout.readline()
        assert locked[LOCK].exists()
    assert "continues where it stopped" in unlock.communicate(timeout=60)[0]
    assert unlock.returncode == 0
    assert not locked[LOCK].exists()


def test_what_only_looks_like_snakemake_is_no_study(locked: Project) -> None:
    with at_work(locked, "bin/editor-of-snakemake"):
        assert locked.python("workflow/unlock.py").returncode == 0


def test_what_a_killed_job_was_writing_is_removed(fresh: Project) -> None:
    names = [f".{'0123456789abcdef' * 2}{suffix}" for suffix in (".npz", ".pt", "")]
    kept = [".gitkeep", "model.safetensors", ".snakemake_timestamp"]
    folder = fresh["results/runs/one"]
    folder.mkdir(parents=True)
    for name in [*names, *kept]:
        (folder / name).touch()
        os.utime(folder / name, (time.time() - 7200,) * 2)
    now = folder / f".{'f' * 32}.npz"
    now.touch()
    assert fresh.python("workflow/unlock.py").returncode == 0
    assert {path.name for path in folder.iterdir()} == {now.name, *kept}


def test_free_folder_is_left_alone(fresh: Project) -> None:
    free = fresh.python("workflow/unlock.py")
    assert (free.returncode, free.stdout, free.stderr) == (0, "", "")
