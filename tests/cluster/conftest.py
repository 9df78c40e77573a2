"""A real Slurm on this machine, and the project with its profile."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from slurm import Cluster
from tiny_study import ROOT, Project, copy_of_project


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
def fresh_cluster_project(tmp_path: Path) -> Project:
    """The project of one test."""
    return _project(tmp_path / "project")
