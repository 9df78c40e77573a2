"""rPIE continued from what a network makes of the scored scan."""

import logging
from collections.abc import Sequence
from pathlib import Path

import torch

from ptychopareto.assessment.classical import Steps, trajectory
from ptychopareto.assessment.evaluation import stitched
from ptychopareto.files import Dataset
from ptychopareto.models.registry import load_model

log = logging.getLogger(__name__)


def refined(
    model: Path, test: Dataset, epochs: Sequence[int], alpha: float, device: torch.device
) -> Steps:
    """rPIE from what a network makes of the scan; 0 epochs are the network alone.

    Of a network whose training failed, or that does not fit on the GPU, there is nothing to refine:
    no steps, and for the latter a line in the log.
    """
    network, _, training = load_model(model)
    if training["status"] != "ok":
        return []
    try:
        start = stitched(network.to(device), test, device)
    except torch.OutOfMemoryError:
        log.warning("%s does not fit on the device: nothing to refine", model)
        return []
    return trajectory(test, start, epochs, alpha)
