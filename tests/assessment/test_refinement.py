from pathlib import Path

import numpy as np
import pytest
import torch

from ptychopareto.assessment import evaluation
from ptychopareto.assessment.classical import classical, scores, trajectory
from ptychopareto.assessment.evaluation import evaluate_run
from ptychopareto.assessment.refinement import refined
from ptychopareto.files import Dataset
from ptychopareto.models.registry import NetworkConfig, build, save_model

CPU = torch.device("cpu")
CONFIG = NetworkConfig("fno", "none", modes=4, width=4, N=32, transmission=0.7)


def saved(folder: Path, status: str = "ok") -> Path:
    torch.manual_seed(0)
    record = {"status": status, "error": ""}
    save_model(folder / "model.safetensors", build(CONFIG), CONFIG, record)
    return folder / "model.safetensors"


def test_classical_quality_grows(small_scan: tuple[Dataset, Dataset]) -> None:
    test = small_scan[1]
    rows = scores(classical(test, [1, 5, 30], 0.1, CPU), test.truth)
    assert [row["epochs"] for row in rows] == [1, 5, 30]
    qualities = [row["ssim_phase"] for row in rows]
    assert qualities == sorted(qualities)
    assert qualities[-1] > 0.9


def test_zero_epochs_are_the_network_alone(
    small_scan: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    test = small_scan[1]
    _, reconstruction, whole = evaluate_run(saved(tmp_path), test, CPU)
    steps = refined(whole, test, [0, 2], 0.1)
    assert [epoch for epoch, _ in steps] == [0, 2]
    np.testing.assert_array_equal(steps[0][1], reconstruction)
    assert not np.allclose(steps[0][1], steps[1][1])


def test_refinement_continues_where_it_stopped(small_scan: tuple[Dataset, Dataset]) -> None:
    """A true object stays the true object, up to photon noise."""
    test = small_scan[1]
    truth = torch.from_numpy(test.objects[0])
    (_, image), *_ = trajectory(test, truth, [3], 0.1)
    assert np.abs(image - test.truth).max() < 0.05


def test_a_failed_training_has_nothing_to_refine(
    small_scan: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    failed = evaluate_run(saved(tmp_path, "diverged"), small_scan[1], CPU)
    assert refined(failed.whole, small_scan[1], [0, 1], 0.1) == []


def test_of_a_network_that_does_not_fit_there_is_nothing_to_refine(
    small_scan: tuple[Dataset, Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(evaluation, "stitch", exhausted)
    failed = evaluate_run(saved(tmp_path), small_scan[1], CPU)
    assert failed.metrics["status"] == "out_of_memory"
    assert refined(failed.whole, small_scan[1], [0, 1], 0.1) == []


def test_without_a_truth_there_are_no_measures(small_scan: tuple[Dataset, Dataset]) -> None:
    steps = classical(small_scan[1], [1], 0.1, CPU)
    assert scores(steps, None) == [{"epochs": 1}]
    assert scores(steps, small_scan[1].truth)[0]["ssim_amp"] == pytest.approx(
        scores(steps, small_scan[1].truth)[0]["ssim_amp"]
    )
