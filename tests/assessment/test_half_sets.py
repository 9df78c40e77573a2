"""Two halves agree up to where the object's power is that of the noise, and not by their frame."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from ptychopareto.assessment.half_sets import frc50_halves

Complex = NDArray[np.complex128]
SIDE = 256


def white_below(cutoff: float, seed: int = 0) -> NDArray[np.float64]:
    """White noise without what lies above a fraction of Nyquist."""
    spectrum = np.fft.fft2(np.random.default_rng(seed).standard_normal((SIDE, SIDE)))
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE))
    return np.fft.ifft2(np.where(frequency <= cutoff / 2, spectrum, 0)).real


def halves(noise: float, cutoff: float = 0.4, strength: float = 0.05) -> tuple[Complex, Complex]:
    """One phase, white up to a cutoff, twice with white noise of its own."""
    phase = white_below(cutoff)
    own = np.random.default_rng(1).standard_normal((2, SIDE, SIDE))
    even, odd = (np.exp(1j * strength * (phase + noise * one)) for one in own)
    return even, odd


@pytest.mark.parametrize("cutoff", [0.2, 0.4, 0.7])
def test_resolution_is_the_cutoff_of_the_object(cutoff: float) -> None:
    """Below the cutoff the correlation is 1/(1 + 0.3²) = 0.92, above it is 0."""
    assert frc50_halves(*halves(0.3, cutoff)) == pytest.approx(cutoff, abs=0.02)


def test_noise_of_more_power_than_the_object_leaves_nothing() -> None:
    """Correlation 1/(1 + σ²): 0.80 at σ = 0.5, 0.2 at σ = 2. It crosses one half at σ = 1."""
    assert frc50_halves(*halves(0.5)) == pytest.approx(0.4, abs=0.03)
    assert frc50_halves(*halves(2.0)) < 0.1


def test_lowest_frequencies_that_drift_decide_nothing() -> None:
    """A bowl that one half has and the other has not: it spoils the first rings only."""
    even, odd = halves(0.3)
    y, x = np.indices(even.shape) / SIDE - 0.5
    drifted = odd * np.exp(0.3j * np.cos(2 * np.pi * x) * np.cos(2 * np.pi * y))
    assert frc50_halves(even, drifted) == pytest.approx(frc50_halves(even, odd), abs=0.01)


@pytest.mark.parametrize("strength", [0.05, 1.2])
def test_factor_and_ramp_of_a_half_are_free(strength: float) -> None:
    """Also of a phase that wraps."""
    even, odd = halves(0.3, strength=strength)
    y, x = np.indices(even.shape) / SIDE
    moved = odd * 0.3 * np.exp(1j * (2 + 2 * y - x))
    assert frc50_halves(even, moved) == pytest.approx(frc50_halves(even, odd), abs=1e-3)
    assert frc50_halves(even, odd) == pytest.approx(0.4, abs=0.05)


def test_a_region_is_all_that_counts() -> None:
    even, odd = halves(0.3)
    y, x = np.indices(even.shape) - SIDE / 2
    region = np.hypot(y, x) < 100
    expected = frc50_halves(even, odd, region)
    assert expected == pytest.approx(0.4, abs=0.03)
    even[~region], odd[~region] = math.nan, 5
    assert frc50_halves(even, odd, region) == expected


def test_equal_halves_agree_to_the_last_frequency_and_flat_ones_have_nothing() -> None:
    even, odd = halves(0.3)
    assert frc50_halves(even, even) == 1
    assert math.isnan(frc50_halves(np.ones_like(even), odd))
    assert math.isnan(frc50_halves(even, np.ones_like(even)))
