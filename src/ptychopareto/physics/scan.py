"""Scan positions, and the patches of an object that a scan illuminates."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray


def grid(size: int, N: int, step: int) -> NDArray[np.int64]:
    """Top-left corners (B, 2) [px] of all N×N patches of a size×size object, `step` px apart."""
    axis = np.arange(0, size - N + 1, step)
    rows, cols = np.meshgrid(axis, axis, indexing="ij")
    return np.stack([rows.ravel(), cols.ravel()], axis=1)


def patches(image: NDArray[np.generic], corners: NDArray[np.int64], N: int) -> NDArray[np.generic]:
    """Cut the patches (B, N, N) at `corners` (B, 2) out of an image (H, W)."""
    return sliding_window_view(image, (N, N))[corners[:, 0], corners[:, 1]]
