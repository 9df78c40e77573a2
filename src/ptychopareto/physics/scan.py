"""Scan positions, and the patches of an object that a scan illuminates."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray


def grid(size: int, N: int, step: int) -> NDArray[np.int64]:
    """Top-left corners (B, 2) [px] of all N×N patches of a size×size object, `step` px apart."""
    axis = np.arange(0, size - N + 1, step)
    rows, cols = np.meshgrid(axis, axis, indexing="ij")
    return np.stack([rows.ravel(), cols.ravel()], axis=1)


def jittered(
    corners: NDArray[np.int64], jitter: int, largest: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Move corners (B, 2) [px] by up to ±`jitter` on each axis, all whole shifts alike.

    They stay between 0 and `largest`.
    """
    shifts = rng.integers(-jitter, jitter, corners.shape, endpoint=True)
    return np.clip(corners + shifts, 0, largest)


def patches(image: NDArray[np.generic], corners: NDArray[np.int64], N: int) -> NDArray[np.generic]:
    """Cut the patches (B, N, N) at `corners` (B, 2) out of an image (H, W)."""
    return sliding_window_view(image, (N, N))[corners[:, 0], corners[:, 1]]
