"""A real Slurm on this machine, and the project with its profile."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from slurm import Cluster
from tiny_study import ROOT, Project, copy_of_project

# Seconds from the submission of a job to the first look at it: jobs of tests are short.
PATIENT = "slurm-init-seconds-before-status-checks: 20"
IMPATIENT = "slurm-init-seconds-before-status-checks: 5"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if not (shutil.which("slurmctld") and shutil.which("munged") and os.geteuid() == 0):
        reason = "needs root and Slurm: bash tests/cluster/install.sh"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("cluster")
    folder.parent.chmod(0o755)
    started = Cluster(folder)
    started.start()
    yield started
    started.stop()


def _project(folder: Path) -> Project:
    """The project with its profile for Slurm, without results."""
    project = copy_of_project(folder, cold=True)
    shutil.copytree(ROOT / "slurm", project["slurm"])
    return project


@pytest.fixture(scope="module")
def cluster_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project of all tests of a module."""
    return _project(tmp_path_factory.mktemp("study") / "project")


@pytest.fixture
def impatient_project(tmp_path: Path) -> Project:
    """The project of one test, whose profile asks sooner what became of a job."""
    project = _project(tmp_path / "project")
    profile = project["slurm/config.yaml"]
    as_it_comes = profile.read_text()
    assert PATIENT in as_it_comes
    profile.write_text(as_it_comes.replace(PATIENT, IMPATIENT))
    return project


@pytest.fixture
def fresh_cluster_project(tmp_path: Path) -> Project:
    """The project of one test."""
    return _project(tmp_path / "project")
