"""rPIE on the scored scan: the classical reference, and what any start object becomes."""

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
    """The object after so many epochs: the scored region (H, W), and its R-factors."""

    epochs: int
    image: NDArray[np.complex64]
    r_factors: dict[str, float]


Steps = list[Step]


def classical(test: Dataset, epochs: Sequence[int], alpha: float, device: torch.device) -> Steps:
    """rPIE from a flat start: the scored region (H, W) after each number of `epochs`."""
    flat = flat_start(test.object_shape, device)
    return trajectory(test, Wholes(flat, flat), epochs, alpha)


def trajectory(test: Dataset, starts: Wholes, epochs: Sequence[int], alpha: float) -> Steps:
    """Continue the whole object by rPIE on the scored scan, `epochs` increasing.

    Where no light came from, the network has no opinion (0): there rPIE starts from 1.

    A simulated scan is reconstructed from all of its patterns, and for R-free once more without
    those that are free.
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
    """The whole object after each number of epochs."""
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
    """One row per step: its epochs, R-factors and, with a truth or a reference, measures."""
    return [
        {"epochs": step.epochs} | step.r_factors | similarity(step.image, test, reference)
        for step in steps
    ]
