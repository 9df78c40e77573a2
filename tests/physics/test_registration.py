from pathlib import Path

import numpy as np
import pytest

from ptychopareto.files import read_probe
from ptychopareto.physics.registration import (
    fit_quadratic_phase,
    input_magnification,
    magnification,
)

MAGNITUDES = [0.6, 0.79, 1.0, 1.3, 1.6]
SCALES = [*MAGNITUDES, *(-s for s in MAGNITUDES)]


def probe(
    s: float, N: int = 64, centre: tuple[float, float] = (0, 0), noise: float = 0.0
) -> np.ndarray:
    """A Gaussian beam of RMS radius N/4 with the curvature of magnification s, noise relative to
    its peak."""
    axis = np.arange(N) - N // 2
    r2 = (axis[:, None] - centre[0]) ** 2 + (axis[None, :] - centre[1]) ** 2
    field = np.exp(-r2 / (N / 4) ** 2 + 1j * np.pi * s / N * r2)
    rng = np.random.default_rng(0)
    return field + noise * (rng.normal(size=(N, N)) + 1j * rng.normal(size=(N, N))) / np.sqrt(2)


@pytest.mark.parametrize("s", SCALES)
@pytest.mark.parametrize("N", [32, 64, 63])
def test_known_magnification(s: float, N: int) -> None:
    assert magnification(probe(s, N)) == pytest.approx(s, rel=1e-3)


@pytest.mark.parametrize("s", SCALES)
def test_off_centre_beam(s: float) -> None:
    fit = fit_quadratic_phase(probe(s, centre=(4, -3)))
    assert 64 * fit.curvature / np.pi == pytest.approx(s, rel=1e-3)
    # a·|r − c|² has the slope −2·a·c at the grid's centre
    np.testing.assert_allclose(fit.slope, -2 * np.pi * s / 64 * np.array([4, -3]), rtol=0.02)


@pytest.mark.parametrize("s", SCALES)
def test_noisy_beam(s: float) -> None:
    assert magnification(probe(s, noise=0.1)) == pytest.approx(s, rel=0.05)


def test_fit_reproduces_the_phase() -> None:
    field = probe(0.8, centre=(2, 5)) * np.exp(0.7j)
    error = np.angle(field * np.exp(-1j * fit_quadratic_phase(field).on_grid(64)))
    assert np.abs(error).max() < 1e-6


def test_a_flat_phase_defines_no_magnification() -> None:
    assert magnification(np.abs(probe(1.0))) is None
    assert magnification(probe(0.02)) is None
    assert magnification(np.zeros((16, 16), complex)) is None


def test_white_noise_defines_no_magnification() -> None:
    assert magnification(probe(1.0, noise=1.0) - probe(1.0)) is None


def test_resampling_only_where_it_helps() -> None:
    assert input_magnification(probe(0.95), "auto") == 1.0
    assert input_magnification(np.abs(probe(1.0)), "auto") == 1.0
    assert input_magnification(probe(0.7), "none") == 1.0
    assert input_magnification(probe(-1.0), "auto") == pytest.approx(-1.0, rel=1e-3)
    assert input_magnification(probe(0.7), "auto") == pytest.approx(0.7, rel=1e-3)


def test_a_measured_beam() -> None:
    path = Path(__file__).parents[3] / "shared/data/run1084_probe.npz"
    if not path.exists():
        pytest.skip(f"the measured probe is not here: {path}")
    s = magnification(read_probe(path))
    assert s is not None
    assert 0.6 < s < 1.2
