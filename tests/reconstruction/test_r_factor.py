import numpy as np
import pytest
import torch

from ptychopareto.reconstruction.r_factor import BATCH, r_factor

N, COUNT = 16, BATCH + 5


def scan(modes: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """An object, modes, corners, fractions, and patterns from explicit NumPy."""
    rng = np.random.default_rng(0)
    image = rng.normal(size=(40, 36)) + 1j * rng.normal(size=(40, 36))
    probe = rng.normal(size=(modes, N, N)) + 1j * rng.normal(size=(modes, N, N))
    corners = rng.integers(0, [25, 21], (COUNT, 2))
    fractions = rng.uniform(-0.5, 0.5, (COUNT, 2))
    frequency = np.fft.fftfreq(N)
    patterns = np.empty((COUNT, N, N))
    for n, ((r, c), (fr, fc)) in enumerate(zip(corners, fractions, strict=True)):
        ramp = np.exp(-2j * np.pi * (fr * frequency[:, None] + fc * frequency))
        light = np.fft.ifft2(np.fft.fft2(probe) * ramp)
        wave = np.fft.fft2(light * image[r : r + N, c : c + N], norm="ortho")
        patterns[n] = np.fft.fftshift(np.sqrt((np.abs(wave) ** 2).sum(0)))
    return image, probe, corners, fractions, patterns


def measure(*arguments: np.ndarray | None) -> float:
    image, probe, corners, fractions, patterns, *valid = arguments
    tensors = [torch.from_numpy(mask) for mask in valid if mask is not None]
    return r_factor(
        torch.from_numpy(image),
        torch.from_numpy(probe),
        corners,
        fractions,
        torch.from_numpy(patterns),
        *tensors,
    )


def test_it_is_zero_for_the_truth() -> None:
    assert measure(*scan()) < 1e-12


def test_it_is_the_sum_of_differences_over_the_sum() -> None:
    image, probe, corners, fractions, patterns = scan()
    other = patterns + np.random.default_rng(1).normal(size=patterns.shape)
    expected = np.abs(patterns - other).sum() / other.sum()
    assert measure(image, probe, corners, fractions, other) == pytest.approx(expected)
    assert measure(image, probe, corners, fractions, 2 * patterns) == pytest.approx(0.5)


@pytest.mark.parametrize("frames", [1, COUNT])
def test_pixels_that_are_not_valid_do_not_count(frames: int) -> None:
    image, probe, corners, fractions, patterns = scan()
    valid = np.random.default_rng(2).random((frames, N, N)) > 0.1
    broken = np.where(valid, patterns, np.nan)
    assert measure(image, probe, corners, fractions, broken, valid) < 1e-12
    assert np.isnan(measure(image, probe, corners, fractions, broken))


def test_positions_without_fractions_and_one_probe() -> None:
    image, probe, corners, fractions, _ = scan(1)
    whole = np.zeros_like(fractions)
    patterns = np.ones((COUNT, N, N))
    assert measure(image, probe[0], corners, None, patterns) == pytest.approx(
        measure(image, probe, corners, whole, patterns)
    )


def test_a_patch_outside_the_object_is_refused() -> None:
    image, probe, corners, fractions, patterns = scan()
    corners[3] = [30, 0]
    with pytest.raises(ValueError, match="corners must lie within"):
        measure(image, probe, corners, fractions, patterns)
