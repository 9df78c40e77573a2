"""The training scan as tensors that stay on the device, and its split for validation."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.files import Dataset
from ptychopareto.physics import scan

# The same for every run of a study, so that validation losses can be compared.
VALIDATION_SEED = 0


@dataclass(frozen=True)
class ScanData:
    """Patterns (B, 1, N, N), probe (N, N), and target patches (B, 1, N, N) where there are any."""

    diffraction: Tensor
    probe: Tensor
    target: Tensor | None

    def split(self, validation_fraction: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Indices of the training and of the held-out patterns (at least one of each)."""
        count = len(self.diffraction)
        order = np.random.default_rng(VALIDATION_SEED).permutation(count)
        held_out = min(max(1, round(validation_fraction * count)), count - 1)
        return np.sort(order[held_out:]), np.sort(order[:held_out])

    def fingerprint(self) -> str:
        """SHA-256 of all arrays: a checkpoint belongs to the data it was trained on."""
        digest = hashlib.sha256()
        for tensor in (self.diffraction, self.probe, self.target):
            if tensor is not None:
                digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest()


def scan_data(
    dataset: Dataset, objects: NDArray[np.complex64] | None, device: torch.device
) -> ScanData:
    """Bring a dataset to the device.

    `objects` (n, H, W), the teacher's or the true ones, are cut into target patches.
    """
    target = None
    if objects is not None:
        cut = np.empty(dataset.diffraction.shape, np.complex64)
        for number, image in enumerate(objects):
            members = dataset.object_index == number
            cut[members] = scan.patches(image, dataset.corners[members], dataset.N)
        target = torch.from_numpy(cut)[:, None].to(device)
    diffraction = torch.from_numpy(dataset.diffraction)[:, None].to(device)
    return ScanData(diffraction, torch.from_numpy(dataset.probe).to(device), target)
