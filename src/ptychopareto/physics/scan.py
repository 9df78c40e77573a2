"""Scan positions, and the patches of an object that a scan illuminates."""

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ptychopareto.physics.subpixel import shifted

# Pixels around a patch that take part when it moves by part of a pixel; patches moved at once.
MARGIN, CHUNK = 8, 256


def grid(size: int, N: int, step: int) -> NDArray[np.int64]:
    """Lay a regular grid of scan positions over a square object.

    Parameters
    ----------
    size : int
        Side of the object [px].
    N : int
        Side of a patch [px].
    step : int
        Distance of neighbours [px].

    Returns
    -------
    (B, 2) int64
        Row and column of the top-left corner of each patch [px], row by row.
    """
    axis = np.arange(0, size - N + 1, step)
    rows, cols = np.meshgrid(axis, axis, indexing="ij")
    return np.stack([rows.ravel(), cols.ravel()], axis=1)


def with_jitter(
    corners: NDArray[np.int64], jitter: int, largest: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Move corners at random by whole pixels.

    Parameters
    ----------
    corners : (B, 2) int64
        Top-left corners [px].
    jitter : int
        The largest shift on each axis [px]; all shifts from −jitter to +jitter are equally likely.
    largest : int
        The largest row and column that a corner may have [px].
    rng : Generator
        The source of the shifts.

    Returns
    -------
    (B, 2) int64
        The moved corners, clipped to 0 … `largest`.
    """
    shifts = rng.integers(-jitter, jitter, corners.shape, endpoint=True)
    return np.clip(corners + shifts, 0, largest)


def patches(image: NDArray[np.generic], corners: NDArray[np.int64], N: int) -> NDArray[np.generic]:
    """Cut the patches of a scan out of an image.

    Parameters
    ----------
    image : (rows, columns) array
        The image, of any type.
    corners : (B, 2) int64
        Top-left corners [px].
    N : int
        Side of a patch [px].

    Returns
    -------
    (B, N, N) array
    """
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
    image : (rows, columns) complex
        The object.
    corners : (B, 2) int64
        Whole corners [px].
    fractions : (B, 2) float32 or None
        How far the patches lie beyond their corners [px]; None for positions on whole pixels.
    N : int
        Side of a patch [px].

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
    return patches_between(with_margin(image), corners, fractions, N)


def with_margin(image: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Continue an image by `MARGIN` px on each side, as its outermost pixels."""
    return np.pad(image.astype(np.complex64), MARGIN, mode="edge")


def patches_between(
    padded: NDArray[np.complex64],
    corners: NDArray[np.int64],
    fractions: NDArray[np.float32],
    N: int,
) -> NDArray[np.complex64]:
    """Cut patches between pixels; see `patches_at`.

    Parameters
    ----------
    padded : (rows, columns) complex64
        The image `with_margin`.
    corners : (B, 2) int
        Whole corners in the image without its margin [px].
    fractions : (B, 2) float32
        How far the patches lie beyond them [px].
    N : int
        Side of a patch [px].

    Returns
    -------
    (B, N, N) complex64
    """
    wide = N + 2 * MARGIN
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
