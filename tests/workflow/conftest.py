"""The tiny study: not yet run, finished, and finished copies to play with."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tiny_study import Project, copy_of_project


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    """The project without results, and with the tiny study."""
    return copy_of_project(tmp_path / "project")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The tiny study, finished. Tests read it; those that change something take `project`.

    The processes of one test run share it: the first that asks builds it, the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished_study"
    shared.mkdir(exist_ok=True)
    project = Project(shared / "project")
    with open(shared / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "complete").exists():
            shutil.rmtree(project.folder, ignore_errors=True)  # of a build that failed
            copy_of_project(project.folder).build()
            (shared / "complete").touch()
    return project


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of the finished study, with the times of its files and Snakemake's records."""
    copy = Project(tmp_path / "project")
    shutil.copytree(finished.folder, copy.folder)
    yield copy
    shutil.rmtree(copy.folder)
