"""The supervision of a network, as a loss of its predictions."""

from collections.abc import Callable

from torch import Tensor

from ptychopareto.config import Supervision, Training
from ptychopareto.learning.losses import amplitude_loss, object_loss, poisson_loss
from ptychopareto.learning.scan_data import ScanData

Loss = Callable[[Tensor, Tensor], Tensor]


def make_loss(
    supervision: Supervision, settings: Training, scan: ScanData, physics_weight: float = 0.0
) -> Loss:
    """Make the loss of a training.

    Parameters
    ----------
    supervision : Supervision
        What the network learns from.
    settings : Training
        The settings of the training.
    scan : ScanData
        The training scan; object losses (teacher, truth) need its targets.
    physics_weight : float, optional
        Weight with which the loss of the patterns is added to an object loss.

    Returns
    -------
    callable
        A function of predicted patches (g, C, N, N) and the indices (g,) of their groups, which
        returns a scalar.

    Raises
    ------
    ValueError
        An object loss is wanted, and the scan has no targets.
    """
    measure = amplitude_loss if settings.physics_loss == "amplitude" else poisson_loss

    def of_patterns(predicted: Tensor, which: Tensor) -> Tensor:
        return measure(predicted, scan.patterns(which), scan.probe, scan.counted(which))

    if supervision == "physics":
        return of_patterns
    if scan.target is None:
        raise ValueError(f"supervision '{supervision}' needs target objects")
    target, weight, free = scan.target, scan.amplitude, settings.gauge == "free"
    members = scan.groups.members

    def of_objects(predicted: Tensor, which: Tensor) -> Tensor:
        return object_loss(predicted, target[members[which]], weight, free)

    if physics_weight == 0:
        return of_objects
    return lambda predicted, which: (
        of_objects(predicted, which) + physics_weight * of_patterns(predicted, which)
    )
