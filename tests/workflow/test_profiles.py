"""The profiles: what they ask of Snakemake, without a cluster and without a GPU."""

import shutil
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tiny_study import FNO, ROOT, RUNS, Project

pytestmark = pytest.mark.xdist_group("workflow_profiles")


def with_profile(project: Project, name: str) -> Project:
    shutil.copytree(ROOT / name, project[name])
    return project


@pytest.mark.parametrize("name", ["slurm", "gpu"])
def test_dry_run_needs_no_cluster(fresh: Project, name: str) -> None:
    shown = with_profile(fresh, name).snakemake("-n", "--profile", name)
    assert shown.returncode == 0, shown.stderr
    assert f"Training {FNO}" in shown.stdout


def test_no_cluster_is_said_in_one_line(fresh: Project) -> None:
    """Whether Slurm is not installed, or does not answer."""
    project = with_profile(fresh, "slurm")
    refused = project.snakemake("--profile", "slurm", SLURM_CONF="/dev/null")
    assert refused.returncode != 0
    (line,) = (line for line in refused.stderr.splitlines() if line.startswith("scontrol"))
    assert "failed: " in line or "is not there" in line
    assert "Traceback" not in refused.stderr
    assert not project["results/dataset"].exists()


def test_trainings_that_do_not_fit_together_run_one_by_one(project: Project) -> None:
    """In a finished study, all of them anew."""
    shutil.rmtree(project["results/logs"])
    with_profile(project, "gpu")
    profile = project["gpu/config.yaml"]
    profile.write_text(profile.read_text().replace("gpu_mem_mb=22000", "gpu_mem_mb=3000"))
    project.configure(device="auto")
    trained = [f"results/runs/{run}/model.safetensors" for run in RUNS]

    again = ("--forcerun", *trained, "--")
    done = project.snakemake("--profile", "gpu", "--cores", "3", *again, *trained)

    assert done.returncode == 0, done.stderr
    spans = sorted(_span(project[f"results/logs/train/{run}.log"]) for run in RUNS)
    assert all(start >= end for (_, end), (start, _) in pairwise(spans)), spans


def _span(log: Path) -> tuple[int, int]:
    """First and last second of a job."""
    _, date, clock, *_ = log.read_text().split()
    begun = time.strptime(f"{date} {clock}", "%Y-%m-%d %H:%M:%S")
    return int(time.mktime(begun)), int(log.stat().st_mtime)
