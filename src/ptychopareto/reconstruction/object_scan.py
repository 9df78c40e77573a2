"""The patterns of one object on a device, with everything that a classical engine needs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.config import Joint
from ptychopareto.files import Dataset
from ptychopareto.physics.on_device import OnDevice, on_device
from ptychopareto.reconstruction.joint import JointSettings, joint
from ptychopareto.reconstruction.joint_model import JointState
from ptychopareto.reconstruction.r_factor import r_factor
from ptychopareto.reconstruction.rpie import flat_start, rpie


@dataclass(frozen=True)
class ObjectScan:
    """The patterns of one object on a device.

    Attributes
    ----------
    diffraction : (B, N, N) real
        Measured √I, DC at pixel N // 2.
    probe : (N, N) or (M, N, N) complex
        The probe, or its M modes.
    corners : (B, 2) int64
        Whole corners [px].
    shape : tuple of int
        Rows and columns of the object.
    fractions : (B, 2) float32 or None
        How far the patches lie beyond their corners [px]; None for positions on whole pixels.
    valid : (1, N, N) or (B, N, N) bool or None
        The pixels to believe; None for all.
    """

    diffraction: OnDevice
    probe: Tensor
    corners: NDArray[np.int64]
    shape: tuple[int, int]
    fractions: NDArray[np.float32] | None
    valid: OnDevice | None

    @classmethod
    def of(cls, scan: Dataset, device: torch.device) -> "ObjectScan":
        """Bring a scan to a device.

        Parameters
        ----------
        scan : Dataset
            A scan, all of whose patterns are of one object.
        device : torch.device
            Where the patterns are to be.

        Returns
        -------
        ObjectScan
        """
        return cls(
            diffraction=on_device(scan.diffraction, device),
            probe=torch.from_numpy(scan.modes).to(device),
            corners=scan.corners,
            shape=scan.object_shape,
            fractions=scan.fractions,
            valid=None if scan.valid is None else on_device(scan.valid, device),
        )

    def __len__(self) -> int:
        return len(self.corners)

    @property
    def N(self) -> int:
        """Return the side of a pattern [px]."""
        return self.probe.shape[-1]

    def r_factor(self, image: Tensor) -> float:
        """R-factor of an object (rows, columns); NaN without patterns."""
        return r_factor(
            image, self.probe, self.corners, self.fractions, self.diffraction, self.valid
        )

    def with_probe(self, probe: Tensor) -> "ObjectScan":
        """Return the same patterns under another probe (M, N, N)."""
        return replace(self, probe=probe)

    def rpie(self, start: Tensor, alpha: float, seed: int = 0) -> Iterator[tuple[Tensor, float]]:
        """Run rPIE from a start object; see `rpie`.

        Parameters
        ----------
        start : (rows, columns) complex
            The start object.
        alpha : float
            Regularisation, 0 < α ≤ 1.
        seed : int, optional
            Seed of the order of the patterns.

        Yields
        ------
        tuple of Tensor and float
            The object and the misfit after each epoch, without end.
        """
        return rpie(
            self.diffraction,
            self.probe,
            self.corners,
            start,
            alpha,
            seed,
            fractions=self.fractions,
            valid=self.valid,
        )

    def joint(self, settings: Joint) -> Iterator[JointState]:
        """Find object and probe together, from a flat object and this probe; see `joint`."""
        return joint(
            self.diffraction,
            self.probe,
            self.corners,
            flat_start(self.shape, self.diffraction.device),
            JointSettings(modes=settings.modes, positions=settings.refine_positions),
            fractions=self.fractions,
            valid=self.valid,
        )
