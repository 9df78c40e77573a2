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
    moved = scan.jittered(corners, jitter, 200 - 32, np.random.default_rng(0))
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
    np.testing.assert_array_equal(scan.jittered(corners, 0, 64, np.random.default_rng(0)), corners)


def test_patches_are_cut_at_their_corners() -> None:
    image = np.arange(20 * 20).reshape(20, 20)
    corners = np.array([[0, 0], [3, 7], [16, 16]])
    for patch, (row, col) in zip(scan.patches(image, corners, 4), corners, strict=True):
        np.testing.assert_array_equal(patch, image[row : row + 4, col : col + 4])
