"""The lock of a study that was killed, and of one that still runs."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tiny_study import Project

LOCK = ".snakemake/locks/0.input.lock"


@contextmanager
def snakemake_at_work(project: Project) -> Iterator[int]:
    """A process that looks like Snakemake at work in the folder."""
    command = [sys.executable, "-c", "input() # snakemake"]
    with subprocess.Popen(command, cwd=project.folder, stdin=subprocess.PIPE) as process:
        yield process.pid


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
    with snakemake_at_work(locked) as pid:
        refused = locked.python("workflow/unlock.py")
    assert refused.returncode == 1
    assert f"process {pid}" in refused.stderr
    assert locked[LOCK].exists()


def test_running_study_without_a_lock_is_seen(fresh: Project) -> None:
    """As after `snakemake partial` beside it, which takes all locks of the folder away."""
    with snakemake_at_work(fresh) as pid:
        refused = fresh.python("workflow/unlock.py")
    assert refused.returncode == 1
    assert f"process {pid}" in refused.stderr


def test_free_folder_is_left_alone(fresh: Project) -> None:
    free = fresh.python("workflow/unlock.py")
    assert (free.returncode, free.stdout, free.stderr) == (0, "", "")
