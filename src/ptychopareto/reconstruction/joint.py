"""The joint reconstruction of object, probe and positions by averaged least-squares updates."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.physics.on_device import OnDevice
from ptychopareto.reconstruction.focus import best_defocus, largest_defocus, refocused
from ptychopareto.reconstruction.joint_model import JointModel, JointState
from ptychopareto.reconstruction.modes import start_modes

log = logging.getLogger(__name__)

FOCUSED_BY, FOCUSED_IN = 64, 3  # patterns, and epochs of each trial


@dataclass(frozen=True)
class JointSettings:
    """The settings of a joint reconstruction.

    Attributes
    ----------
    modes : int
        Number of incoherent modes of the probe.
    batch, most : int
        Patterns that an update averages over, at first and at the end. Small batches come far in
        one epoch, large ones end with less noise.
    gain : float
        A batch doubles when an epoch lowered the misfit by less than this part.
    step : float
        Step of object and probe; 1 for the least-squares solution of a batch.
    damping : float
        Least weight of an object's pixel in an update, as a part of the best lit one's.
    focus : bool
        Whether the defocus of the first guess of the probe is corrected first.
    positions : bool
        Whether the positions are corrected too.
    first_search : int
        Epochs before positions are first corrected.
    radius, shrinking, least_radius : float
        How far the first search for better positions looks [px], the factor by which it looks less
        far each epoch, and how far it looks at the end [px].
    """

    modes: int = 1
    batch: int = 8
    most: int = 512
    gain: float = 0.01
    step: float = 0.9
    damping: float = 0.1
    focus: bool = True
    positions: bool = False
    first_search: int = 3
    radius: float = 2.0
    shrinking: float = 0.85
    least_radius: float = 0.1


def joint(
    diffraction: OnDevice,
    probe: Tensor,
    corners: NDArray[np.int64],
    start: Tensor,
    settings: JointSettings | None = None,
    seed: int = 0,
    fractions: NDArray[np.floating] | None = None,
    valid: OnDevice | None = None,
) -> Iterator[JointState]:
    """Reconstruct object and probe together, one pass over the scan at a time.

    The patterns go in random batches. For exit waves ψₙ = Pₙ·Oₙ of object patches Oₙ under the
    probe Pₙ, moved by the pattern's fraction, and χₙ = F⁻¹[√I·Fψ/|Fψ|] − ψₙ, a batch takes a step
    towards the least-squares solution of all its patterns,

        O ← O + s · Σₙ P*·χₙ / Σₙ |P|²,    P ← P + s · Σₙ Oₙ*·χₙ / Σₙ |Oₙ|².

    Where patches overlap, the batch averages their updates. This ends with less noise than one
    pattern after the other; the batches grow from epoch to epoch.

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
    settings : JointSettings, optional
        The settings; None for the defaults.
    seed : int, optional
        Seed of the order of the patterns.
    fractions : (B, 2) float, optional
        Steps from the corners to the positions [px]; None for positions on whole pixels.
    valid : (1, N, N) or (B, N, N) bool, optional
        Detector pixels to believe; the others keep the amplitude of the model. None for all.

    Yields
    ------
    JointState
        The state after each epoch, without end. The next epoch changes object and probe in place.

    Notes
    -----
    Odstrčil, Menzel & Guizar-Sicairos, Opt. Express 26, 3108, 2018, with growing batches and a
    fixed step instead of a line search. A factor between object and probe is free: the probe's
    power stays the one that gives the start object the measured counts. Modes: Thibault & Menzel,
    Nature 494, 68, 2013.
    """
    settings = settings or JointSettings()
    order = np.random.default_rng(seed)
    moves = np.zeros(corners.shape) if fractions is None else fractions
    guess = probe.reshape(-1, *probe.shape[-2:])
    if settings.focus:
        guess = _in_focus(guess, diffraction, corners, moves, start, valid)
    guess = start_modes(guess, settings.modes)
    model = JointModel(diffraction, guess, corners, moves, start, valid)
    model.scale_probe()
    epoch, size, before = 0, settings.batch, np.inf
    while True:
        count = max(1, round(len(corners) / size))
        misfit = torch.zeros((), dtype=start.real.dtype, device=start.device)
        for members in np.array_split(order.permutation(len(corners)), count):
            misfit += model.average(members, settings.step, settings.damping)
        model.keep_power()
        epoch += 1
        if float(misfit) > (1 - settings.gain) * before and size < settings.most:
            size *= 2
        before = float(misfit)
        if settings.positions and epoch >= settings.first_search:
            searches = epoch - settings.first_search
            radius = max(settings.radius * settings.shrinking**searches, settings.least_radius)
            model.search_positions(radius)
        yield model.state(misfit)


def _in_focus(
    probe: Tensor,
    diffraction: OnDevice,
    corners: NDArray[np.int64],
    fractions: NDArray[np.floating],
    start: Tensor,
    valid: OnDevice | None,
) -> Tensor:
    """Return the probe at the defocus with which patterns in the middle of the scan fit best.

    A wrong defocus magnifies the sample's shadow wrongly, and updates do not find out: they move
    the positions, or blur the object.
    """
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    near = np.argsort(np.linalg.norm(corners - middle, axis=1), kind="stable")[:FOCUSED_BY]
    which = torch.from_numpy(near).to(diffraction.device)
    mask = valid if valid is None or len(valid) == 1 else valid[which]
    settings = JointSettings(focus=False)
    most = largest_defocus(probe)

    def misfit(part: float) -> float:
        moved = refocused(probe, part * most)
        trial = joint(
            diffraction[which], moved, corners[near], start, settings, 0, fractions[near], mask
        )
        *_, last = islice(trial, FOCUSED_IN)
        return last.misfit

    part = best_defocus(misfit)
    log.info("defocus of the first probe corrected by %+.3f of the largest", part)
    return refocused(probe, part * most)
