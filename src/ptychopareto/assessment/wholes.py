"""The whole object that a reconstruction is scored by, and its measures that need no truth.

A module of its own, as rPIE from a flat start needs no network: a change in a network's layers is
no reason to repeat it.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ptychopareto.assessment.free_patterns import free_patterns
from ptychopareto.assessment.half_sets import frc50_halves
from ptychopareto.files import Dataset
from ptychopareto.reconstruction.object_scan import ObjectScan


class Wholes(NamedTuple):
    """The whole object that is scored, on the device, reconstructed from several sets of patterns.

    Attributes
    ----------
    every : (rows, columns) complex
        Made from every pattern that may be used.
    without_free : (rows, columns) complex
        Made without the free patterns. For a measured scan, whose free patterns may not be used at
        all, it is the same object.
    halves : tuple of Tensor or None
        Two objects, each made from every other pattern, if they are asked for.
    """

    every: Tensor
    without_free: Tensor
    halves: tuple[Tensor, Tensor] | None = None


def r_factors(without_free: Tensor, test: Dataset) -> dict[str, float]:
    """Compute the R-factors of an object that no free pattern took part in.

    Parameters
    ----------
    without_free : (rows, columns) complex
        The object, on the device.
    test : Dataset
        The test scan.

    Returns
    -------
    dict of float
        `r_work`, of the patterns that the object may be made from; `r_free`, of those that are
        free; `r_free_flat`, the R-factor of the free patterns for a flat object.
    """
    free = free_patterns(test)
    own = (test.object_index == 0) & ~free
    work, left_out = (ObjectScan.of(test.part(which), without_free.device) for which in (own, free))
    return {
        "r_work": work.r_factor(without_free),
        "r_free": left_out.r_factor(without_free),
        "r_free_flat": left_out.r_factor(torch.ones_like(without_free)),
    }


def agreement(wholes: Wholes, test: Dataset) -> dict[str, float]:
    """Measure how far two objects agree that are made from every other pattern.

    Parameters
    ----------
    wholes : Wholes
        The objects.
    test : Dataset
        The test scan.

    Returns
    -------
    dict of float
        `frc50_halves`, as a fraction of Nyquist, NaN for an empty half; an empty dictionary without
        halves.
    """
    if wholes.halves is None:
        return {}
    region = test.scored_region()
    even, odd = (half[region].cpu().numpy() for half in wholes.halves)
    if not (even.any() and odd.any()):
        return {"frc50_halves": math.nan}
    return {"frc50_halves": frc50_halves(even, odd, test.covered())}
