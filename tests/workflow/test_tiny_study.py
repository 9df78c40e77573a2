"""The smallest study that goes all the way from a scan to the plot: what `make quick` runs."""

import pandas as pd
import pytest

from tiny_study import FNO, TINY, Project

pytestmark = pytest.mark.xdist_group("workflow_tiny_study")

PLOT = "results/pareto_plot.png"
ONCE = {"simulate", "teach", "time_inference", "gather", "pareto_plot"}


def test_one_network_from_its_scan_to_the_plot(fresh: Project) -> None:
    fresh.configure(sweep=[{**TINY["sweep"][0], "architecture": ["fno"]}])
    assert fresh.build(PLOT) == ONCE | {f"train/{FNO}", f"evaluate/{FNO}"}
    (row,) = pd.read_csv(fresh["results/study_results.csv"]).to_dict("records")
    assert (row["run"], row["status"]) == (FNO, "ok")
    assert row["ssim_phase"] > row["ssim_phase_floor"]
    assert fresh[PLOT].stat().st_size > 10_000
    again = fresh.snakemake("--cores", "1", PLOT)
    assert "Nothing to be done" in again.stderr
