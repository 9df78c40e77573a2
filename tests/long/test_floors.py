"""The ranges of pyproject.toml, tried: a tiny study with the oldest versions, and the newest."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tiny_study import ROOT, Project, copy_of_project

pytestmark = pytest.mark.xdist_group("long_floors")

INSTALL_MINUTES, STUDY_MINUTES = 60, 15
NEWEST_PYTHON = "python3.13"


def requirements() -> list[Requirement]:
    """What the library and its workflow need, as pyproject.toml ranges it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = project["dependencies"] + project["optional-dependencies"]["workflow"]
    return [Requirement(text) for text in texts]


def oldest(requirement: Requirement) -> str:
    """The requirement at its lower bound."""
    (floor,) = (spec.version for spec in requirement.specifier if spec.operator == ">=")
    return f"{requirement.name}=={floor}"


def installed(folder: Path, interpreter: str, wanted: list[str]) -> Path:
    """The Python of a new virtual environment in `folder` with these packages."""
    subprocess.run([interpreter, "-m", "venv", folder], check=True, timeout=300)
    python = folder / "bin" / "python"
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", *wanted],
        capture_output=True,
        text=True,
        timeout=60 * INSTALL_MINUTES,
    )
    assert done.returncode == 0, done.stderr
    return python


def run_tiny_study(project: Project, python: Path) -> None:
    """The whole tiny study, with a scenario, run by the interpreter given."""
    project.configure(scenarios=[{"name": "dim", "photons": 1.0e5}])
    done = subprocess.run(
        [python, "-m", "snakemake", "--cores", "2"],
        cwd=project.folder,
        capture_output=True,
        text=True,
        timeout=60 * STUDY_MINUTES,
    )
    assert done.returncode == 0, done.stderr
    assert project["results/index.html"].is_file()
    assert project["results/robustness.png"].is_file()


@pytest.mark.long
def test_a_tiny_study_runs_with_the_oldest_versions(tmp_path: Path) -> None:
    wanted = [oldest(requirement) for requirement in requirements()]
    python = installed(tmp_path / "oldest", sys.executable, wanted)
    run_tiny_study(copy_of_project(tmp_path / "study"), python)


@pytest.mark.long
def test_a_tiny_study_runs_with_the_newest_versions(tmp_path: Path) -> None:
    interpreter = shutil.which(NEWEST_PYTHON)
    # A version manager may have a command of that name which only says that it is not chosen.
    if interpreter is None or subprocess.run([interpreter, "-V"], capture_output=True).returncode:
        pytest.skip(f"{NEWEST_PYTHON} is not installed on this machine")
    wanted = [str(requirement) for requirement in requirements()]
    python = installed(tmp_path / "newest", interpreter, wanted)
    run_tiny_study(copy_of_project(tmp_path / "study"), python)


def test_the_workflow_wants_the_snakemake_of_the_lower_bound() -> None:
    (floor,) = (oldest(one) for one in requirements() if one.name == "snakemake")
    assert f'min_version("{floor.partition("==")[2]}")' in (ROOT / "Snakefile").read_text()
