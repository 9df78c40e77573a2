"""How much structure a reconstruction has: a network that has collapsed makes a constant."""

import math

import numpy as np
from numpy.typing import ArrayLike

from ptychopareto.assessment.alignment import (
    ComplexImage,
    Region,
    align,
    checked,
    inside,
    plane,
)

# A truth whose own phase spreads less [rad], or whose amplitude does as a part of its mean, has too
# little structure to look for.
LEAST_SPREAD = 0.01


def contrast(
    reconstruction: ArrayLike, truth: ArrayLike, region: ArrayLike | None = None
) -> dict[str, float]:
    """Compare the spread of a reconstruction's phase and amplitude with that of the truth.

    Parameters
    ----------
    reconstruction : complex (H, W)
        The reconstructed object.
    truth : complex (H, W)
        The true object, or the reconstruction that stands for it.
    region : bool (H, W), optional
        The pixels that count; without it all.

    Returns
    -------
    dict of str to float
        `contrast_phase` and `contrast_amp`: the spread over the spread of the truth. 1 is as much
        structure as the truth has, 0 is a constant. NaN where the truth itself spreads too little.

    Raises
    ------
    ValueError
        The two are not finite, non-zero images of one shape.

    Notes
    -----
    The spread of an amplitude is its standard deviation over its mean. That of a phase φ, after its
    own ramp is removed, is √(1 − |⟨exp(iφ)⟩|²), which for a small φ is its standard deviation and
    for one that wraps does not count a jump of 2π.
    """
    r, t, mask = checked(reconstruction, truth, region)
    r = align(r, t, True, mask)
    of_truth, own = _spreads(t, mask), _spreads(r, mask)
    return {
        name: own[name] / of_truth[name] if of_truth[name] > LEAST_SPREAD else math.nan
        for name in of_truth
    }


def _spreads(image: ComplexImage, mask: Region | None) -> dict[str, float]:
    phase = np.angle(image * np.conj(inside(image, mask).sum()))
    waves = np.exp(1j * inside(phase - plane(phase, mask), mask))
    amplitude = np.abs(inside(image, mask))
    return {
        "contrast_phase": math.sqrt(max(0.0, 1 - float(np.abs(waves.mean())) ** 2)),
        "contrast_amp": float(amplitude.std() / amplitude.mean()),
    }
