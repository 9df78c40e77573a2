import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from ptychopareto.physics.subpixel import shifted, split_positions


def band_limited(N: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of a few low frequencies, and those frequencies."""
    rng = np.random.default_rng(seed)
    orders = rng.integers(-3, 4, (6, 2))
    return rng.normal(size=6) + 1j * rng.normal(size=6), orders


def evaluated(N: int, coefficients: np.ndarray, orders: np.ndarray, by: np.ndarray) -> np.ndarray:
    """The field P(x − by), summed from its waves."""
    row, column = np.indices((N, N)) - by[:, None, None]
    angle = 2j * np.pi * (orders[:, 0, None, None] * row + orders[:, 1, None, None] * column) / N
    return (coefficients[:, None, None] * np.exp(angle)).sum(0)


@pytest.mark.parametrize("N", [16, 17])
@pytest.mark.parametrize("by", [(0.3, -0.45), (2.0, -3.0)])
def test_a_field_moves_by_a_fraction(N: int, by: tuple[float, float]) -> None:
    coefficients, orders = band_limited(N)
    field = torch.from_numpy(evaluated(N, coefficients, orders, np.zeros(2)))
    moved = shifted(field, torch.tensor(by, dtype=torch.float64))
    assert_allclose(moved, evaluated(N, coefficients, orders, np.array(by)), atol=1e-12)


def test_each_field_moves_by_its_own_fraction() -> None:
    generator = torch.Generator().manual_seed(0)
    modes = torch.randn(3, 16, 16, dtype=torch.complex128, generator=generator)
    fractions = torch.rand(5, 2, dtype=torch.float64, generator=generator) - 0.5
    moved = shifted(modes, fractions[:, None])
    assert moved.shape == (5, 3, 16, 16)
    torch.testing.assert_close(moved[4, 2], shifted(modes[2], fractions[4]))
    back = shifted(moved, -fractions[:, None])
    torch.testing.assert_close(back, modes.expand_as(back))
    torch.testing.assert_close(
        moved.abs().square().sum((-2, -1)), back.abs().square().sum((-2, -1))
    )


def test_positions_split_into_corners_and_fractions() -> None:
    corners, fractions = split_positions(np.array([[1.25, 7.75], [-0.4, 3.0]]))
    assert corners.tolist() == [[1, 8], [0, 3]]
    assert_allclose(fractions, [[0.25, -0.25], [-0.4, 0.0]], atol=1e-7)
    assert corners.dtype == np.int64
