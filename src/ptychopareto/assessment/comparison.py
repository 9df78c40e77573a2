"""Compare a reconstruction of the scored region with the truth, or with a reference."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.assessment.metrics import evaluate
from ptychopareto.files import Dataset


def compared(
    reconstruction: NDArray[np.complex64],
    test: Dataset,
    reference: NDArray[np.complex64] | None = None,
) -> dict[str, Any]:
    """Score a reconstruction against the truth, or for want of one against a reference.

    Parameters
    ----------
    reconstruction : (H, W) complex64
        The scored region.
    test : Dataset
        The scan.
    reference : (H, W) complex64, optional
        The classical reconstruction of the whole scan; None for the truth.

    Returns
    -------
    dict
        The measures of `metrics.evaluate`, and `error` where there is nothing to measure against.
    """
    measures: dict[str, Any] = dict(similarity(reconstruction, test, reference))
    if not measures:
        measures["error"] = "no truth in the test data: nothing to measure against"
    elif math.isnan(measures["ssim_phase"]):
        measures["error"] = "the truth has a flat phase: the phase measures are void"
    return measures


def similarity(
    reconstruction: NDArray[np.complex64],
    test: Dataset,
    reference: NDArray[np.complex64] | None = None,
) -> dict[str, float]:
    """Score a reconstruction as `compared` does, without words.

    Parameters
    ----------
    reconstruction : (H, W) complex64
        The scored region.
    test : Dataset
        The scan.
    reference : (H, W) complex64, optional
        The classical reconstruction of the whole scan; None for the truth.

    Returns
    -------
    dict of float
        The measures of `metrics.evaluate`; empty where there is neither truth nor reference.
    """
    truth = test.truth if reference is None else reference
    return {} if truth is None else evaluate(reconstruction, truth, region=test.covered())
