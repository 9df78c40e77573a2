"""Measures in a region: it is all that counts, and no shape of it makes them another measure."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, gaussian_filter
from skimage.metrics import structural_similarity

from ptychopareto.assessment.alignment import align, phase_and_amplitude
from ptychopareto.assessment.metrics import evaluate
from ptychopareto.assessment.published import PUBLISHED

Complex = NDArray[np.complex128]
Mask = NDArray[np.bool_]


def an_object(shape: tuple[int, int] = (64, 80), seed: int = 0, turns: float = 0.5) -> Complex:
    rng = np.random.default_rng(seed)
    phase, absorption = (gaussian_filter(rng.standard_normal(shape), 2) for _ in range(2))
    phase *= turns * 2 * math.pi / np.ptp(phase)
    return (0.8 + 0.8 * absorption) * np.exp(1j * phase)


def noisy(truth: Complex, level: float = 0.1) -> Complex:
    noise = np.random.default_rng(1).standard_normal((2, *truth.shape))
    y, x = np.indices(truth.shape)
    return (truth + level * (noise[0] + 1j * noise[1])) * 3 * np.exp(1j * (1 + 0.01 * y - 0.02 * x))


def disk(shape: tuple[int, int] = (64, 80), radius: float = 26) -> Mask:
    y, x = np.indices(shape)
    return np.hypot(y - 30, x - 42) < radius


@pytest.mark.parametrize("turns", [0.5, 3.0])
@pytest.mark.parametrize("shape", [(64, 80), (40, 41), (90, 30)])
def test_a_region_of_all_pixels_is_no_region(shape: tuple[int, int], turns: float) -> None:
    truth = an_object(shape, turns=turns)
    whole = evaluate(noisy(truth), truth, region=np.ones(shape, bool))
    assert whole == evaluate(noisy(truth), truth)


@pytest.mark.parametrize("turns", [0.5, 3.0])
@pytest.mark.parametrize("garbage", [0.0, math.nan, math.inf, 1e30, -2j])
def test_what_lies_outside_changes_nothing(garbage: complex, turns: float) -> None:
    truth, region = an_object(turns=turns), disk()
    image = noisy(truth)
    expected = evaluate(image, truth, region=region)
    other, other_truth = image.copy(), truth.copy()
    other[~region], other_truth[~region] = garbage, 7 * garbage
    measures = evaluate(other, other_truth, region=region)
    assert all(math.isnan(measures.pop(name)) for name in PUBLISHED)
    assert measures == {name: expected[name] for name in measures}
    assert all(map(math.isfinite, measures.values()))


def test_a_region_that_is_a_rectangle_scores_that_rectangle() -> None:
    truth = an_object()
    image, part = noisy(truth), (slice(8, 48), slice(20, 60))
    region = np.zeros(truth.shape, bool)
    region[part] = True
    cut = evaluate(image[part], truth[part])
    measures = evaluate(image, truth, region=region)
    for name in set(measures) - set(PUBLISHED):
        assert measures[name] == pytest.approx(cut[name], rel=1e-9), name


def test_each_measure_is_that_of_the_region() -> None:
    """By other means: least squares on the list of pixels, SSIM's map under an eroded mask."""
    truth, region = an_object(), disk()
    measures = evaluate(noisy(truth), truth, region=region)
    image = align(noisy(truth), truth, region=region)
    np.testing.assert_array_equal(image[~region], 0)
    phase, true_phase = (
        phase_and_amplitude(one, truth, region)[0] for one in (image, np.where(region, truth, 0))
    )
    error = (phase - true_phase)[region]
    assert measures["mae_phase"] == pytest.approx(np.abs(error).mean())
    span = np.ptp(np.angle(truth)[region])
    assert measures["psnr_phase"] == pytest.approx(10 * np.log10(span**2 / np.mean(error**2)))
    _, everywhere = structural_similarity(phase, true_phase, win_size=7, data_range=span, full=True)
    centres = binary_erosion(region, np.ones((7, 7), bool))
    assert measures["ssim_phase"] == pytest.approx(everywhere[centres].mean())
    y, x = np.indices(truth.shape)
    planes = np.stack([y[region], x[region], np.ones(region.sum())], axis=1)
    left = np.angle(image * truth.conj())[region]
    np.testing.assert_allclose(np.linalg.lstsq(planes, left)[0], 0, atol=2e-3)


def test_ring_correlation_of_a_region_sees_no_edge() -> None:
    """Two objects that share nothing but the region do not correlate; one with itself does."""
    region = disk(radius=24)
    other = evaluate(an_object(seed=5) + 2, an_object() + 2, region=region)
    assert other["frc50_phase"] < 0.15
    assert other["frc50_amp"] < 0.15
    same = evaluate(an_object() + 2, an_object() + 2, region=region)
    assert same["frc50_phase"] == same["frc50_amp"] == 1


@pytest.mark.parametrize("level", [0.05, 0.2, 0.4])
def test_resolution_in_a_region_is_that_of_the_square_within_the_error(level: float) -> None:
    truth = an_object((96, 96)) + 1
    y, x = np.indices(truth.shape) - 47.5
    measures = evaluate(noisy(truth, level), truth, region=np.hypot(y, x) < 46)
    square = evaluate(noisy(truth, level), truth)
    assert measures["frc50_phase"] == pytest.approx(square["frc50_phase"], abs=0.06)


def test_a_region_apart_from_the_centre_has_no_ring_correlation() -> None:
    """A frame without its middle: nothing lies in the central square of the bounding box."""
    truth = an_object((20, 90))
    region = np.zeros(truth.shape, bool)
    region[:, :10] = region[:, -10:] = True
    measures = evaluate(noisy(truth), truth, region=region)
    assert math.isnan(measures["frc50_phase"])
    assert 0 < measures["ssim_phase"] < 1


def strip(height: int) -> Mask:
    region = np.zeros((64, 80), bool)
    region[5 : 5 + height, 10:70] = True
    return region


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (strip(0), "region: 0 of 5120 px, too small or too narrow; at least 7×7 px in one piece"),
        (strip(6), "region: 360 of 5120 px, too small"),
        (disk()[:, :70], r"region: bool of shape \(64, 70\); bool of the truth's, \(64, 80\)"),
        (disk().astype(np.int64), "region: int64 of shape"),
    ],
)
def test_refuses_a_region_that_cannot_be_scored(region: Mask, message: str) -> None:
    truth = an_object()
    with pytest.raises(ValueError, match=message):
        evaluate(truth, truth, region=region)


def test_smallest_region() -> None:
    truth = an_object()
    region = np.zeros(truth.shape, bool)
    region[20:27, 30:37] = True
    assert evaluate(noisy(truth, 1e-3), truth, region=region)["ssim_phase"] > 0.9
