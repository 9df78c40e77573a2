"""Read and write patches of an object at scan positions."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def pixel_indices(corners: NDArray[np.int64], N: int, columns: int, device: torch.device) -> Tensor:
    """Flat indices (B, N, N) of the patches at `corners` (B, 2) in an object of given columns."""
    start = torch.from_numpy(corners[:, 0] * columns + corners[:, 1]).to(device)
    axis = torch.arange(N, device=device)
    return start[:, None, None] + (axis[:, None] * columns + axis)[None]


def disjoint_batches(corners: NDArray[np.int64], N: int) -> list[NDArray[np.int64]]:
    """Split a scan (B, 2) into few batches of indices whose N×N patches do not overlap.

    Each patch goes into the first batch that holds none it overlaps. The positions are arbitrary.
    """
    rows, columns = np.ascontiguousarray(corners.T)
    batch_of = np.empty(len(corners), np.intp)
    taken = np.empty(len(corners), bool)  # by a patch that this one overlaps
    for index, (row, column) in enumerate(corners):
        overlap = np.abs(rows[:index] - row) < N
        overlap &= np.abs(columns[:index] - column) < N
        taken[: index + 1] = False
        taken[batch_of[:index][overlap]] = True
        batch_of[index] = taken[: index + 1].argmin()
    return [np.flatnonzero(batch_of == batch) for batch in range(batch_of.max() + 1)]
