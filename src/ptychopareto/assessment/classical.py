"""Reconstruct the scored scan by rPIE: the classical reference, and what any start becomes."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.assessment.comparison import similarity
from ptychopareto.assessment.free_patterns import free_patterns
from ptychopareto.assessment.wholes import Wholes, r_factors
from ptychopareto.files import Dataset
from ptychopareto.reconstruction.object_scan import ObjectScan
from ptychopareto.reconstruction.rpie import flat_start


class Step(NamedTuple):
    """The object after a number of epochs of rPIE.

    Attributes
    ----------
    epochs : int
        Number of epochs.
    image : (H, W) complex64
        The scored region.
    r_factors : dict of float
        `r_work`, `r_free` and `r_free_flat`, as `wholes.r_factors` returns them.
    """

    epochs: int
    image: NDArray[np.complex64]
    r_factors: dict[str, float]


Steps = list[Step]


def classical(test: Dataset, epochs: Sequence[int], alpha: float, device: torch.device) -> Steps:
    """Reconstruct the scored scan by rPIE from a flat start.

    Parameters
    ----------
    test : Dataset
        The test scan.
    epochs : sequence of int
        Numbers of epochs after which the object is kept.
    alpha : float
        Regularisation of rPIE, 0 < α ≤ 1.
    device : torch.device
        Where rPIE runs.

    Returns
    -------
    list of Step
        A step for each number of epochs.
    """
    flat = flat_start(test.object_shape, device)
    return trajectory(test, Wholes(flat, flat), epochs, alpha)


def trajectory(test: Dataset, starts: Wholes, epochs: Sequence[int], alpha: float) -> Steps:
    """Continue the whole object by rPIE on the scored scan.

    A simulated scan is reconstructed from all of its patterns, and for R-free once more without
    those that are free.

    Parameters
    ----------
    test : Dataset
        The test scan.
    starts : Wholes
        The start object; where no light came from, a network gives 0, and rPIE starts from 1.
    epochs : sequence of int
        Numbers of epochs after which the object is kept, rising; 0 is the start itself.
    alpha : float
        Regularisation of rPIE, 0 < α ≤ 1.

    Returns
    -------
    list of Step
        A step for each number of epochs.
    """
    region, device = test.scored_region(), starts.every.device
    free = free_patterns(test)
    scored = test.object_index == 0
    without_free = _continued(test, scored & ~free, starts.without_free, epochs, alpha)
    every = (
        [image for _, image in _continued(test, scored, starts.every, epochs, alpha)]
        if not test.measured and free.any()
        else None
    )
    steps = []
    for number, (epoch, image) in enumerate(without_free):
        whole = image if every is None else every[number]
        steps.append(Step(epoch, whole[region].cpu().numpy(), r_factors(image.to(device), test)))
    return steps


def _continued(
    test: Dataset, which: NDArray[np.bool_], start: Tensor, epochs: Sequence[int], alpha: float
) -> Iterator[tuple[int, Tensor]]:
    """Yield the whole object after each number of epochs."""
    scan = ObjectScan.of(test.part(which), start.device)
    start = torch.where(start == 0, 1, start)
    if 0 in epochs:
        yield 0, start
    passes = enumerate(scan.rpie(start, alpha), start=1)
    for epoch, (image, _) in islice(passes, max(epochs)):
        if epoch in epochs:
            yield epoch, image.clone()


def scores(
    steps: Steps, test: Dataset, reference: NDArray[np.complex64] | None = None
) -> list[dict[str, Any]]:
    """Score the steps of a reconstruction.

    Parameters
    ----------
    steps : list of Step
        The steps, as `trajectory` returns them.
    test : Dataset
        The test scan.
    reference : (H, W) complex64, optional
        What a measured scan is compared with; None for the truth.

    Returns
    -------
    list of dict
        For each step its `epochs`, R-factors and, with a truth or a reference, measures.
    """
    return [
        {"epochs": step.epochs} | step.r_factors | similarity(step.image, test, reference)
        for step in steps
    ]
