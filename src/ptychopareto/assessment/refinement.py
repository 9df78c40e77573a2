"""Continue by rPIE from what a network makes of the scored scan."""

from collections.abc import Sequence

from ptychopareto.assessment.classical import Steps, trajectory
from ptychopareto.assessment.wholes import Wholes
from ptychopareto.files import Dataset


def refined(wholes: Wholes | None, test: Dataset, epochs: Sequence[int], alpha: float) -> Steps:
    """Refine the whole object of a network by rPIE.

    Parameters
    ----------
    wholes : Wholes or None
        What the network makes of the whole object; None for a run that failed.
    test : Dataset
        The test scan.
    epochs : sequence of int
        Numbers of epochs after which the object is kept, rising; 0 is the network alone.
    alpha : float
        Regularisation of rPIE, 0 < α ≤ 1.

    Returns
    -------
    Steps
        A step for each number of epochs; none for a run that failed.
    """
    return [] if wholes is None else trajectory(test, wholes, epochs, alpha)
