"""Predictors of the object patches of patterns: networks of torch, or of another runtime."""

from typing import Protocol

import torch
from torch import Tensor, nn

from ptychopareto.reconstruction.predict import patterns_at_once


class Predictor(Protocol):
    """A trained network, wherever it runs.

    Attributes
    ----------
    N : int
        Side of a pattern [px].
    gridsize : int
        √C, the side of the groups of neighbouring patterns that enter together.
    batch : int
        The number of groups that `__call__` is given at once, at most.
    device : torch.device
        Where amplitudes are expected and patches returned.
    """

    N: int
    gridsize: int
    batch: int
    device: torch.device

    def __call__(self, amplitudes: Tensor) -> Tensor:
        """Predict object patches.

        Parameters
        ----------
        amplitudes : (g, C, N, N) float32
            √counts on `device`, DC at pixel N // 2.

        Returns
        -------
        (g, C, N, N) complex64, on `device`
        """


class TorchPredictor:
    """A `Predictor` that runs a network with torch.

    Parameters
    ----------
    network : nn.Module
        The network, as `models.registry.load_model` gives it.
    N : int
        Side of the patterns it was trained on [px].
    gridsize : int
        Side of the groups of neighbouring patterns that enter it together.
    device : torch.device
        Where it is to run.
    """

    def __init__(self, network: nn.Module, N: int, gridsize: int, device: torch.device) -> None:
        self.network = network.to(device)
        self.N = N
        self.gridsize = gridsize
        self.batch = max(1, patterns_at_once(device, N) // gridsize**2)
        self.device = device

    @torch.inference_mode()
    def __call__(self, amplitudes: Tensor) -> Tensor:
        """Predict object patches (g, C, N, N) complex64; see `Predictor`."""
        patches: Tensor = self.network(amplitudes)
        return patches
