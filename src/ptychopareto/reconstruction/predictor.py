"""What predicts the object patches of patterns: a network of torch, or one of another runtime."""

from typing import Protocol

import torch
from torch import Tensor, nn

from ptychopareto.reconstruction.predict import patterns_at_once


class Predictor(Protocol):
    """A trained network, wherever it runs.

    Attributes
    ----------
    N : side of a pattern [px]
    gridsize : √C, the side of the groups of neighbouring patterns that enter together
    batch : the number of groups that `__call__` is given at once, at most
    device : where amplitudes are expected and patches returned
    """

    N: int
    gridsize: int
    batch: int
    device: torch.device

    def __call__(self, amplitudes: Tensor) -> Tensor:
        """Predict object patches.

        Parameters
        ----------
        amplitudes : (g, C, N, N) float32 √counts on `device`, DC at pixel N // 2

        Returns
        -------
        (g, C, N, N) complex64, on `device`
        """


class TorchPredictor:
    """A `Predictor` that runs a network with torch.

    Parameters
    ----------
    network : as `models.registry.load_model` gives it
    N, gridsize : of the patterns it was trained on
    device : where it is to run
    """

    def __init__(self, network: nn.Module, N: int, gridsize: int, device: torch.device) -> None:
        self.network = network.to(device)
        self.N = N
        self.gridsize = gridsize
        self.batch = max(1, patterns_at_once(device) // gridsize**2)
        self.device = device

    @torch.inference_mode()
    def __call__(self, amplitudes: Tensor) -> Tensor:
        """Predict object patches (g, C, N, N) complex64; see `Predictor`."""
        patches: Tensor = self.network(amplitudes)
        return patches
