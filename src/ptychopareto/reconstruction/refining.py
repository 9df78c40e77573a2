"""rPIE after a network, for a number of epochs or until free patterns say that it is enough."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ptychopareto.reconstruction.object_scan import ObjectScan

MOST_EPOCHS = 50  # where free patterns decide
PATIENCE = 3  # epochs without a smaller R-factor of the free patterns


@dataclass(frozen=True, eq=False)
class Refined:
    """An object after so many epochs of rPIE.

    Attributes
    ----------
    image : (rows, columns) complex64
        The object.
    epochs : int
        How many passes over the scan made it.
    r_free : tuple of float
        R-factor of the free patterns after each epoch, the start first; empty if none were asked.
    """

    image: Tensor
    epochs: int
    r_free: tuple[float, ...] = ()


def refine(scan: ObjectScan, start: Tensor, epochs: int, alpha: float) -> Iterator[Refined]:
    """Continue an object by rPIE.

    Parameters
    ----------
    scan : ObjectScan
        The patterns, none of them free.
    start : (rows, columns) complex64
        Where it is 0, no light came from there, and rPIE starts at 1.
    epochs : int
        Number of passes over the scan.
    alpha : float
        Regularisation of rPIE.

    Yields
    ------
    Refined
        The object after each epoch, which the next one changes in place.
    """
    passes = scan.rpie(torch.where(start == 0, 1, start), alpha)
    for epoch in range(1, epochs + 1):
        image, _ = next(passes)
        yield Refined(image, epoch)


def refine_until_free_patterns_object(
    scan: ObjectScan,
    free: ObjectScan,
    start: Tensor,
    alpha: float,
    most_epochs: int = MOST_EPOCHS,
) -> Iterator[Refined]:
    """Continue an object by rPIE for as long as patterns that took no part in it fit better.

    Parameters
    ----------
    scan : ObjectScan
        The patterns that make the object.
    free : ObjectScan
        The free patterns, at least one.
    start : (rows, columns) complex64
        As for `refine`.
    alpha : float
        Regularisation of rPIE.
    most_epochs : int, optional
        The most passes over the scan, at least 1.

    Yields
    ------
    Refined
        After each epoch the best object so far; it may be the start, after 0 epochs.
    """
    found = [free.r_factor(start)]
    best = Refined(start.clone(), 0, tuple(found))
    for step in refine(scan, start, most_epochs, alpha):
        found.append(free.r_factor(step.image))
        if found[-1] < min(found[:-1]):
            best = Refined(step.image.clone(), step.epochs)
        best = Refined(best.image, best.epochs, tuple(found))
        yield best
        if step.epochs - best.epochs >= PATIENCE:
            return
