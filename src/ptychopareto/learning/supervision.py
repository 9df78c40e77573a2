"""What a network learns from, as a loss of its predictions."""

from collections.abc import Callable

from torch import Tensor

from ptychopareto.config import Supervision, Training
from ptychopareto.learning.losses import amplitude_loss, object_loss, poisson_loss
from ptychopareto.learning.scan_data import ScanData

Loss = Callable[[Tensor, Tensor], Tensor]


def make_loss(
    supervision: Supervision, settings: Training, scan: ScanData, physics_weight: float = 0.0
) -> Loss:
    """The loss as a function of (predicted patches (g, C, N, N), indices of their groups).

    To an object loss (teacher, truth) that of the patterns is added, `physics_weight` times.
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
