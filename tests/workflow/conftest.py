"""The tiny study: not yet run, finished, and finished copies to play with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tiny_study import Project, copy_of, copy_of_project, finished_study


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    """The project without results, and with the tiny study."""
    return copy_of_project(tmp_path / "project")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The tiny study, finished. Tests read it; those that change something take `project`."""
    return finished_study(tmp_path_factory)


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of the finished study, with the times of its files and Snakemake's records."""
    with copy_of(finished, tmp_path / "project") as copy:
        yield copy
