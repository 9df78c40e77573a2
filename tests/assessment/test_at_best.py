"""rPIE stopped by free patterns: it stops where noise begins, and not where there is none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ptychopareto.assessment.at_best import evaluate_at_best, stopped
from ptychopareto.assessment.classical import classical, scores
from ptychopareto.assessment.comparison import similarity
from ptychopareto.assessment.free_patterns import free_patterns
from ptychopareto.assessment.wholes import Wholes
from ptychopareto.config import AtBest
from ptychopareto.files import Dataset
from ptychopareto.models.registry import NetworkConfig, build, save_model
from ptychopareto.reconstruction.rpie import flat_start

CPU = torch.device("cpu")
CONFIG = NetworkConfig("fno", "none", modes=4, width=4, N=32)


def flat(test: Dataset) -> Wholes:
    start = flat_start(test.object_shape, CPU)
    return Wholes(start, start)


def dim(test: Dataset, photons: float) -> Dataset:
    """The scan with so many photons a pattern."""
    rng = np.random.default_rng(0)
    intensity = test.diffraction.astype(np.float64) ** 2
    scale = photons / intensity.sum((1, 2)).mean()
    counts = rng.poisson(intensity * scale)
    return replace(test, diffraction=np.sqrt(counts / scale).astype(np.float32))


def test_without_noise_the_smallest_damping_goes_on_to_the_end(
    small_scan: tuple[Dataset, Dataset],
) -> None:
    test = small_scan[1]
    found = stopped(test, flat(test), (0.5, 0.1), 6)
    assert (found.epochs, found.alpha) == (6, 0.1)
    (fixed,) = classical(test, [6], 0.1, CPU)
    image = found.wholes.every[test.scored_region()].numpy()
    np.testing.assert_array_equal(image, fixed.image)


def test_noise_stops_it_and_it_is_better_for_that(small_scan: tuple[Dataset, Dataset]) -> None:
    test = dim(small_scan[1], 2e3)
    found = stopped(test, flat(test), (0.1, 1.0), 60)
    assert found.epochs < 60
    (fixed,) = scores(classical(test, [60], 0.1, CPU), test)
    own = similarity(found.wholes.every[test.scored_region()].numpy(), test)
    assert own["ssim_phase"] > fixed["ssim_phase"]
    assert own["ssim_amp"] > fixed["ssim_amp"]


def test_a_start_that_rpie_spoils_is_kept(small_scan: tuple[Dataset, Dataset]) -> None:
    """The truth, and patterns in a wrong order: only those that are free fit it."""
    test = small_scan[1]
    free, diffraction = free_patterns(test), test.diffraction.copy()
    diffraction[~free] = np.roll(diffraction[~free], 5, axis=0)
    wrong = replace(test, diffraction=diffraction)
    assert test.objects is not None
    truth = torch.from_numpy(test.objects[0])
    found = stopped(wrong, Wholes(truth, truth), (0.1, 1.0), 5)
    assert found.epochs == 0
    assert torch.equal(found.wholes.every, truth)


def test_each_network_and_the_flat_start(
    tmp_path: Path, small_scan: tuple[Dataset, Dataset]
) -> None:
    torch.manual_seed(0)
    record = {"seed": 0, "error": "", "train_time_s": 1.5}
    models = {status: tmp_path / f"{status}.safetensors" for status in ("ok", "diverged")}
    for status, path in models.items():
        save_model(path, build(CONFIG), CONFIG, {**record, "status": status})
    settings = AtBest(alphas=(0.1, 1.0), most_passes=3, most_passes_after_network=2)
    found = evaluate_at_best(models, small_scan[1], settings, CPU)
    assert found["networks"]["diverged"] == {"status": "diverged", "error": ""}
    own = found["networks"]["ok"]
    assert own["status"] == "ok"
    assert (own["epochs"], own["alpha"]) == (2, 0.1)
    assert found["classical"]["epochs"] == 3
    assert own["ssim_phase"] == pytest.approx(own["ssim_phase"])
    assert {"r_free", "r_work", "ssim_amp"} <= set(own) & set(found["classical"])
