"""A home folder in which nobody can write, as on the nodes of some clusters."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from counts import LONG
from mounts import small_disk
from ptychopareto.files import read_json
from tiny_study import PATIENCE, PHYSICS, TINY, Project, copy_of_project, finished_study

pytestmark = pytest.mark.xdist_group("faults_read_only_home")

# What draws with matplotlib and computes with torch: one evaluation, or with the full counts all.
SCORES = f"results/runs/{PHYSICS}/metrics.json"
TARGETS = (SCORES, "results/pareto_plot.png") if LONG else (SCORES,)
# Variables that name other places for what programs keep in the home folder.
PLACES = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MPLCONFIGDIR", "TORCH_HOME")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The tiny study, finished, with a home folder as it is: wider fixtures come first."""
    return finished_study(tmp_path_factory)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home folder of what the test calls. A mode would not keep root from writing."""
    home = tmp_path / "home"
    home.mkdir()
    for name in PLACES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    if os.geteuid() == 0:
        with small_disk(home, "ro"):
            yield home
    else:
        home.chmod(0o555)
        yield home


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One run, whose jobs are started from nothing: forks have their caches from elsewhere."""
    project = copy_of_project(tmp_path / "project", cold=True)
    project.configure(sweep=[TINY["sweep"][1]])
    return project


def test_a_study_needs_no_more_than_a_cache_elsewhere(
    whole: Project, home: Path, project: Project, tmp_path: Path
) -> None:
    """It begins with its training, or with the full counts with its scan."""
    if not LONG:
        project.take_scan(whole)
    cache = str(tmp_path / "cache")
    call = ("--cores", "2", *TARGETS)
    done = project.snakemake(*call, timeout=PATIENCE, **{"XDG_CACHE_HOME": cache})
    assert done.returncode == 0, done.stderr
    assert read_json(project[SCORES])["status"] == "ok"
    assert project[f"results/runs/{PHYSICS}/reconstruction.png"].stat().st_size > 10_000
    assert not list(home.iterdir())


def test_without_it_snakemake_names_the_folder(home: Path, project: Project) -> None:
    """In a traceback, before it has read a line of ours: docs/cluster.md says what to do."""
    refused = project.snakemake("-n", SCORES)
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert f"'{home / '.cache'}'" in said, "does Snakemake still need a cache? See docs/cluster.md"
    assert not project["results"].exists()
