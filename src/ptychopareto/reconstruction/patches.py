"""Read and write patches of an object at scan positions."""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def pixel_indices(corners: NDArray[np.int64], N: int, columns: int, device: torch.device) -> Tensor:
    """Return the flat indices of patches in an object.

    Parameters
    ----------
    corners : (B, 2) int64
        Top-left corners [px].
    N : int
        Side of a patch [px].
    columns : int
        Columns of the object.
    device : torch.device
        Where the indices are to be.

    Returns
    -------
    (B, N, N) int
        Indices into the flattened object.
    """
    start = torch.from_numpy(corners[:, 0] * columns + corners[:, 1]).to(device)
    axis = torch.arange(N, device=device)
    return start[:, None, None] + (axis[:, None] * columns + axis)[None]


class Windows(Protocol):
    """The patches of an image at some corners, to be read and added to."""

    def read(self) -> Tensor:
        """Return a copy of the patches (B, N, N)."""

    def add(self, changes: Tensor) -> None:
        """Add changes (B, N, N) to the image; where patches overlap, the sum of theirs."""

    def clear(self) -> None:
        """Set the image to 0 in all patches."""


class SlicedWindows:
    """Patches as narrow slices: for a CPU, where to index every pixel takes as long as an FFT.

    Parameters
    ----------
    image : (rows, columns)
        A contiguous image.
    corners : (B, 2) int64
        Top-left corners [px].
    N : int
        Side of a patch [px].
    """

    def __init__(self, image: Tensor, corners: NDArray[np.int64], N: int) -> None:
        self._parts = [image[row : row + N, column : column + N] for row, column in corners]

    def read(self) -> Tensor:
        """Return a copy of the patches (B, N, N)."""
        return torch.stack(self._parts)

    def add(self, changes: Tensor) -> None:
        """Add changes (B, N, N) to the image."""
        for part, change in zip(self._parts, changes, strict=True):
            part += change

    def clear(self) -> None:
        """Set the image to 0 in all patches."""
        for part in self._parts:
            part.zero_()


class IndexedWindows:
    """Patches as indices of their pixels: for a GPU, which starts one kernel for all of them.

    Parameters
    ----------
    image : (rows, columns)
        A contiguous image.
    corners : (B, 2) int64
        Top-left corners [px].
    N : int
        Side of a patch [px].
    """

    def __init__(self, image: Tensor, corners: NDArray[np.int64], N: int) -> None:
        self._pixels = image.view(-1)
        self._index = pixel_indices(corners, N, image.shape[1], image.device)

    def read(self) -> Tensor:
        """Return a copy of the patches (B, N, N)."""
        return self._pixels[self._index]

    def add(self, changes: Tensor) -> None:
        """Add changes (B, N, N) to the image."""
        self._pixels.index_put_((self._index,), changes, accumulate=True)

    def clear(self) -> None:
        """Set the image to 0 in all patches."""
        self._pixels[self._index] = 0


def windows(image: Tensor, corners: NDArray[np.int64], N: int) -> Windows:
    """Open the patches of an image for reading and adding, in its memory.

    Parameters
    ----------
    image : (rows, columns)
        A contiguous image.
    corners : (B, 2) int64
        Top-left corners [px].
    N : int
        Side of a patch [px].

    Returns
    -------
    Windows
        Slices for a CPU, indices for a GPU.
    """
    kind = SlicedWindows if image.device.type == "cpu" else IndexedWindows
    return kind(image, corners, N)


def disjoint_batches(corners: NDArray[np.int64], N: int) -> list[NDArray[np.int64]]:
    """Split a scan into few batches whose patches do not overlap.

    Each patch goes into the first batch that holds none it overlaps. The positions are arbitrary.

    Parameters
    ----------
    corners : (B, 2) int64
        Top-left corners [px].
    N : int
        Side of a patch [px].

    Returns
    -------
    list of int64 array
        Indices (b,) of the patterns of each batch.
    """
    rows, columns = np.ascontiguousarray(corners.T)
    batch_of = np.empty(len(corners), np.intp)
    taken = np.empty(len(corners), bool)  # batches of patches that this one overlaps
    for index, (row, column) in enumerate(corners):
        overlap = np.abs(rows[:index] - row) < N
        overlap &= np.abs(columns[:index] - column) < N
        taken[: index + 1] = False
        taken[batch_of[:index][overlap]] = True
        batch_of[index] = taken[: index + 1].argmin()
    return [np.flatnonzero(batch_of == batch) for batch in range(batch_of.max() + 1)]
