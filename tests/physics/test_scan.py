import numpy as np

from ptychopareto.physics import scan


def test_grid_covers_all_corners_that_fit() -> None:
    corners = scan.grid(size=392, N=64, step=4)
    assert corners.shape == (83 * 83, 2)
    assert corners.min() == 0
    assert corners.max() == 392 - 64
    assert len(np.unique(corners, axis=0)) == len(corners)


def test_patches_are_cut_at_their_corners() -> None:
    image = np.arange(20 * 20).reshape(20, 20)
    corners = np.array([[0, 0], [3, 7], [16, 16]])
    for patch, (row, col) in zip(scan.patches(image, corners, 4), corners, strict=True):
        np.testing.assert_array_equal(patch, image[row : row + 4, col : col + 4])
