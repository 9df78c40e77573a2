import numpy as np
import pytest

from ptychopareto.physics import scan


def test_grid_covers_all_corners_that_fit() -> None:
    corners = scan.grid(size=392, N=64, step=4)
    assert corners.shape == (83 * 83, 2)
    assert corners.min() == 0
    assert corners.max() == 392 - 64
    assert len(np.unique(corners, axis=0)) == len(corners)


@pytest.mark.parametrize(("step", "jitter"), [(4, 1), (9, 4), (10, 4)])
def test_jittered_positions_stay_apart_and_inside(step: int, jitter: int) -> None:
    corners = scan.grid(200, 32, step)
    moved = scan.with_jitter(corners, jitter, 200 - 32, np.random.default_rng(0))
    shifts = moved - corners
    assert np.abs(shifts).max() == jitter
    assert len(np.unique(moved, axis=0)) == len(moved)
    assert moved.min() >= 0
    assert moved.max() <= 200 - 32
    inside = ((corners >= jitter) & (corners <= 200 - 32 - jitter)).all(axis=1)
    counts = np.bincount(shifts[inside].ravel() + jitter)
    assert counts.min() > 0.5 * counts.mean()  # all shifts alike, on both sides


def test_no_jitter_moves_nothing() -> None:
    corners = scan.grid(96, 32, 8)
    np.testing.assert_array_equal(
        scan.with_jitter(corners, 0, 64, np.random.default_rng(0)), corners
    )


def test_patches_are_cut_at_their_corners() -> None:
    image = np.arange(20 * 20).reshape(20, 20)
    corners = np.array([[0, 0], [3, 7], [16, 16]])
    for patch, (row, col) in zip(scan.patches(image, corners, 4), corners, strict=True):
        np.testing.assert_array_equal(patch, image[row : row + 4, col : col + 4])


def test_patches_between_pixels_are_those_of_the_moved_image() -> None:
    """A smooth image, so that its value between pixels is known."""
    y, x = np.mgrid[:60, :70]

    def image(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        return (np.sin(0.31 * y + 0.2) + 1j * np.cos(0.17 * x - 0.4 * y)).astype(np.complex64)

    corners = np.array([[10, 12], [0, 0], [28, 38], [7, 30]])
    fractions = np.array([[0.3, -0.4], [0.5, 0.1], [-0.2, -0.5], [0.0, 0.0]], np.float32)
    cut = scan.patches_at(image(y, x), corners, fractions, 32)
    for patch, corner, fraction in zip(cut, corners, fractions, strict=True):
        rows, columns = np.mgrid[:32, :32] + (corner + fraction)[:, None, None]
        inner = slice(6, -6)
        difference = np.abs(patch - image(rows, columns))
        assert difference[inner, inner].max() < 0.03


def test_patches_on_whole_pixels_are_cut() -> None:
    image = np.random.default_rng(0).normal(size=(20, 20)).astype(np.complex64)
    corners = np.array([[1, 2], [3, 4]])
    np.testing.assert_array_equal(
        scan.patches_at(image, corners, None, 8), scan.patches(image, corners, 8)
    )
