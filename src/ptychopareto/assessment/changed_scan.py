"""Score all networks of a study, and rPIE, on a changed test scan."""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ptychopareto.assessment.classical import classical, scores
from ptychopareto.assessment.evaluation import evaluate_run
from ptychopareto.config.columns import QUALITIES
from ptychopareto.files import Dataset

log = logging.getLogger(__name__)

REPORT_SECONDS = 10.0
# The parts of an evaluation that are kept for a changed scan: its costs are those of the scan as
# it was.
KEPT = ("status", "error", *QUALITIES)


def evaluate_all(
    models: Mapping[str, Path], test: Dataset, epochs: int, alpha: float, device: torch.device
) -> dict[str, Any]:
    """Score all networks on one scan, and rPIE from a flat start beside them.

    Parameters
    ----------
    models : dict of Path
        The model file of each network by its name.
    test : Dataset
        The scan.
    epochs : int
        Number of epochs of rPIE.
    alpha : float
        Regularisation of rPIE, 0 < α ≤ 1.
    device : torch.device
        Where networks and rPIE run.

    Returns
    -------
    dict
        `networks`: status, error and measures of each network by its name (no measures where the
        training failed); `classical`: the epochs and measures of rPIE.

    Raises
    ------
    FileError
        A model file is damaged.
    """
    networks: dict[str, dict[str, Any]] = {}
    reported = time.monotonic()
    for number, (name, model) in enumerate(models.items(), start=1):
        metrics = evaluate_run(model, test, device).metrics
        networks[name] = {key: value for key, value in metrics.items() if key in KEPT}
        if time.monotonic() - reported > REPORT_SECONDS or number == len(models):
            reported = time.monotonic()
            log.info("%d of %d networks evaluated", number, len(models))
    reference = scores(classical(test, [epochs], alpha, device), test)
    return {"networks": networks, "classical": reference[0]}
