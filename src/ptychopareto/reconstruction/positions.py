"""Correct positions by a search for the place where each pattern fits best."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.physics.subpixel import outer, ramp_axes, split_positions
from ptychopareto.reconstruction.modulus import Measured, squared, sum_modes
from ptychopareto.reconstruction.patches import windows

CHUNK = 16
# The middle, and the four places around it where the fit is looked at, in units of the radius.
PLACES = ((0.0, 0.0), (-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0))


@torch.inference_mode()
def better_positions(
    image: Tensor,
    probe: Tensor,
    corners: NDArray[np.int64],
    fractions: NDArray[np.floating],
    measured: Measured,
    radius: float,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Move each pattern towards the place where it fits the object best.

    The misfit Σ(√I_model − √I)² is computed at the position and `radius` away from it on either
    side of each axis. The position goes to the vertex of the parabolas through these, at most
    `radius` away. A search sees over the ripples that stop a gradient. With an object that was made
    at wrong positions it has to be repeated, and the radius has to shrink (annealing: Maiden et
    al., Ultramicroscopy 120, 64, 2012).

    Parameters
    ----------
    image : (rows, columns) complex
        The object.
    probe : (M, N, N) complex
        The modes.
    corners, fractions : (B, 2) int64
        Whole corners [px], and the steps from them to the positions [px].
    measured : Measured
        The patterns and their mask.
    radius : float
        How far to look [px].

    Returns
    -------
    corners, fractions : (B, 2) int64 and (B, 2) float32
        The new positions, inside the object. Their mean is the old one's, unless the edge of the
        object stops some: a common move of all is a move of the object.
    """
    count, N = corners.shape[0], probe.shape[-1]
    transform = torch.fft.fft2(probe)
    trials = radius * torch.tensor(PLACES, device=probe.device, dtype=probe.real.dtype)
    moves = np.empty((count, 2))
    for members in np.array_split(np.arange(count), -(-count // CHUNK)):
        target, mask = measured.batch(members)
        patches = windows(image, corners[members], N).read().unsqueeze(1)
        here = torch.from_numpy(fractions[members]).to(trials)
        misfits = []
        for trial in trials:
            factor = outer(ramp_axes(here + trial, N)).unsqueeze(1)
            waves = torch.fft.ifft2(transform * factor) * patches
            difference = sum_modes(squared(torch.fft.fft2(waves, norm="ortho"))).sqrt_() - target
            if mask is not None:
                difference *= mask
            misfits.append(difference.square().sum((-2, -1)))
        moves[members] = (radius * _vertex(torch.stack(misfits))).cpu().numpy()
    positions = corners + fractions.astype(np.float64) + moves - moves.mean(axis=0)
    return split_positions(np.clip(positions, 0, np.array(image.shape) - N))


def _vertex(misfits: Tensor) -> Tensor:
    """Return where parabolas through misfits (5, b) at `PLACES` are lowest, (b, 2) within ±1."""
    middle, low, high = misfits[0], misfits[1::2], misfits[2::2]
    bend = low + high - 2 * middle
    slope = (low - high) / 2
    inner = (slope / bend.clamp_min(torch.finfo(bend.dtype).tiny)).clamp(-1, 1)
    return torch.where(bend > 0, inner, torch.sgn(slope)).mT
