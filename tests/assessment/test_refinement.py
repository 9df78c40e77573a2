from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ptychopareto.assessment.classical import classical, scores, trajectory
from ptychopareto.assessment.evaluation import evaluate_run
from ptychopareto.assessment.refinement import refined
from ptychopareto.assessment.wholes import Wholes
from ptychopareto.files import Dataset
from ptychopareto.models.registry import NetworkConfig, build, save_model
from ptychopareto.reconstruction.reconstruct import Predictions

CPU = torch.device("cpu")
CONFIG = NetworkConfig("fno", "none", modes=4, width=4, N=32, transmission=0.7)


def saved(folder: Path, status: str = "ok") -> Path:
    torch.manual_seed(0)
    record = {"status": status, "error": ""}
    save_model(folder / "model.safetensors", build(CONFIG), CONFIG, record)
    return folder / "model.safetensors"


def test_classical_quality_grows(small_scan: tuple[Dataset, Dataset]) -> None:
    test = small_scan[1]
    rows = scores(classical(test, [1, 5, 30], 0.1, CPU), test)
    assert [row["epochs"] for row in rows] == [1, 5, 30]
    qualities = [row["ssim_phase"] for row in rows]
    assert qualities == sorted(qualities)
    assert qualities[-1] > 0.9


def test_zero_epochs_are_the_network_alone(
    small_scan: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    test = small_scan[1]
    _, reconstruction, wholes = evaluate_run(saved(tmp_path), test, CPU)
    steps = refined(wholes, test, [0, 2], 0.1)
    assert [step.epochs for step in steps] == [0, 2]
    np.testing.assert_array_equal(steps[0].image, reconstruction)
    assert not np.allclose(steps[0].image, steps[1].image)


def test_refinement_continues_where_it_stopped(small_scan: tuple[Dataset, Dataset]) -> None:
    """A true object stays the true object, up to photon noise."""
    test = small_scan[1]
    truth = torch.from_numpy(test.objects[0])
    (step,) = trajectory(test, Wholes(truth, truth), [3], 0.1)
    assert np.abs(step.image - test.truth).max() < 0.05


def test_a_failed_training_has_nothing_to_refine(
    small_scan: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    failed = evaluate_run(saved(tmp_path, "diverged"), small_scan[1], CPU)
    assert refined(failed.wholes, small_scan[1], [0, 1], 0.1) == []


def test_of_a_network_that_does_not_fit_there_is_nothing_to_refine(
    small_scan: tuple[Dataset, Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Predictions, "stitched", exhausted)
    failed = evaluate_run(saved(tmp_path), small_scan[1], CPU)
    assert failed.metrics["status"] == "out_of_memory"
    assert refined(failed.wholes, small_scan[1], [0, 1], 0.1) == []


def test_without_a_truth_there_are_no_measures(small_scan: tuple[Dataset, Dataset]) -> None:
    steps = classical(small_scan[1], [1], 0.1, CPU)
    unknown = replace(small_scan[1], ground_truth=None, objects=None)
    assert scores(steps, unknown) == [{"epochs": 1} | steps[0].r_factors]
    assert scores(steps, small_scan[1])[0]["ssim_amp"] > 0


def test_r_factors_fall_with_the_epochs(small_scan: tuple[Dataset, Dataset]) -> None:
    flat, early, late = classical(small_scan[1], [0, 2, 40], 0.1, CPU)
    for name in ("r_work", "r_free"):
        assert flat.r_factors[name] > early.r_factors[name] > late.r_factors[name] > 0
    assert late.r_factors["r_free"] < 0.05
