"""Merge overlapping patches into one object."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.files import Dataset
from ptychopareto.reconstruction.patches import pixel_indices


def stitch(
    patches: Tensor, probe: Tensor, corners: NDArray[np.int64], shape: tuple[int, int]
) -> Tensor:
    """The probe-weighted mean O = Σₙ |P|²·Oₙ / Σₙ |P|² of patches (B, N, N) at `corners` (B, 2),
    on their device.

    Returns the complex object (rows, columns) of `shape`; pixels that no light reached are 0.
    """
    N = probe.shape[-1]
    intensity = probe.abs() ** 2
    index = pixel_indices(corners, N, shape[1], patches.device).flatten()
    total = torch.zeros(shape[0] * shape[1], dtype=patches.dtype, device=patches.device)
    weight = torch.zeros_like(total.real)
    total.index_add_(0, index, (intensity * patches).flatten())
    weight.index_add_(0, index, intensity.expand(len(patches), N, N).flatten())
    lit = weight > 0
    return torch.where(lit, total / torch.where(lit, weight, 1), 0).view(shape)


def scored_scan(test: Dataset, device: torch.device) -> tuple[Tensor, NDArray[np.int64]]:
    """Patterns (B, N, N), on the device, and corners (B, 2) of the first object."""
    members = np.flatnonzero(test.object_index == 0)
    return torch.from_numpy(test.diffraction[members]).to(device), test.corners[members]
