"""The scales that a network takes from its training scan, see `models.network.Network`."""

import numpy as np
import torch

from ptychopareto.files import Dataset
from ptychopareto.learning.scan_data import ScanData
from ptychopareto.models.network import transform
from ptychopareto.models.registry import NetworkConfig
from ptychopareto.models.trained_on import TrainedOn, counts_of
from ptychopareto.physics.on_device import pieces
from ptychopareto.physics.registration import input_magnification


def input_scale(network: NetworkConfig, scan: ScanData) -> float:
    """Compute the scale by which a network's input is divided.

    Parameters
    ----------
    network : NetworkConfig
        Gives the transform of the input.
    scan : ScanData
        The training scan.

    Returns
    -------
    float
        RMS of the transformed training patterns.
    """
    mean = torch.zeros((), dtype=torch.float64, device=scan.probe.device)
    for piece in pieces(scan.diffraction):
        x = transform(piece, network.input_transform)
        mean += x.double().square().mean() * (len(piece) / len(scan.diffraction))
    return float(mean.sqrt())


def transmission(scan: ScanData) -> float:
    """Compute the RMS transmission of the training object, √(mean Σ I / Σ |P|²).

    No light is lost between sample and detector: the light in a pattern is that which the object
    transmits.
    """
    # In one tensor: small ones that stay between pieces that come and go would scatter the memory.
    powers = torch.empty(len(scan.diffraction), dtype=torch.float64, device=scan.probe.device)
    first = 0
    for piece in pieces(scan.diffraction):
        powers[first : first + len(piece)] = piece.double().square().sum((-2, -1))
        first += len(piece)
    power = powers.mean()
    return float((power / scan.probe.abs().double().square().sum()).sqrt())


def trained_on(scan: Dataset, transmission: float) -> TrainedOn:
    """Describe the training scan for the network's file.

    Parameters
    ----------
    scan : Dataset
        The training scan.
    transmission : float
        Its RMS transmission.

    Returns
    -------
    TrainedOn
    """
    power = float(np.square(np.abs(scan.modes), dtype=np.float64).sum())
    counts = counts_of(transmission**2 * power, scan.intensity_scale)
    return TrainedOn(counts, input_magnification(scan.probe, "auto"))
