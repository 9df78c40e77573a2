"""The whole object that a reconstruction scores by, and what is measured of it without a truth.

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
    """What is made of the whole object (rows, columns) that is scored, on the device.

    `every` is made from every pattern that may be used. `without_free` is made without the free
    ones: of a measured scan, none of which may be used, the same object. `halves` are made from
    every other pattern, if they are asked for.
    """

    every: Tensor
    without_free: Tensor
    halves: tuple[Tensor, Tensor] | None = None


def r_factors(without_free: Tensor, test: Dataset) -> dict[str, float]:
    """R-factors of an object (rows, columns) that no free pattern took part in.

    Returns `r_work`, of the patterns it may be made from, `r_free`, of those that are free, and
    `r_free_flat`, what a flat object has instead of that.
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
    """Find how far two objects agree that are made from every other pattern, `frc50_halves`."""
    if wholes.halves is None:
        return {}
    region = test.scored_region()
    even, odd = (half[region].cpu().numpy() for half in wholes.halves)
    if not (even.any() and odd.any()):
        return {"frc50_halves": math.nan}
    return {"frc50_halves": frc50_halves(even, odd, test.covered())}
