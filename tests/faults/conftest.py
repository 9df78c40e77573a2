"""One undisturbed study, which all disturbed ones must equal."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from disturbed import TABLE, finish, long_study
from tiny_study import Project


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The study, finished without a fault as far as its table. Tests only read it."""
    project = long_study(tmp_path_factory.mktemp("undisturbed") / "project")
    finish(project, TABLE)
    return project


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Project]:
    """The same study, not yet begun."""
    project = long_study(tmp_path / "project")
    yield project
    shutil.rmtree(project.folder)


@pytest.fixture
def finished(undisturbed: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of the finished study, with the times of its files and Snakemake's records."""
    copy = Project(tmp_path / "project")
    shutil.copytree(undisturbed.folder, copy.folder)
    yield copy
    shutil.rmtree(copy.folder)
