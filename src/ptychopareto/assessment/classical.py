"""rPIE on the scored scan: the classical reference, and what any start object becomes."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.assessment.metrics import evaluate
from ptychopareto.files import Dataset
from ptychopareto.reconstruction.rpie import flat_start, rpie
from ptychopareto.reconstruction.stitch import scored_scan

Steps = list[tuple[int, NDArray[np.complex64]]]


def classical(test: Dataset, epochs: Sequence[int], alpha: float, device: torch.device) -> Steps:
    """rPIE from a flat start: the scored region (H, W) after each number of `epochs`."""
    return trajectory(test, flat_start(test.object_shape, device), epochs, alpha)


def trajectory(test: Dataset, start: Tensor, epochs: Sequence[int], alpha: float) -> Steps:
    """Continue `start`, the whole object, by rPIE on the scored scan, `epochs` increasing.

    Where no light came from, the network has no opinion (0): there rPIE starts from 1.
    """
    region = test.scored_region()
    start = torch.where(start == 0, 1, start)
    diffraction, corners = scored_scan(test, start.device)
    probe = torch.from_numpy(test.probe).to(start.device)
    steps = [(0, start)] if 0 in epochs else []
    passes = enumerate(rpie(diffraction, probe, corners, start, alpha), start=1)
    for epoch, (image, _) in islice(passes, max(epochs)):
        if epoch in epochs:
            steps.append((epoch, image.clone()))
    return [(epoch, image[region].cpu().numpy()) for epoch, image in steps]


def scores(steps: Steps, truth: NDArray[np.complex64] | None) -> list[dict[str, Any]]:
    """One row per step: its epochs and, where the truth is known, all measures."""
    return [
        {"epochs": epoch} | (evaluate(image, truth) if truth is not None else {})
        for epoch, image in steps
    ]
