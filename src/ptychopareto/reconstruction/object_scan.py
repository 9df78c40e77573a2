"""The patterns of one object on a device, with all that a classical engine asks for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.config import Joint
from ptychopareto.files import Dataset
from ptychopareto.reconstruction.joint import JointSettings, JointState, joint
from ptychopareto.reconstruction.r_factor import r_factor
from ptychopareto.reconstruction.rpie import flat_start, rpie


@dataclass(frozen=True)
class ObjectScan:
    """The patterns of one object on a device.

    Attributes
    ----------
    diffraction : (B, N, N) measured amplitudes
    probe : (N, N) complex, or (M, N, N) of M modes
    corners : (B, 2) whole corners [px]
    shape : rows and columns of the object
    fractions : (B, 2) how far the patches lie beyond their corners [px]; None for nothing
    valid : (1, N, N) or (B, N, N) bool, the pixels to believe; None for all
    """

    diffraction: Tensor
    probe: Tensor
    corners: NDArray[np.int64]
    shape: tuple[int, int]
    fractions: NDArray[np.float32] | None
    valid: Tensor | None

    @classmethod
    def of(cls, scan: Dataset, device: torch.device) -> "ObjectScan":
        """Bring a scan, all of whose patterns are of one object, to a device."""
        return cls(
            diffraction=torch.from_numpy(scan.diffraction).to(device),
            probe=torch.from_numpy(scan.modes).to(device),
            corners=scan.corners,
            shape=scan.object_shape,
            fractions=scan.fractions,
            valid=None if scan.valid is None else torch.from_numpy(scan.valid).to(device),
        )

    def __len__(self) -> int:
        return len(self.corners)

    def r_factor(self, image: Tensor) -> float:
        """R-factor of an object (rows, columns); NaN without patterns."""
        return r_factor(
            image, self.probe, self.corners, self.fractions, self.diffraction, self.valid
        )

    def with_probe(self, probe: Tensor) -> "ObjectScan":
        """The same patterns under another probe (M, N, N)."""
        return replace(self, probe=probe)

    def rpie(self, start: Tensor, alpha: float, seed: int = 0) -> Iterator[tuple[Tensor, float]]:
        """Run rPIE from a start object (rows, columns); see `rpie`."""
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
