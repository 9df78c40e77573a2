"""Whether a scan is what a network was trained for, in one line each."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ptychopareto.files.errors import refusal

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ptychopareto.files import Dataset
    from ptychopareto.models.registry import NetworkConfig
    from ptychopareto.reconstruction.adaptation import Adaptation

OTHER_MAGNIFICATION = 0.1  # relative difference from which on it is said
OTHER_COUNTS = 2.0  # ratio of the mean counts beyond which it is said
COMPARED = 256  # patterns of the comparison with rPIE


def check_size(path: Path, scan: "Dataset", config: "NetworkConfig") -> None:
    """Refuse a scan whose patterns have another size than the network's.

    Parameters
    ----------
    path : Path
        File of the scan, for the message.
    scan : Dataset
        The scan.
    config : NetworkConfig
        Settings of the network.

    Raises
    ------
    FileError
        They have; the line says what to do.
    """
    if scan.N == config.N:
        return
    hint = "--N crops them" if scan.N > config.N else "a network of that size is wanted"
    if scan.N > config.N and scan.N % config.N == 0:
        hint += f", --bin {scan.N // config.N} sums pixels"
    raise refusal(path, f"has patterns of {scan.N} px, and the network takes {config.N} px; {hint}")


def say_beam(adaptation: "Adaptation") -> Iterator[str]:
    """Say where the beam or the counts are not those of the training.

    Parameters
    ----------
    adaptation : Adaptation
        How the network is used on the scan.

    Yields
    ------
    str
        One line each.
    """
    s, trained = adaptation.shadow, adaptation.trained_shadow
    if abs(s / trained - 1) > OTHER_MAGNIFICATION:
        resampled = "nothing is" if adaptation.magnification == 1 else "the input is"
        yield (
            f"other magnification: the shadow in the patterns is {s:.2f} times as large as the "
            f"object, in those of the training {trained:.2f}; {resampled} resampled, expect less "
            "of the network"
        )
    counts, known = adaptation.counts, adaptation.trained_counts
    if counts is not None and known is not None:
        if not _alike(counts / known):
            yield (
                f"other counts: {counts:.3g} in a pattern, {known:.3g} in those of the training; "
                "the network is shown the brightness that it knows, but not the noise"
            )
    elif not _alike(adaptation.brightness**2):
        silent = "the network's file" if known is None else "the scan"
        yield (
            f"other counts or units: patterns are {adaptation.brightness**2:.3g} times as bright "
            f"as the training's, in the units of the two scans; they are scaled to it. Whether "
            f"the counts differ, and with them the noise, is unknown: {silent} does not say its "
            "counts"
        )


def _alike(ratio: float) -> bool:
    """Tell whether two scans have about as many counts."""
    return 1 / OTHER_COUNTS <= ratio <= OTHER_COUNTS


def say_worse_than_rpie(
    image: "Tensor", scan: "Dataset", alpha: float, device: "torch.device"
) -> Iterator[str]:
    """Say if one epoch of rPIE from a flat object explains the patterns better than the network.

    Free patterns are asked, if there are some: those that rPIE works on it fits with their noise.

    Parameters
    ----------
    image : (rows, columns)
        What the network made.
    scan : Dataset
        The patterns; the `COMPARED` nearest to the middle of the scan are looked at.
    alpha : float
        Regularisation of rPIE.
    device : torch.device
        Where it runs.

    Yields
    ------
    str
        One line, or none.
    """
    import torch

    from ptychopareto.reconstruction.object_scan import ObjectScan
    from ptychopareto.reconstruction.rpie import flat_start

    away = np.abs(scan.corners - np.median(scan.corners, axis=0)).max(axis=1)
    nearest = np.zeros(len(away), bool)
    nearest[np.argsort(away, kind="stable")[:COMPARED]] = True
    free = nearest & scan.free if scan.free is not None else np.zeros_like(nearest)
    part = ObjectScan.of(scan.part(nearest & ~free), device)
    asked = ObjectScan.of(scan.part(free), device) if free.any() else part
    classical, _ = next(part.rpie(flat_start(part.shape, device), alpha))
    own, other = asked.r_factor(torch.where(image == 0, 1, image)), asked.r_factor(classical)
    if own > other:
        yield (
            f"worse than rPIE: the network explains the patterns with R = {own:.3f}, one pass of "
            f"rPIE from a flat object with {other:.3f}; --refine goes on from here, --find-probe "
            "may find a better probe, and a network trained on such a scan a better object"
        )
