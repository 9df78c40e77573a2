"""A study of 54 runs through `--profile slurm` on a real Slurm, one of them made to diverge."""

import re

import pandas as pd
import pytest

from slurm import Cluster
from tiny_study import Project

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.long]

GRID = {
    "architecture": ["fno", "hybrid"],
    "input_transform": ["none", "log1p", "sqrt"],
    "modes": [2, 3, 4],
    "width": [2, 3, 4],
    "supervision": ["teacher"],
}
PLOT = "results/pareto_plot.png"
DIVERGING = "hybrid_tlog1p_m3_w3_teacher_s0"
# One network of the grid gives NaN from its first step on.
NOT_FINITE = """

_build = build


def build(config):
    network = _build(config)
    point = (config.architecture, config.input_transform, config.modes, config.width)
    if point == ("hybrid", "log1p", 3, 3):
        network.register_forward_hook(lambda module, given, result: result * float("nan"))
    return network
"""


@pytest.fixture(scope="module")
def study(cluster: Cluster, cluster_project: Project) -> tuple[Project, str]:
    """The finished study, and what Snakemake said."""
    cluster_project.configure(sweep=[GRID], device="auto")
    cluster_project.append("src/ptychopareto/learning/training.py", NOT_FINITE)
    done = cluster_project.snakemake("--profile", "slurm", PLOT, timeout=1500)
    assert done.returncode == 0, done.stderr[-3000:]
    return cluster_project, done.stderr


def test_one_of_54_runs_diverges_and_the_others_do_not(study: tuple[Project, str]) -> None:
    project, said = study
    table = pd.read_csv(project["results/study_results.csv"], index_col="run")
    assert len(table) == 54
    assert list(table.index[table["status"] == "diverged"]) == [DIVERGING]
    assert (table["status"] == "ok").sum() == 53
    assert "non-finite" in table.loc[DIVERGING, "error"]
    assert table["ssim_phase"].notna().sum() == 53
    (line,) = (line for line in said.splitlines() if "53 of 54 runs are ok" in line)
    assert DIVERGING in line


def test_short_trainings_share_jobs(study: tuple[Project, str]) -> None:
    """54 trainings and evaluations in 7 jobs; simulation, teacher and timing in one each."""
    _, said = study
    assert len(re.findall("submitted with SLURM jobid", said)) == 7 + 3


def test_every_training_ran_once_and_its_log_is_where_one_looks(study: tuple[Project, str]) -> None:
    project, _ = study
    logs = list(project["results/logs/train"].glob("*.log"))
    assert len(logs) == 54
    assert all(log.read_text().count("done in") == 1 for log in logs)
    assert len(list(project["results/logs/slurm"].rglob("*.log"))) == 7 + 3


def test_a_second_call_has_nothing_to_do(study: tuple[Project, str]) -> None:
    project, _ = study
    again = project.snakemake("--profile", "slurm", PLOT)
    assert again.returncode == 0
    assert "Nothing to be done" in again.stderr
