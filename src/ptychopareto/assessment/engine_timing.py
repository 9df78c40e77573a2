"""Time what comes after a network: stitching, and rPIE."""

import statistics
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ptychopareto.assessment.cost import seconds_of
from ptychopareto.files import Dataset
from ptychopareto.reconstruction.object_scan import ObjectScan
from ptychopareto.reconstruction.rpie import flat_start
from ptychopareto.reconstruction.stitch import stitch

ROUNDS = 5


@dataclass(frozen=True)
class EngineTiming:
    """Medians of what comes after the network: stitching, and rPIE.

    Attributes
    ----------
    scored_fraction : float
        Patterns of the first object, which these times are for, as a part of the test scan.
    stitch_s : float
        Stitching [s].
    setup_s : float
        RPIE's set-up [s].
    epoch_s : float
        One epoch of rPIE [s].
    """

    scored_fraction: float
    stitch_s: float
    setup_s: float
    epoch_s: float


def time_engine(
    test: Dataset, alpha: float, device: torch.device, rounds: int = ROUNDS
) -> EngineTiming:
    """Time stitching and rPIE on the scored scan; rPIE does the same work from any start.

    Parameters
    ----------
    test : Dataset
        The test scan.
    alpha : float
        Regularisation of rPIE, 0 < α ≤ 1.
    device : torch.device
        Where both run.
    rounds : int, optional
        Number of rounds after a first one, which is dropped.

    Returns
    -------
    EngineTiming
    """
    scan = ObjectScan.of(test.scored(), device)
    start = flat_start(scan.shape, device)
    patches = torch.ones((1, scan.N, scan.N), dtype=torch.complex64, device=device)
    patches = patches.expand(scan.diffraction.shape)
    if isinstance(scan.diffraction, Tensor):  # else they need not fit into memory
        patches = patches.contiguous()
    stitched = partial(stitch, patches, scan.probe, scan.corners, scan.shape, scan.fractions)
    times = []
    for _ in range(1 + rounds):
        stitching = seconds_of(stitched, device)
        passes = scan.rpie(start, alpha)
        first, second = (seconds_of(partial(next, passes), device) for _ in range(2))
        times.append((stitching, first - second, second))
    stitching, setup, epoch = (statistics.median(column) for column in zip(*times[1:], strict=True))
    fraction = len(scan) / len(test.diffraction)
    return EngineTiming(fraction, stitching, max(setup, 0.0), epoch)
