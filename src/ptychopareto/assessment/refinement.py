"""rPIE continued from what a network makes of the scored scan."""

from collections.abc import Sequence

from torch import Tensor

from ptychopareto.assessment.classical import Steps, trajectory
from ptychopareto.files import Dataset


def refined(whole: Tensor | None, test: Dataset, epochs: Sequence[int], alpha: float) -> Steps:
    """rPIE from what a network makes of the whole object; 0 epochs are the network alone.

    Of a run that failed (None) there is nothing to refine: no steps.
    """
    return [] if whole is None else trajectory(test, whole, epochs, alpha)
