"""What the networks of a study, and rPIE beside them, make of a changed test scan."""

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
# Of an evaluation, what is said of a changed scan: its costs are those of the scan as it was.
SAID = ("status", "error", *QUALITIES)


def evaluate_all(
    models: Mapping[str, Path], test: Dataset, epochs: int, alpha: float, device: torch.device
) -> dict[str, Any]:
    """Score all networks (name → file) on one scan, and rPIE from a flat start after `epochs`.

    Returns `networks`, the status, error and measures of each by its name (no measures where the
    training failed), and `classical`, the epochs and measures of rPIE.
    """
    networks: dict[str, dict[str, Any]] = {}
    reported = time.monotonic()
    for number, (name, model) in enumerate(models.items(), start=1):
        metrics = evaluate_run(model, test, device).metrics
        networks[name] = {key: value for key, value in metrics.items() if key in SAID}
        if time.monotonic() - reported > REPORT_SECONDS or number == len(models):
            reported = time.monotonic()
            log.info("%d of %d networks evaluated", number, len(models))
    reference = scores(classical(test, [epochs], alpha, device), test)
    return {"networks": networks, "classical": reference[0]}
