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
    """Split a scan (B, 2) into few batches of indices whose N×N patches do not overlap."""
    batches: list[list[int]] = []
    for index, corner in enumerate(corners):
        for batch in batches:
            if np.all(np.abs(corners[batch] - corner).max(axis=1) >= N):
                batch.append(index)
                break
        else:
            batches.append([index])
    return [np.array(batch) for batch in batches]
