"""The training scan as tensors that stay on the device, and its split for validation."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.config import ConfigError
from ptychopareto.files import Dataset
from ptychopareto.physics import scan
from ptychopareto.physics.forward import intensity
from ptychopareto.physics.groups import Groups, group

# The same for every run of a study, so that validation losses can be compared.
VALIDATION_SEED = 0


@dataclass(frozen=True)
class ScanData:
    """The patterns that a network learns from, and what it learns.

    diffraction : (B, N, N) measured amplitudes
    probe : (N, N), or (M, N, N) of M modes
    target : (B, N, N) complex patches, or None where there are none
    groups : which patterns enter a network together
    valid : (1, N, N) or (B, N, N) bool, the pixels that a loss of the patterns counts; None for all
    """

    diffraction: Tensor
    probe: Tensor
    target: Tensor | None
    groups: Groups
    valid: Tensor | None = None

    @property
    def amplitude(self) -> Tensor:
        """|P| (N, N), of several modes the root of their intensity."""
        return self.probe.abs() if self.probe.ndim == 2 else intensity(self.probe).sqrt()

    def split(self, validation_fraction: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Indices of the groups to train on and of those to validate on.

        Patterns are held out (at least one of them, and not all), and with them their groups.
        """
        count = len(self.diffraction)
        order = np.random.default_rng(VALIDATION_SEED).permutation(count)
        held_out = min(max(1, round(validation_fraction * count)), count - 1)
        members = self.groups.members.cpu().numpy()
        validation = np.isin(members, order[:held_out]).any(axis=1)
        if validation.all():
            raise ConfigError(
                "training.validation_fraction: each group of patterns has one that is held out; "
                f"a smaller one or a scan of more than {count} patterns is wanted"
            )
        return np.flatnonzero(~validation), np.flatnonzero(validation)

    def patterns(self, which: Tensor) -> Tensor:
        """The patterns (g, C, N, N) of the groups `which` (g,)."""
        return self.diffraction[self.groups.members[which]]

    def counted(self, which: Tensor) -> Tensor | None:
        """The pixels of the groups `which` (g,) that count, broadcasting with their patterns."""
        if self.valid is None or len(self.valid) == 1:
            return self.valid
        return self.valid[self.groups.members[which]]

    def merge(self, patches: Tensor, which: Tensor) -> Tensor:
        """The patches (g, C, N, N) of groups, agreeing where they overlap."""
        return self.groups.merge(patches, self.probe, which)

    def fingerprint(self) -> str:
        """SHA-256 of all arrays: a checkpoint belongs to the data it was trained on."""
        digest = hashlib.sha256()
        grouped = self.groups.members if self.groups.patterns > 1 else None
        for tensor in (self.diffraction, self.probe, self.target, grouped, self.valid):
            if tensor is not None:
                digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest()


def scan_data(
    dataset: Dataset,
    objects: NDArray[np.complex64] | None,
    device: torch.device,
    gridsize: int = 1,
) -> ScanData:
    """Bring a dataset to the device.

    `objects` (n, H, W), the teacher's or the true ones, are cut into target patches. gridsize²
    neighbouring patterns make a group.
    """
    target = None
    if objects is not None:
        cut = np.empty(dataset.diffraction.shape, np.complex64)
        for number, image in enumerate(objects):
            members = dataset.object_index == number
            fractions = None if dataset.fractions is None else dataset.fractions[members]
            cut[members] = scan.patches_at(image, dataset.corners[members], fractions, dataset.N)
        target = torch.from_numpy(cut).to(device)
    return ScanData(
        diffraction=torch.from_numpy(dataset.diffraction).to(device),
        probe=torch.from_numpy(dataset.modes).to(device),
        target=target,
        groups=group(
            dataset.corners, dataset.object_index, dataset.N, gridsize, device, dataset.fractions
        ),
        valid=None if dataset.valid is None else torch.from_numpy(dataset.valid).to(device),
    )
