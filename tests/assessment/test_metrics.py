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

from ptychopareto.assessment.alignment import align, phase_and_amplitude
from ptychopareto.assessment.fourier_ring import fourier_ring_correlation, tukey
from ptychopareto.assessment.metrics import evaluate
from ptychopareto.assessment.published import published_measures

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
MEASURES = {f"{m}_{part}" for m in ("ssim", "psnr", "mae", "frc50") for part in ("phase", "amp")}
FLOORS = {"ssim_phase_floor", "ssim_amp_floor"}
PUBLISHED = {f"published_{m}_{part}" for m in ("mae", "ssim") for part in ("amp", "phase")}

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
    assert set(measures) == MEASURES | FLOORS | PUBLISHED
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


@pytest.mark.parametrize("shape", [(48, 64), (64, 47), (33, 33), (7, 7), (7, 90), (11, 11)])
def test_any_shape(shape: tuple[int, int]) -> None:
    truth = weak_object(shape)
    noise = 0.1 * np.random.default_rng(2).standard_normal(shape)
    for reconstruction in (truth + noise, truth.T.copy().reshape(shape)):
        measures = evaluate(reconstruction, truth)
        trimmed_away = PUBLISHED if min(shape) < 11 else set()
        for name, value in measures.items():
            assert math.isfinite(value) == (name not in trimmed_away), name
        assert 0 <= measures["frc50_phase"] <= 1
    assert evaluate(truth, truth)["ssim_phase"] == pytest.approx(1)


def test_pixels_without_amplitude_earn_nothing() -> None:
    truth = weak_object()
    half = truth.copy()
    half[:, 24:] = 0
    assert evaluate(half, truth)["ssim_phase"] < 0.8
    checkerboard = np.indices(truth.shape).sum(axis=0) % 2 * 2 - 1.0
    assert evaluate(np.ones_like(truth), checkerboard)["mae_phase"] > 1


def test_pixels_without_amplitude_have_phase_zero() -> None:
    """Also once they are multiplied by a number of negative real part, which makes them -0."""
    truth = weak_object()
    phase, amplitude = phase_and_amplitude(np.zeros_like(truth) * (-0.5 + 0.3j), truth)
    np.testing.assert_allclose(phase, 0, atol=1e-12)
    np.testing.assert_array_equal(amplitude, 0)


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


@pytest.mark.parametrize("length", [2, 7, 64, 329])
@pytest.mark.parametrize("taper", [0.1, 0.25, 1.0])
def test_window_is_that_of_scipy(length: int, taper: float) -> None:
    from scipy.signal import windows  # half a second, which no other test needs

    np.testing.assert_allclose(tukey(length, taper), windows.tukey(length, taper), atol=1e-15)


# The published convention, on 12×12 px of which 8×8 px are scored. Columns that are even about the
# centre and of mean zero have no plane: what is fitted to them is zero.
EVEN = np.tile([9.0, 9.0, 1, -1, -1, 1, 1, -1, -1, 1, 9.0, 9.0], (12, 1))
PLANE = 0.7 + 0.03 * np.arange(12)[:, None] - 0.05 * np.arange(12)


def test_published_amplitude_is_scaled_by_the_ratio_of_the_means() -> None:
    truth = (2 + EVEN).astype(np.complex128)  # 1 and 3 inside
    assert published_measures(7 * truth, truth)["published_mae_amp"] == pytest.approx(0, abs=1e-12)
    constant = np.full_like(truth, 5)  # becomes 2
    assert published_measures(constant, truth)["published_mae_amp"] == pytest.approx(1)
    # 1 and 5 inside: of mean 3, so they become 2/3 and 10/3, and differ by 1/3 from 1 and from 3
    contrasted = (3 + 2 * EVEN).astype(np.complex128)
    measures = published_measures(contrasted, truth)
    assert measures["published_mae_amp"] == pytest.approx(1 / 3)


def test_published_phases_lose_their_planes_and_means() -> None:
    truth = np.exp(0.5j * EVEN)
    tilted = np.exp(1j * (0.5 * EVEN + PLANE))
    measures = published_measures(tilted, truth)
    assert measures["published_mae_phase"] == pytest.approx(0, abs=1e-12)
    assert measures["published_ssim_phase"] == pytest.approx(1)
    assert published_measures(truth, tilted)["published_mae_phase"] == pytest.approx(0, abs=1e-12)
    plane = published_measures(np.exp(1j * PLANE), truth)
    assert plane["published_mae_phase"] == pytest.approx(0.5)
    stronger = published_measures(np.exp(0.8j * EVEN), truth)
    assert stronger["published_mae_phase"] == pytest.approx(0.3)


def test_published_measures_leave_the_margin_out() -> None:
    truth = (2 + EVEN) * np.exp(0.5j * EVEN)
    other = truth.copy()
    other[:2] = other[-2:] = other[:, :2] = other[:, -2:] = -50j
    expected = {name: pytest.approx(float("ssim" in name), abs=1e-12) for name in PUBLISHED}
    assert published_measures(other, truth) == expected
    other[2, 2] = -50j
    assert published_measures(other, truth)["published_ssim_amp"] < 0.9


def structural_similarity(image: Complex, truth: Complex, data_range: float) -> float:
    """The mean over all 7×7 windows of Wang et al. 2004, equation 13, with unbiased variances."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    values = []
    for row, column in np.ndindex(truth.shape[0] - 6, truth.shape[1] - 6):
        x, y = (a[row : row + 7, column : column + 7].ravel() for a in (image, truth))
        ((xx, xy), (_, yy)), mx, my = np.cov(x, y), x.mean(), y.mean()
        likeness = (2 * mx * my + c1) * (2 * xy + c2)
        values.append(likeness / ((mx**2 + my**2 + c1) * (xx + yy + c2)))
    return float(np.mean(values))


def test_published_ssim_is_that_of_its_formula() -> None:
    """Amplitude on the range of the truth; phase mapped from [-π, π] to [0, 1], on a range of 1."""
    noise = np.random.default_rng(5).normal(scale=0.2, size=(2, 12, 12))
    truth = (2 + EVEN) * np.exp(0.5j * EVEN)
    other = (2 + EVEN + noise[0]) * np.exp(1j * (0.5 * EVEN + noise[1]))
    measures = published_measures(other, truth)
    inner = (slice(2, -2), slice(2, -2))
    true_amplitude, amplitude = np.abs(truth)[inner], np.abs(other)[inner]
    amplitude = amplitude * true_amplitude.mean() / amplitude.mean()
    expected = structural_similarity(amplitude, true_amplitude, data_range=2.0)
    assert measures["published_ssim_amp"] == pytest.approx(expected, rel=1e-9)
    y, x = np.mgrid[:8, :8]
    planes = np.stack([y.ravel(), x.ravel(), np.ones(64)], axis=1)
    phase = np.angle(other)[inner].ravel()
    level = (phase - planes @ np.linalg.lstsq(planes, phase)[0]).reshape(8, 8)
    mapped, true_mapped = ((a + np.pi) / (2 * np.pi) for a in (level, 0.5 * EVEN[inner]))
    expected = structural_similarity(mapped, true_mapped, data_range=1.0)
    assert measures["published_ssim_phase"] == pytest.approx(expected, rel=1e-9)
    error = np.abs(level - 0.5 * EVEN[inner]).mean()
    assert measures["published_mae_phase"] == pytest.approx(error, rel=1e-9)


@pytest.mark.parametrize("angle", [0.4, 2.0, math.pi, -2.0])
def test_published_phases_do_not_wrap_where_a_free_phase_would_have_it(angle: float) -> None:
    truth = weak_object()
    other = truth * np.exp(0.05j * np.random.default_rng(6).standard_normal(truth.shape))
    turned = published_measures(other * np.exp(1j * angle), truth)
    assert turned == pytest.approx(published_measures(other, truth), rel=1e-9)
    assert turned["published_mae_phase"] < 0.05


def test_a_phase_that_wraps_counts_as_a_jump_in_the_published_convention() -> None:
    """A truth 0.1 rad to either side of π is ±(π - 0.1) there, and no phase is near to both."""
    columns = np.tile(EVEN[:, 2:10], (2, 2))
    measures = evaluate(np.ones(columns.shape), np.exp(1j * (math.pi + 0.1 * columns)))
    assert measures["mae_phase"] == pytest.approx(0.1)
    assert measures["published_mae_phase"] == pytest.approx(math.pi - 0.1)


def test_a_constant_phase_passes_in_the_published_convention_and_in_ours_does_not() -> None:
    truth = np.abs(weak_object()) * np.exp(0.2j * np.angle(weak_object()))
    measures = evaluate(np.abs(truth), truth)
    assert measures["ssim_phase"] == pytest.approx(measures["ssim_phase_floor"], abs=0.01)
    assert measures["ssim_phase"] < 0.3
    assert measures["published_ssim_phase"] > 0.9


def test_a_margin_is_all_there_is() -> None:
    """Nothing inside: of a truth there is nothing to score, of a reconstruction nothing scores."""
    margin = np.pad(np.zeros((8, 8)), 2, constant_values=1.0).astype(np.complex128)
    truth = (2 + EVEN) * np.exp(0.5j * EVEN)
    assert all(math.isnan(value) for value in published_measures(truth, margin).values())
    measures = published_measures(margin, truth)
    assert measures["published_mae_amp"] == pytest.approx(2)
    assert measures["published_mae_phase"] == pytest.approx(0.5)


# A phase that wraps: a jump of 2π is no structure of the object.


def strong_object(size: int = 64) -> Complex:
    """A smooth phase of several turns."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    return np.exp(6j * np.sin(5 * x) * np.cos(4 * y + 0.3))


@pytest.mark.parametrize("remove_ramp", [True, False])
@pytest.mark.parametrize("size", [64, 65, 128])
@pytest.mark.parametrize("scale", [4.0, 1.0])
def test_a_constant_earns_nothing_where_the_truth_wraps(
    scale: float, size: int, remove_ramp: bool
) -> None:
    x = np.linspace(-4, 4, size) * np.ones((size, 1))
    field = gaussian_filter(np.random.default_rng(0).standard_normal((size, size)), 3)
    turns = np.exp(4j * 8 / np.ptp(field) * field)
    for truth in (np.exp(1j * scale * x), strong_object(size), turns):
        measures = evaluate(np.ones_like(truth), truth, remove_ramp)
        assert measures["frc50_phase"] <= 0.05
        assert measures["ssim_phase"] == pytest.approx(measures["ssim_phase_floor"], abs=1e-9)


def test_a_good_reconstruction_of_a_truth_that_wraps_scores_well() -> None:
    truth = strong_object()
    exact = evaluate(truth, truth)
    assert exact["ssim_phase"] == pytest.approx(1)
    assert exact["frc50_phase"] == 1
    noise = gaussian_filter(np.random.default_rng(8).standard_normal(truth.shape), 1)
    near = evaluate(truth * np.exp(0.3j * noise), truth)
    assert near["ssim_phase"] > 0.9
    assert near["ssim_phase_floor"] < 0.2
    assert near["frc50_phase"] > 0.3


@pytest.mark.parametrize("angle", [1.0, math.pi, -2.5])
def test_a_truth_that_wraps_by_its_global_phase_alone_is_scored_as_any(angle: float) -> None:
    truth = weak_object()
    noise = np.random.default_rng(9).normal(scale=0.1, size=truth.shape)
    plain = evaluate(truth * np.exp(1j * noise), truth)
    turned = evaluate(truth * np.exp(1j * noise), truth * np.exp(1j * angle))
    for name in ("psnr_phase", "mae_phase", "frc50_phase"):
        assert turned[name] == pytest.approx(plain[name], rel=1e-9), name
    assert turned["ssim_phase"] == pytest.approx(plain["ssim_phase"], abs=0.05)


@pytest.mark.parametrize("part", ["phase", "amp"])
def test_rounding_noise_has_no_resolution(part: str) -> None:
    """The square that FRC looks at is constant in both images; their margins are not."""
    structure = np.zeros((32, 96))
    structure[:, :20] = gaussian_filter(np.random.default_rng(10).standard_normal((32, 20)), 2)
    truth = np.exp(1j * structure) if part == "phase" else 1 + structure + 0j
    noise = 1e-8 * np.random.default_rng(11).standard_normal((2, 32, 96))
    for image in (truth, truth + noise[0] + 1j * noise[1]):
        assert evaluate(image, truth + noise[0] + 1j * noise[1])[f"frc50_{part}"] == 0
