"""How close a reconstructed object is to the truth.

Ptychography leaves a global complex factor, and often a phase ramp, undetermined. Both are removed
before anything is compared. The data range of SSIM and PSNR is that of the truth, and the SSIM of a
constant reconstruction (the floor) stands beside each SSIM. A second set of measures follows the
convention of the figures that the field has published, so that both can be compared.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from ptychopareto.assessment.alignment import (
    Image,
    Region,
    align,
    checked,
    inside,
    is_flat,
    phase_and_amplitude,
    wraps,
)
from ptychopareto.assessment.fourier_ring import frc50
from ptychopareto.assessment.published import PUBLISHED, published_measures
from ptychopareto.assessment.similarity import mae, psnr, ssim, ssim_of_field


def evaluate(
    reconstruction: ArrayLike,
    truth: ArrayLike,
    remove_ramp: bool = True,
    region: ArrayLike | None = None,
) -> dict[str, float]:
    """Score the phase and the amplitude of a reconstruction against the truth.

    Parameters
    ----------
    reconstruction : complex (H, W)
        The reconstructed object, at least 7 px on each side.
    truth : complex (H, W)
        The true object, or the reconstruction that stands for it.
    remove_ramp : bool
        Whether a phase ramp counts as undetermined, like the global factor. In the published
        convention it always does.
    region : bool (H, W), optional
        The pixels that count; what lies outside changes nothing, whatever it is. Without it, or
        where all are true, all pixels count.

    Returns
    -------
    dict of str to float
        With the endings ``_phase`` and ``_amp``: ``ssim``; ``ssim_…_floor``, the SSIM of a constant
        reconstruction; ``psnr`` [dB]; ``mae`` [rad for the phase]; ``frc50``, the frequency at
        which the Fourier ring correlation first falls below one half, as a fraction of Nyquist. The
        measures of `published_measures` follow. A measure whose truth is flat is void: ``nan``. So
        are the published ones where a region leaves pixels out: their convention knows rectangles.

    Raises
    ------
    ValueError
        The two are not finite, non-zero images of one shape, or no window of the SSIM fits into
        the region.

    Notes
    -----
    Where the phase φ of the truth wraps, a jump of 2π is no edge of the object. There SSIM is the
    mean of the SSIM of cos φ and that of sin φ (data range 2), FRC is that of the complex field
    exp(iφ), and PSNR has a data range of 2π. MAE takes the phase difference the short way round and
    needs nothing.

    In a region the SSIM is the mean over the pixels whose whole window lies in it. The FRC takes
    the central square of the bounding box; pixels outside have the mean of those inside, and one
    mask with a soft edge multiplies both images.
    """
    r, t, mask = checked(reconstruction, truth, region)
    phase, amplitude = phase_and_amplitude(align(r, t, remove_ramp, mask), t, mask)
    constant_phase, constant_amplitude = phase_and_amplitude(
        align(np.ones_like(t), t, remove_ramp, mask), t, mask
    )
    true_phase, true_amplitude = phase_and_amplitude(t, t, mask)
    flat_phase, flat_amplitude = is_flat(t, mask)
    score_phase = _wrapped_measures if wraps(true_phase, mask) else _measures
    phases = (phase, constant_phase, true_phase)
    amplitudes = (amplitude, constant_amplitude, true_amplitude)
    mean = float(inside(true_amplitude, mask).mean())
    return {
        **(_void("phase") if flat_phase else score_phase("phase", *phases, mask, level=1.0)),
        **(_void("amp") if flat_amplitude else _measures("amp", *amplitudes, mask, level=mean)),
        **(dict.fromkeys(PUBLISHED, math.nan) if mask is not None else published_measures(r, t)),
    }


def _void(name: str) -> dict[str, float]:
    measures = ("ssim_{}", "ssim_{}_floor", "psnr_{}", "mae_{}", "frc50_{}")
    return {measure.format(name): math.nan for measure in measures}


def _measures(
    name: str,
    image: Image,
    constant: Image,
    truth: Image,
    region: Region | None,
    *,
    level: float,
) -> dict[str, float]:
    data_range = np.ptp(inside(truth, region))
    return {
        f"ssim_{name}": ssim(image, truth, data_range, region),
        f"ssim_{name}_floor": ssim(constant, truth, data_range, region),
        f"psnr_{name}": psnr(image, truth, data_range, region),
        f"mae_{name}": mae(image, truth, region),
        f"frc50_{name}": frc50(image, truth, level, region),
    }


def _wrapped_measures(
    name: str,
    image: Image,
    constant: Image,
    truth: Image,
    region: Region | None,
    *,
    level: float,
) -> dict[str, float]:
    """Compute the measures of phases [rad] that wrap, so that no jump of 2π counts as structure."""
    field, constant_field, true_field = (np.exp(1j * phase) for phase in (image, constant, truth))
    return {
        f"ssim_{name}": ssim_of_field(field, true_field, region),
        f"ssim_{name}_floor": ssim_of_field(constant_field, true_field, region),
        f"psnr_{name}": psnr(image, truth, 2 * math.pi, region),
        f"mae_{name}": mae(image, truth, region),
        f"frc50_{name}": frc50(field, true_field, level, region),
    }
