"""A search through `--profile slurm` on a real Slurm: the same decisions, the same table."""

import pandas as pd
import pytest

from search_study import (
    CONFIGURATIONS,
    GRID,
    PATIENCE,
    SEARCH,
    TABLE,
    finished_search,
    table_of,
    verdicts,
)
from slurm import Cluster
from tiny_study import Project

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.long]


def test_search_on_a_cluster_gives_the_same_table(
    cluster: Cluster, impatient_project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    without = finished_search(tmp_path_factory)
    project = impatient_project
    project.configure(**GRID, search=SEARCH)
    done = project.snakemake("--profile", "slurm", TABLE, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr[-3000:]
    assert verdicts(project) == verdicts(without)
    pd.testing.assert_frame_equal(table_of(project), table_of(without), check_exact=True)
    # Each rung is a batch: its short trainings share a job.
    logs = list(project["results/logs/rung_1"].glob("*.log"))
    assert {log.stem for log in logs} == {f"{name}_s0" for name in CONFIGURATIONS}
    again = project.snakemake("--profile", "slurm", TABLE, timeout=PATIENCE)
    assert "Nothing to be done" in again.stderr
