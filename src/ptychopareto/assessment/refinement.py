"""rPIE continued from what a network makes of the scored scan."""

from collections.abc import Sequence
from pathlib import Path

import torch

from ptychopareto.assessment.classical import Steps, trajectory
from ptychopareto.assessment.evaluation import stitched
from ptychopareto.files import Dataset
from ptychopareto.models.registry import load_model


def refined(
    model: Path, test: Dataset, epochs: Sequence[int], alpha: float, device: torch.device
) -> Steps:
    """rPIE from what a network makes of the scan; 0 epochs are the network alone.

    Of a network whose training failed there is nothing to refine: no steps.
    """
    network, _, training = load_model(model)
    if training["status"] != "ok":
        return []
    try:
        start = stitched(network.to(device), test, device)
    except torch.OutOfMemoryError:
        return []  # its row in the table says so
    return trajectory(test, start, epochs, alpha)
