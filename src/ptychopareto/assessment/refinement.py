"""rPIE continued from what a network makes of the scored scan."""

from collections.abc import Sequence

from ptychopareto.assessment.classical import Steps, trajectory
from ptychopareto.assessment.wholes import Wholes
from ptychopareto.files import Dataset


def refined(wholes: Wholes | None, test: Dataset, epochs: Sequence[int], alpha: float) -> Steps:
    """rPIE from what a network makes of the whole object; 0 epochs are the network alone.

    Of a run that failed (None) there is nothing to refine: no steps.
    """
    return [] if wholes is None else trajectory(test, wholes, epochs, alpha)
