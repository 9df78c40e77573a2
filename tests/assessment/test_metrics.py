"""The measures: agreement with the independent reference values, closed forms, and refusals."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.signal.windows import tukey

from ptychopareto.assessment.metrics import (
    TUKEY_TAPER,
    align,
    evaluate,
    fourier_ring_correlation,
    tukey_window,
)

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
MEASURES = {f"{m}_{part}" for m in ("ssim", "psnr", "mae", "frc50") for part in ("phase", "amp")}
FLOORS = {"ssim_phase_floor", "ssim_amp_floor"}

Complex = NDArray[np.complex128]


def weak_object(shape: tuple[int, int] = (48, 48), seed: int = 0) -> Complex:
    """A smooth object of about 0.9 rad phase range, whose phase and amplitude are independent."""
    rng = np.random.default_rng(seed)
    phase, absorption = (gaussian_filter(rng.standard_normal(shape), 2) for _ in range(2))
    return (0.8 + 0.8 * absorption) * np.exp(2j * phase)


def ramp(shape: tuple[int, int], rows: float, columns: float) -> Complex:
    """A phase ramp that climbs by `rows` and `columns` radians across the image."""
    y, x = (np.linspace(-0.5, 0.5, side) for side in shape)
    return np.exp(1j * (rows * y[:, None] + columns * x))


@pytest.mark.parametrize(
    "case", ["scaled_rotated_ramped", "noisy", "blurred", "constant", "flat_phase"]
)
def test_agrees_with_the_independent_reference(case: str) -> None:
    if not REFERENCE.is_dir():
        pytest.skip(f"the reference values are not here: {REFERENCE}")
    expected = json.loads((REFERENCE / "metric_cases.json").read_text())[case]
    with np.load(REFERENCE / "metric_cases.npz") as arrays:
        measures = evaluate(arrays[f"{case}__reconstruction"], arrays[f"{case}__truth"])
    assert set(expected) == MEASURES
    for name, value in expected.items():
        if value is None:
            assert measures[name] > 100, name
        else:
            assert measures[name] == pytest.approx(value, abs=1e-4), name


def test_the_floor_is_the_score_of_a_constant() -> None:
    truth = weak_object()
    measures = evaluate(np.full_like(truth, 3 - 2j), truth)
    assert set(measures) == MEASURES | FLOORS
    assert measures["ssim_phase"] == pytest.approx(measures["ssim_phase_floor"], abs=1e-9)
    assert measures["ssim_amp"] == pytest.approx(measures["ssim_amp_floor"], abs=1e-9)
    assert measures["ssim_phase_floor"] < 0.3
    assert measures["frc50_amp"] == 0


def test_a_perfect_reconstruction_scores_one() -> None:
    truth = weak_object()
    measures = evaluate(truth, truth)
    for part in ("phase", "amp"):
        assert measures[f"ssim_{part}"] == pytest.approx(1)
        assert measures[f"mae_{part}"] == pytest.approx(0, abs=1e-12)
        assert measures[f"psnr_{part}"] > 100
        assert measures[f"frc50_{part}"] == 1


@given(
    modulus=st.floats(1e-3, 1e3),
    angle=st.floats(-math.pi, math.pi),
    rows=st.floats(-2, 2),
    columns=st.floats(-2, 2),
)
def test_global_factor_and_ramp_are_free(
    modulus: float, angle: float, rows: float, columns: float
) -> None:
    truth = weak_object((32, 40))
    moved = modulus * np.exp(1j * angle) * ramp(truth.shape, rows, columns) * truth
    np.testing.assert_allclose(align(moved, truth), truth, atol=1e-8)


def test_a_kept_ramp_is_an_error_of_known_size() -> None:
    truth = weak_object((64, 64))
    measures = evaluate(truth * ramp(truth.shape, 1.0, 0), truth, remove_ramp=False)
    assert measures["mae_phase"] == pytest.approx(0.25, rel=0.05)  # mean |y| for y in [-1/2, 1/2]
    assert measures["mae_amp"] < 0.05


def test_phases_may_wrap() -> None:
    """A reconstruction just across the cut at ±pi is a small error, not one of a whole turn."""
    truth = weak_object() * np.exp(1j * math.pi)
    noise = np.random.default_rng(1).normal(scale=0.01, size=truth.shape)
    assert evaluate(truth * np.exp(1j * noise), truth)["mae_phase"] < 0.01


@pytest.mark.parametrize("angle", [0.0, 1.0, math.pi])
def test_a_flat_phase_is_void_and_its_amplitude_is_not(angle: float) -> None:
    truth = (np.abs(weak_object()) * np.exp(1j * angle)).astype(np.complex64)
    measures = evaluate(weak_object(seed=1), truth)
    for name, value in measures.items():
        assert math.isnan(value) == ("phase" in name), name


def test_a_flat_amplitude_is_void_and_its_phase_is_not() -> None:
    truth = np.exp(1j * np.angle(weak_object()))
    for name, value in evaluate(weak_object(seed=1), truth).items():
        assert math.isnan(value) == ("amp" in name), name


@pytest.mark.parametrize("shape", [(48, 64), (64, 47), (33, 33), (7, 7), (7, 90)])
def test_any_shape(shape: tuple[int, int]) -> None:
    truth = weak_object(shape)
    noise = 0.1 * np.random.default_rng(2).standard_normal(shape)
    for reconstruction in (truth + noise, truth.T.copy().reshape(shape)):
        measures = evaluate(reconstruction, truth)
        assert all(math.isfinite(value) for value in measures.values())
        assert 0 <= measures["frc50_phase"] <= 1
    assert evaluate(truth, truth)["ssim_phase"] == pytest.approx(1)


def test_pixels_without_amplitude_earn_nothing() -> None:
    truth = weak_object()
    half = truth.copy()
    half[:, 24:] = 0
    assert evaluate(half, truth)["ssim_phase"] < 0.8
    checkerboard = np.indices(truth.shape).sum(axis=0) % 2 * 2 - 1.0
    assert evaluate(np.ones_like(truth), checkerboard)["mae_phase"] > 1


@pytest.mark.parametrize("side", [32, 33])
def test_ring_correlation_of_band_limited_agreement(side: int) -> None:
    """Images that agree up to a frequency and are independent above correlate 1, then about 0."""
    rng = np.random.default_rng(3)
    image, other = rng.standard_normal((2, side, side))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side))
    spectrum = np.where(frequency < 0.25, np.fft.fft2(image), np.fft.fft2(other))
    curve = fourier_ring_correlation(image, np.fft.ifft2(spectrum).real)
    assert len(curve) == side // 2 + 1
    assert curve[:6].min() > 0.8
    assert np.abs(curve[-5:]).max() < 0.4
    np.testing.assert_allclose(fourier_ring_correlation(image, image), 1)
    np.testing.assert_allclose(fourier_ring_correlation(image, -image), -1)
    np.testing.assert_array_equal(fourier_ring_correlation(image, np.zeros_like(image)), 0)


@pytest.mark.parametrize("size", [2, 7, 8, 9, 64, 345])
def test_window_is_that_of_scipy(size: int) -> None:
    np.testing.assert_array_equal(tukey_window(size), tukey(size, TUKEY_TAPER))


def test_resolution_follows_the_noise() -> None:
    truth = weak_object((64, 64))
    noise = np.random.default_rng(4).standard_normal((2, 64, 64))
    cutoffs = [
        evaluate(truth + level * (noise[0] + 1j * noise[1]), truth)["frc50_phase"]
        for level in (0.01, 0.1, 1.0)
    ]
    assert cutoffs == sorted(cutoffs, reverse=True)
    assert cutoffs[0] > cutoffs[2]


def with_pixel(value: complex) -> Complex:
    image = GOOD.copy()
    image[3, 3] = value
    return image


GOOD = np.exp(1j * np.arange(64.0).reshape(8, 8) / 64) * np.linspace(1, 2, 8)


@pytest.mark.parametrize(
    ("reconstruction", "truth", "message"),
    [
        (GOOD[None], GOOD, r"reconstruction: shape \(1, 8, 8\)"),
        (GOOD, GOOD[:, :6], r"truth: shape \(8, 6\)"),
        (GOOD, np.pad(GOOD, ((0, 1), (0, 0)), mode="edge"), "that of the truth"),
        (with_pixel(np.nan), GOOD, "reconstruction: holds NaN"),
        (GOOD, with_pixel(np.inf), "truth: holds NaN or infinity"),
        (np.zeros_like(GOOD), GOOD, "reconstruction: is zero"),
        (GOOD, np.zeros_like(GOOD), "truth: is zero"),
    ],
)
def test_refuses_what_cannot_be_scored(
    reconstruction: Complex, truth: Complex, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(reconstruction, truth)
