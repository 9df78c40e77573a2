"""One undisturbed study, which all disturbed ones must equal."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from disturbed import RESULTS, long_study
from tiny_study import PATIENCE, Project, built_once, copy_of


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The study, finished without a fault as far as its scores or its table. Tests only read it."""
    return built_once(
        "undisturbed",
        lambda folder: long_study(folder).build(*RESULTS, timeout=PATIENCE),
        tmp_path_factory,
    )


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Project]:
    """The same study, not yet begun."""
    project = long_study(tmp_path / "project")
    yield project
    shutil.rmtree(project.folder)


@pytest.fixture
def scanned(study: Project, undisturbed: Project) -> Project:
    """The same study with its scan and its teacher: no training has begun."""
    study.take_scan(undisturbed)
    return study


@pytest.fixture
def finished(undisturbed: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of the finished study, with the times of its files and Snakemake's records."""
    with copy_of(undisturbed, tmp_path / "project") as copy:
        yield copy
