"""Scan positions, and the patches of an object that a scan illuminates."""

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ptychopareto.physics.subpixel import shifted

# An image that moves by part of a pixel needs to know what lies around it: px on each side, and
# patches moved at once.
MARGIN, CHUNK = 8, 256


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


def patches_at(
    image: NDArray[np.complex64],
    corners: NDArray[np.int64],
    fractions: NDArray[np.float32] | None,
    N: int,
) -> NDArray[np.complex64]:
    """Cut the patches O(x + corner + fraction) out of an image.

    Parameters
    ----------
    image : (rows, columns) complex object
    corners : (B, 2) whole corners [px]
    fractions : (B, 2) how far the patches lie beyond them [px]; None for nothing
    N : side of a patch [px]

    Returns
    -------
    (B, N, N) complex64

    Notes
    -----
    A patch moves by a Fourier ramp, which takes it for periodic. So it is cut with a margin on
    which it fades to its mean. Beyond its edge the image continues as its outermost pixels.
    """
    if fractions is None:
        return np.asarray(patches(image, corners, N), np.complex64)
    wide = N + 2 * MARGIN
    padded = np.pad(image.astype(np.complex64), MARGIN, mode="edge")
    rise = np.sin(np.pi / 2 * (np.arange(MARGIN) + 0.5) / MARGIN) ** 2
    fade = np.concatenate([rise, np.ones(N), rise[::-1]]).astype(np.float32)
    inner = slice(MARGIN, MARGIN + N)
    moved = np.empty((len(corners), N, N), np.complex64)
    for first in range(0, len(corners), CHUNK):
        part = slice(first, first + CHUNK)
        cut = patches(padded, corners[part], wide)
        mean = cut.mean(axis=(1, 2), keepdims=True)
        faded = torch.from_numpy((cut - mean) * (fade[:, None] * fade))
        by = torch.from_numpy(-fractions[part])
        moved[part] = shifted(faded, by).numpy()[:, inner, inner] + mean
    return moved
