"""Predictors of the object patches of patterns: networks of torch, or of another runtime."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import torch
from torch import Tensor, nn

from ptychopareto.reconstruction.predict import patterns_at_once

# Batches for each thread that wait for it, so that it goes on while their user reads or stitches.
_WAITING = 4


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
    threads : int
        How many threads may call it at the same time.
    device : torch.device
        Where amplitudes are expected and patches returned.
    """

    N: int
    gridsize: int
    batch: int
    threads: int
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
        self.threads = 1  # which shares each layer among torch's own
        self.device = device

    @torch.inference_mode()
    def __call__(self, amplitudes: Tensor) -> Tensor:
        """Predict object patches (g, C, N, N) complex64; see `Predictor`."""
        patches: Tensor = self.network(amplitudes)
        return patches


def predict_each(predictor: Predictor, batches: Iterable[Tensor]) -> Iterator[Tensor]:
    """Predict batches, where the predictor has threads the next ones while one is being used.

    No thread waits for another one, at the end of a batch neither: only once the last batch is
    taken do threads run out of work.

    Parameters
    ----------
    predictor : Predictor
        The network.
    batches : iterable of Tensor
        Amplitudes (g, C, N, N) of at most `predictor.batch` groups each; they are asked for when
        few are left to do.

    Yields
    ------
    (g, C, N, N) complex64
        The patches of the next batch, in the order of the batches.
    """
    if predictor.threads == 1:
        yield from map(predictor, batches)
        return
    pool = ThreadPoolExecutor(predictor.threads)
    begun: deque[Future[Tensor]] = deque()
    try:
        for batch in batches:
            begun.append(pool.submit(predictor, batch))
            if len(begun) > _WAITING * predictor.threads:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
