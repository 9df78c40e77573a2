import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ptychopareto.assessment.evaluation import evaluate_run
from ptychopareto.assessment.metrics import evaluate
from ptychopareto.files import Dataset
from ptychopareto.models.registry import NetworkConfig, build, load_model, save_model
from ptychopareto.reconstruction.reconstruct import Predictions, reconstruct

CPU = torch.device("cpu")
CONFIG = NetworkConfig("fno", "none", modes=4, width=4, N=32)
RECORD = {"architecture": "fno", "seed": 0, "status": "ok", "error": "", "train_time_s": 1.5}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_model(tmp_path / "model.safetensors", build(CONFIG), CONFIG, RECORD)
    return tmp_path / "model.safetensors"


def test_metrics_of_a_run(model: Path, small_scan: tuple[Dataset, Dataset]) -> None:
    test = small_scan[1]
    metrics, reconstruction, _ = evaluate_run(model, test, CPU)
    assert RECORD.items() <= metrics.items()
    assert reconstruction.shape == test.ground_truth.shape
    assert evaluate(reconstruction, test.ground_truth).items() <= metrics.items()
    assert (
        metrics["model_params"]
        == metrics["model_params_real"]
        == sum(p.numel() for p in build(CONFIG).parameters())
    )
    assert metrics["patterns_per_s"] == pytest.approx(81 / metrics["inference_time_s"])


def test_only_the_first_object_is_scored(model: Path, small_scan: tuple[Dataset, Dataset]) -> None:
    one = small_scan[1]
    two = replace(
        one,
        diffraction=np.concatenate([one.diffraction, one.diffraction[::-1]]),
        corners=np.tile(one.corners, (2, 1)),
        object_index=np.repeat(np.arange(2, dtype=np.int32), 81),
    )
    np.testing.assert_allclose(
        evaluate_run(model, two, CPU).reconstruction,
        evaluate_run(model, one, CPU).reconstruction,
        atol=1e-6,
    )


def test_a_failed_training_is_not_measured(
    model: Path, small_scan: tuple[Dataset, Dataset]
) -> None:
    save_model(model, build(CONFIG), CONFIG, {**RECORD, "status": "diverged", "error": "why"})
    metrics, reconstruction, _ = evaluate_run(model, small_scan[1], CPU)
    assert (metrics["status"], metrics["error"]) == ("diverged", "why")
    assert metrics["model_params"] > 0
    assert "ssim_phase" not in metrics
    assert np.isnan(reconstruction).all()


def test_exhausted_gpu_memory_is_a_status(
    model: Path, small_scan: tuple[Dataset, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory\nmore")

    monkeypatch.setattr(Predictions, "patches", exhausted)
    metrics, reconstruction, _ = evaluate_run(model, small_scan[1], CPU)
    assert (metrics["status"], metrics["error"]) == ("out_of_memory", "CUDA out of memory")
    assert np.isnan(reconstruction).all()


def test_void_measures_say_so(model: Path, small_scan: tuple[Dataset, Dataset]) -> None:
    test = small_scan[1]
    flat = replace(test, ground_truth=np.abs(test.ground_truth).astype(np.complex64))
    metrics = evaluate_run(model, flat, CPU).metrics
    assert math.isnan(metrics["ssim_phase"])
    assert metrics["ssim_amp"] == pytest.approx(metrics["ssim_amp"])
    assert "flat phase" in metrics["error"]
    unknown = replace(test, ground_truth=None, objects=None)
    metrics = evaluate_run(model, unknown, CPU).metrics
    assert "ssim_amp" not in metrics
    assert "reference" not in metrics
    assert "no truth" in metrics["error"]


def test_a_measured_scan_is_scored_by_its_free_patterns(
    model: Path, measured_scan: tuple[Dataset, np.ndarray]
) -> None:
    data, image = measured_scan
    region = data.scored_region()
    metrics, reconstruction, wholes = evaluate_run(model, data, CPU, image[region])
    assert reconstruction.shape == image[region].shape
    assert 0 < metrics["r_work"] < metrics["r_free"] * 1.5 < 1.5
    assert 0 < metrics["r_free_flat"] < 1
    assert metrics["reference"] == "classical"
    assert metrics["patterns_per_s"] == pytest.approx(78 / metrics["inference_time_s"])
    assert wholes is not None
    assert wholes.every is wholes.without_free
    # What a free pattern holds changes no reconstruction.
    changed = data.diffraction.copy()
    changed[data.free] *= 2
    again = evaluate_run(model, replace(data, diffraction=changed), CPU, image[region])
    np.testing.assert_array_equal(again.reconstruction, reconstruction)
    assert again.metrics["r_work"] == metrics["r_work"]
    assert again.metrics["r_free"] != metrics["r_free"]


def test_a_simulated_scan_has_r_factors_beside_its_truth(
    model: Path, small_scan: tuple[Dataset, Dataset]
) -> None:
    metrics, _, wholes = evaluate_run(model, small_scan[1], CPU)
    assert wholes is not None
    assert not torch.equal(wholes.every, wholes.without_free)
    assert 0 < metrics["r_free"] < 1
    assert 0 < metrics["r_work"] < 1
    assert metrics["reference"] == "truth"


def test_the_public_function_gives_what_is_scored(
    model: Path, small_scan: tuple[Dataset, Dataset], measured_scan: tuple[Dataset, np.ndarray]
) -> None:
    network, *_ = load_model(model)
    for scan in (small_scan[1], measured_scan[0]):
        image = reconstruct(network, scan)
        assert image.shape == scan.object_shape
        np.testing.assert_array_equal(
            image[scan.scored_region()], evaluate_run(model, scan, CPU).reconstruction
        )
