"""A scan with other counts, another sample or another beam is made like those of the training."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from ptychopareto.files import Dataset
from ptychopareto.models.network import transform
from ptychopareto.models.registry import NetworkConfig
from ptychopareto.models.trained_on import TrainedOn
from ptychopareto.physics.beam_errors import defocused
from ptychopareto.physics.registration import magnification
from ptychopareto.reconstruction.adaptation import adaptation_to

TRANSFORMS = ("none", "sqrt", "log1p")


def trained_on(scan: Dataset, kind: str = "none", **given: float) -> NetworkConfig:
    """A network's config with the scales that a training on a scan measures."""
    x = torch.from_numpy(scan.diffraction)
    power = np.square(np.abs(scan.probe), dtype=np.float64).sum()
    light = x.double().square().sum((-2, -1)).mean()
    settings = {
        "architecture": "cnn",
        "input_transform": kind,
        "modes": None,
        "width": 4,
        "N": scan.N,
        "input_scale": float(transform(x, kind).double().square().mean().sqrt()),
        "transmission": float((light / power).sqrt()),
    }
    return NetworkConfig(**{**settings, **given})


class Echo:
    """A predictor whose patches are its input."""

    N, gridsize, batch, threads, device = 32, 1, 32, 1, torch.device("cpu")

    def __call__(self, amplitudes: Tensor) -> Tensor:
        return amplitudes.to(torch.complex64)


@pytest.fixture
def scan(small_scan: tuple[Dataset, Dataset]) -> Dataset:
    return small_scan[0]


@pytest.mark.parametrize("kind", TRANSFORMS)
def test_a_scan_of_the_same_study_is_left_as_it_is(
    small_scan: tuple[Dataset, Dataset], kind: str
) -> None:
    config = trained_on(small_scan[0], kind)
    for scan in small_scan:
        adaptation = adaptation_to(scan, config, "auto")
        assert adaptation.changes_nothing
        predictor = Echo()
        assert adaptation.of(predictor) is predictor


@pytest.mark.parametrize("kind", TRANSFORMS)
@pytest.mark.parametrize("factor", [1e-2, 0.5, 300.0])
def test_other_counts_are_scaled_to_those_of_the_training(
    scan: Dataset, kind: str, factor: float
) -> None:
    brighter = replace(
        scan,
        diffraction=scan.diffraction * np.float32(factor),
        probe=scan.probe * np.float32(factor),
    )
    adaptation = adaptation_to(brighter, trained_on(scan, kind), "auto")
    assert adaptation.scale == pytest.approx(1 / factor, rel=1e-4)
    assert adaptation.gain == pytest.approx(1, rel=1e-4)
    assert adaptation.brightness == pytest.approx(factor, rel=1e-4)
    seen = adaptation.of(Echo())(torch.from_numpy(brighter.diffraction[:3, None]))
    np.testing.assert_allclose(seen[:, 0].real, scan.diffraction[:3], rtol=1e-3)


def test_a_darker_sample_comes_out_darker(scan: Dataset) -> None:
    """The network sees its own brightness, and its patches are as much darker as the sample."""
    darker = replace(scan, diffraction=scan.diffraction * np.float32(0.4))
    adaptation = adaptation_to(darker, trained_on(scan), "auto")
    assert adaptation.scale == pytest.approx(2.5, rel=1e-4)
    assert adaptation.gain == pytest.approx(0.4, rel=1e-4)


def test_the_input_is_registered_by_the_scan_s_own_probe(scan: Dataset) -> None:
    other = replace(scan, probe=defocused(scan.probe, -10.0))
    s = magnification(other.probe)
    assert s is not None
    assert abs(s - 1) > 0.1
    config = trained_on(scan)
    assert adaptation_to(other, config, "auto").magnification == pytest.approx(s)
    assert adaptation_to(other, config, "none").magnification == 1
    # A network that registers its input itself is left the rest.
    own = trained_on(scan, magnification=-1.5)
    found = adaptation_to(other, own, "auto")
    assert found.magnification == pytest.approx(s / -1.5)
    assert found.shadow == pytest.approx(s)
    assert adaptation_to(other, replace(own, magnification=s), "auto").magnification == 1


def test_free_patterns_have_no_say(scan: Dataset) -> None:
    free = np.arange(len(scan.corners)) % 2 == 0
    patterns = np.where(free[:, None, None], 100 * scan.diffraction, scan.diffraction)
    half = replace(scan, diffraction=patterns, free=free)
    assert adaptation_to(half, trained_on(scan), "auto").brightness == pytest.approx(1, rel=0.1)


def test_a_network_without_registration_knows_the_shadow_of_its_training(scan: Dataset) -> None:
    """Its own file says how large that was: the same beam is not resampled, another one is."""
    curved = replace(scan, probe=defocused(scan.probe, -10.0))
    s = magnification(curved.probe)
    assert s is not None
    config = trained_on(curved)  # magnification 1: its input is not resampled
    same = adaptation_to(curved, config, "auto", TrainedOn(shadow=s))
    assert same.magnification == 1
    other = adaptation_to(curved, config, "auto", TrainedOn(shadow=s / 1.5))
    assert other.magnification == pytest.approx(1.5)
    for found in (other, adaptation_to(curved, config, "none", TrainedOn(shadow=s / 1.5))):
        assert found.shadow / found.trained_shadow == pytest.approx(1.5)
    assert found.magnification == 1
    unknown = adaptation_to(curved, config, "none")
    assert unknown.shadow == unknown.trained_shadow == 1
