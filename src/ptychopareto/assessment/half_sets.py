"""Resolution without a truth: two reconstructions from halves of the patterns, compared."""

import numpy as np
from numpy.typing import ArrayLike

from ptychopareto.assessment.alignment import (
    align,
    checked,
    is_flat,
    phase_and_amplitude,
    wraps,
)
from ptychopareto.assessment.fourier_ring import frc50


def frc50_halves(even: ArrayLike, odd: ArrayLike, region: ArrayLike | None = None) -> float:
    """Find the frequency up to which two half-set reconstructions agree.

    Parameters
    ----------
    even, odd : complex (H, W)
        The object as reconstructed from the patterns at even positions, and from those at odd
        positions.
    region : bool (H, W), optional
        The pixels that count; what lies outside changes nothing. Without it all do.

    Returns
    -------
    float
        The frequency at which the Fourier ring correlation of the two phases first falls below
        one half, as a fraction of Nyquist. It is NaN where a half is flat: there is nothing to
        resolve.

    Raises
    ------
    ValueError
        The two are not finite, non-zero images of one shape, or the region is too small.

    Notes
    -----
    The second half is first brought to the global factor and the phase ramp of the first one. Where
    its phase wraps, the correlation is that of exp(iφ). Neither half is the truth, so both hold
    noise; at a correlation of one half the power of the object is that of the noise of one half
    (van Heel & Schatz, J. Struct. Biol. 151, 250 (2005)).

    The crossing is looked for from the ring of the highest correlation on, among those of the lower
    quarter. Ptychography determines the lowest frequencies of a phase worst, and their rings have
    few coefficients: a dip of theirs says nothing about resolution.

    Halves that share more than the object agree for that reason too. One network's prior is common
    to both of its halves, so the value says how reproducible its object is, not how true.
    """
    first, second, mask = checked(even, odd, region)
    if is_flat(first, mask)[0] or is_flat(second, mask)[0]:
        return float("nan")
    phase = phase_and_amplitude(first, first, mask)[0]
    other = phase_and_amplitude(align(second, first, True, mask), first, mask)[0]
    if wraps(phase, mask):
        return frc50(np.exp(1j * other), np.exp(1j * phase), 1.0, mask, from_peak=True)
    return frc50(other, phase, 1.0, mask, from_peak=True)
