"""The smallest study that goes all the way from a scan to the plot: what `make quick` runs."""

import numpy as np
import pandas as pd
import pytest

from ptychopareto.files import read_dataset
from ptychopareto.models.registry import load_model
from ptychopareto.models.trained_on import TrainedOn
from ptychopareto.physics.registration import input_magnification
from tiny_study import FNO, TINY, Project

pytestmark = pytest.mark.xdist_group("workflow_tiny_study")

PLOT = "results/pareto_plot.png"
ONCE = {"simulate", "teach", "time_inference", "gather", "pareto_plot"}


def trained_on(project: Project) -> TrainedOn:
    """What the file of the one network says of its training scan."""
    return TrainedOn.in_record(load_model(project[f"results/runs/{FNO}/model.safetensors"])[2])


def test_one_network_from_its_scan_to_the_plot(fresh: Project) -> None:
    fresh.configure(sweep=[{**TINY["sweep"][0], "architecture": ["fno"]}])
    assert fresh.build(PLOT) == ONCE | {f"train/{FNO}", f"evaluate/{FNO}"}
    (row,) = pd.read_csv(fresh["results/study_results.csv"]).to_dict("records")
    assert (row["run"], row["status"]) == (FNO, "ok")
    assert row["ssim_phase"] > row["ssim_phase_floor"]
    assert fresh[PLOT].stat().st_size > 10_000
    known = trained_on(fresh)
    scan = read_dataset(fresh["results/dataset/train.npz"])
    counts = np.square(scan.intensity_scale * np.asarray(scan.diffraction, np.float64))
    assert known.counts == pytest.approx(float(counts.sum((1, 2)).mean()), rel=1e-4)
    assert known.shadow == input_magnification(scan.probe, "auto")
    again = fresh.snakemake("--cores", "1", PLOT)
    assert "Nothing to be done" in again.stderr
