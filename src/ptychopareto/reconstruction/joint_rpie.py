"""Run rPIE that finds the probe, and the positions, too: the sequential rival of `joint`."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.physics.on_device import OnDevice
from ptychopareto.reconstruction.joint_model import JointModel, JointState
from ptychopareto.reconstruction.modes import start_modes
from ptychopareto.reconstruction.patches import disjoint_batches

PROBE_FROM = 2  # epochs of a known probe first: an object of ones says nothing about the probe
# How far the first search for better positions looks [px], the next ones, and the last one.
RADIUS, SHRINKING, LEAST_RADIUS = 2.0, 0.85, 0.1


def joint_rpie(
    diffraction: OnDevice,
    probe: Tensor,
    corners: NDArray[np.int64],
    start: Tensor,
    alpha: float = 1.0,
    beta: float = 1.0,
    modes: int = 1,
    positions: bool = False,
    seed: int = 0,
    fractions: NDArray[np.floating] | None = None,
    valid: OnDevice | None = None,
) -> Iterator[JointState]:
    """Reconstruct object and probe by rPIE, one pass over the scan at a time.

    The object is updated as in `rpie`: a batch of patterns whose patches do not overlap gives
    exactly the result of one after the other. From the third epoch on the probe follows each batch,
    P ← P + mean of O*·(ψ' − ψ) / ((1 − β)·|O|² + β·max|O|²). So the probe is the same for all
    patterns of a batch, where one after the other would see it change.

    Parameters
    ----------
    diffraction : (B, N, N) real
        Measured √I, DC at pixel N // 2.
    probe : (N, N) or (M, N, N) complex
        First guess, on any scale.
    corners : (B, 2) int64
        Top-left corners [px].
    start : (rows, columns) complex
        The start object; it is not changed.
    alpha, beta : float, optional
        Regularisation of object and probe, from 0 (not included) to 1.
    modes : int, optional
        Number of incoherent modes of the probe.
    positions : bool, optional
        Whether the positions are corrected too.
    seed : int, optional
        Seed of the order of the batches.
    fractions : (B, 2) float, optional
        Steps from the corners to the positions [px]; None for positions on whole pixels.
    valid : (1, N, N) or (B, N, N) bool, optional
        Detector pixels to believe; None for all.

    Yields
    ------
    JointState
        The state after each epoch, without end. The next epoch changes object and probe in place.

    Notes
    -----
    Maiden, Johnson & Li, Optica 4, 736, 2017.
    """
    order = np.random.default_rng(seed)
    moves = np.zeros(corners.shape) if fractions is None else fractions
    guess = start_modes(probe.reshape(-1, *probe.shape[-2:]), modes)
    model = JointModel(diffraction, guess, corners, moves, start, valid)
    model.scale_probe()
    batches = disjoint_batches(corners, model.N)
    epoch = 0
    while True:
        misfit = torch.zeros((), dtype=start.real.dtype, device=start.device)
        for chosen in order.permutation(len(batches)):
            misfit += model.one_by_one(batches[chosen], alpha, beta, epoch >= PROBE_FROM)
        model.keep_power()
        if positions and epoch >= PROBE_FROM:
            radius = max(RADIUS * SHRINKING ** (epoch - PROBE_FROM), LEAST_RADIUS)
            model.search_positions(radius)
            batches = disjoint_batches(model.corners, model.N)
        epoch += 1
        yield model.state(misfit)
