"""Reconstruct the object of a scan from its patterns, with a trained network."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ptychopareto.files import Dataset
from ptychopareto.physics.groups import group
from ptychopareto.physics.on_device import on_device
from ptychopareto.reconstruction.predict import predict, predict_in_batches
from ptychopareto.reconstruction.predictor import TorchPredictor
from ptychopareto.reconstruction.stitch import stitch
from ptychopareto.reconstruction.stream import ObjectStream


class Predictions:
    """The groups of a scan's patterns on a device, as networks take them.

    Parameters
    ----------
    scan : Dataset
        The scan, none of whose patterns is free.
    gridsize : int
        Side of the groups of neighbouring patterns that enter a network together.
    device : torch.device
        Where networks run.
    """

    def __init__(self, scan: Dataset, gridsize: int, device: torch.device) -> None:
        self.scan = scan
        self.diffraction = on_device(scan.diffraction, device)
        self.probe = torch.from_numpy(scan.modes).to(device)
        self.groups = group(
            scan.corners, scan.object_index, scan.N, gridsize, device, scan.fractions
        )
        self.members = self.groups.members.cpu().numpy()

    def patches(self, network: nn.Module) -> Tensor:
        """Predict the object patches (G, C, N, N) complex64 of all groups."""
        return predict(network, self.diffraction, self.probe, self.groups)

    def warm_up(self, network: nn.Module, groups: int) -> None:
        """Predict some groups, so that a later measurement of time is not of the start.

        Parameters
        ----------
        network : nn.Module
            The network.
        groups : int
            Number of groups.
        """
        predict(network, self.diffraction, self.probe, self.groups.first(groups))

    def of_object(self, number: int) -> NDArray[np.bool_]:
        """Tell which groups (G,) belong to an object."""
        return np.asarray(self.scan.object_index[self.members[:, 0]] == number)

    def stitched(self, patches: Tensor, which: NDArray[np.bool_]) -> Tensor:
        """Merge the patches of some groups into the object that they belong to.

        Parameters
        ----------
        patches : (G, C, N, N) complex
            The patches of all groups.
        which : (G,) bool
            The groups to use, all of one object.

        Returns
        -------
        (rows, columns) complex
            The object; 0 where no light reached it.
        """
        own = self.members[which].ravel()
        fractions = None if self.scan.fractions is None else self.scan.fractions[own]
        found = patches[torch.from_numpy(which)].flatten(0, 1)
        corners, shape = self.scan.corners[own], self.scan.object_shape
        return stitch(found, self.probe, corners, shape, fractions)

    def batches(self, network: nn.Module) -> Iterator[Tensor]:
        """Predict the patches of all groups batch by batch; see `predict_in_batches`."""
        return predict_in_batches(network, self.diffraction, self.probe, self.groups)


def reconstruct(
    network: nn.Module, scan: Dataset, gridsize: int = 1, device: torch.device | None = None
) -> NDArray[np.complex64]:
    """Reconstruct the first object of a scan with a trained network.

    Parameters
    ----------
    network : nn.Module
        As `models.registry.load_model` gives it.
    scan : Dataset
        As `files.read_dataset` gives it; patterns that are free are not used.
    gridsize : int, optional
        `dataset.gridsize` of the study that trained the network.
    device : torch.device, optional
        Where to run; None is the CPU.

    Returns
    -------
    (rows, columns) complex64
        The object; 0 where no light reached it. A global phase is free.
    """
    device = torch.device("cpu") if device is None else device
    stream = ObjectStream(
        TorchPredictor(network, scan.N, gridsize, device), scan.modes, scan.object_shape
    )
    used = scan.object_index == 0 if scan.free is None else (scan.object_index == 0) & ~scan.free
    for _ in stream.add_scan(scan.diffraction, scan.corners, scan.fractions, np.flatnonzero(used)):
        pass
    return stream.object()
