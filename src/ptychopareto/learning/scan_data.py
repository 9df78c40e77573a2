"""The training scan on the device, whole or batch by batch, and its validation split."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.config import ConfigError
from ptychopareto.files import Dataset, StoredPatterns
from ptychopareto.learning.targets import Targets
from ptychopareto.physics.forward import intensity
from ptychopareto.physics.groups import Groups, group
from ptychopareto.physics.on_device import OnDevice, on_device, pieces
from ptychopareto.physics.read_ahead import ReadAhead

# The same for every run of a study, so that validation losses can be compared.
VALIDATION_SEED = 0


@dataclass(frozen=True)
class ScanData:
    """The patterns that a network learns from, and what it learns, as tensors on one device.

    Attributes
    ----------
    diffraction : (B, N, N) real
        Measured √I, DC at pixel N // 2. Those of a large scan are read when they are indexed.
    probe : (N, N) or (M, N, N) complex
        The probe, or its M modes.
    target : (B, N, N) complex or None
        Patches of the teacher or the true ones; None where there are none. Those of a large scan
        are cut when they are indexed.
    groups : Groups
        The patterns that enter a network together.
    valid : (1, N, N) or (B, N, N) bool or None
        The pixels that a loss of the patterns counts; None for all.
    """

    diffraction: OnDevice
    probe: Tensor
    target: Tensor | Targets | None
    groups: Groups
    valid: OnDevice | None = None

    @property
    def amplitude(self) -> Tensor:
        """|P| (N, N), of several modes the root of their intensity."""
        return self.probe.abs() if self.probe.ndim == 2 else intensity(self.probe).sqrt()

    def split(self, validation_fraction: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Split the groups into those to train on and those to validate on.

        Patterns are held out (at least one of them, and not all), and with them their groups.

        Raises
        ------
        ConfigError
            Each group has a pattern that is held out.
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

    def expect(self, which: Tensor) -> None:
        """Begin to read the groups `which` (g,), which are wanted next, if they are in a file."""
        for part in (self.diffraction, self.target, self.valid):
            if isinstance(part, ReadAhead):
                part.expect(self.groups.members[which])

    def patterns(self, which: Tensor) -> Tensor:
        """Return the patterns (g, C, N, N) of the groups `which` (g,)."""
        return self.diffraction[self.groups.members[which]]

    def counted(self, which: Tensor) -> Tensor | None:
        """Return the pixels that count of the groups `which` (g,), to broadcast with patterns."""
        if self.valid is None or len(self.valid) == 1:
            return None if self.valid is None else self.valid[:]
        return self.valid[self.groups.members[which]]

    def merge(self, patches: Tensor, which: Tensor) -> Tensor:
        """Let the patches of each group agree where they overlap; see `Groups.merge`.

        Parameters
        ----------
        patches : (g, C, N, N) complex
            Predicted patches.
        which : (g,) int
            Indices of their groups.

        Returns
        -------
        (g, C, N, N) complex
            Patches that are equal where they overlap.
        """
        return self.groups.merge(patches, self.probe, which)

    def fingerprint(self) -> str:
        """Return the SHA-256 of all arrays: a checkpoint belongs to the data it was trained on."""
        digest = hashlib.sha256()
        grouped = self.groups.members if self.groups.size > 1 else None
        for part in (self.diffraction, self.probe, self.target, grouped, self.valid):
            if isinstance(part, Targets):
                for array in part.made_from():
                    digest.update(np.ascontiguousarray(array).data)
            elif part is not None:
                for piece in pieces(part):
                    digest.update(piece.contiguous().cpu().numpy().data)
        return digest.hexdigest()


def scan_data(
    dataset: Dataset,
    objects: NDArray[np.complex64] | None,
    device: torch.device,
    gridsize: int = 1,
) -> ScanData:
    """Bring a dataset to the device.

    Parameters
    ----------
    dataset : Dataset
        The training scan.
    objects : (n, rows, columns) complex64 or None
        The objects of the teacher, or the true ones, from which target patches are cut; None for no
        targets.
    device : torch.device
        Where tensors are to be.
    gridsize : int, optional
        Side of the groups: gridsize² neighbouring patterns enter a network together.

    Returns
    -------
    ScanData
    """
    target: Tensor | Targets | None = None
    if objects is not None:
        target = Targets(dataset, objects, device)
        if not isinstance(dataset.diffraction, StoredPatterns):
            target = target[:]
    return ScanData(
        diffraction=on_device(dataset.diffraction, device),
        probe=torch.from_numpy(dataset.modes).to(device),
        target=target,
        groups=group(
            dataset.corners, dataset.object_index, dataset.N, gridsize, device, dataset.fractions
        ),
        valid=None if dataset.valid is None else on_device(dataset.valid, device),
    )
