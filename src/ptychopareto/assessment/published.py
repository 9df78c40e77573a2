"""Measures in the convention of the figures that the field has published."""

import math

import numpy as np
from numpy.typing import ArrayLike

from ptychopareto.assessment.alignment import Image, angle, checked, is_flat, plane
from ptychopareto.assessment.similarity import mae, ssim
from ptychopareto.config.sections import SSIM_WINDOW

PUBLISHED_TRIM = 2  # px on each side
PUBLISHED = (
    "published_mae_amp",
    "published_mae_phase",
    "published_ssim_amp",
    "published_ssim_phase",
)


def published_measures(reconstruction: ArrayLike, truth: ArrayLike) -> dict[str, float]:
    """Score a reconstruction by the convention of PtychoPINN's lines benchmark.

    Parameters
    ----------
    reconstruction : complex (H, W)
        The reconstructed object, at least 7 px on each side.
    truth : complex (H, W)
        The true object.

    Returns
    -------
    dict of str to float
        ``published_mae_amp``, ``published_mae_phase`` [rad], ``published_ssim_amp`` and
        ``published_ssim_phase``. A measure is void (``nan``) where the truth is flat, or where the
        trimmed image has less than 7 px a side.

    Raises
    ------
    ValueError
        The two are not finite, non-zero images of one shape.

    Notes
    -----
    The convention cuts `PUBLISHED_TRIM` px off each side. It multiplies the amplitude by the ratio
    of the means, and its SSIM has the range of the truth. It takes each phase between -π and π,
    fits a plane to it by least squares and subtracts the plane, mean included. For SSIM it maps
    [-π, π] to [0, 1], and the data range is 1. The SSIM window is uniform, 7×7 px. The benchmark
    stitches the centres of its patches; here our own stitched object is scored.

    We add one step before: the reconstruction is multiplied by the global phase that brings it
    closest to the truth. The plane removes every constant anyway, so the step only decides where
    a phase wraps at ±π, which would otherwise depend on a free phase. Neither image is unwrapped,
    so a wrap counts as a jump.
    """
    inner = slice(PUBLISHED_TRIM, -PUBLISHED_TRIM)
    r, t = (image[inner, inner] for image in checked(reconstruction, truth)[:2])
    r = r * np.exp(1j * np.angle(np.vdot(r, t)))
    flat_phase, flat_amplitude = (True, True) if min(t.shape) < SSIM_WINDOW else is_flat(t)
    void = (math.nan, math.nan)
    mae_amp, ssim_amp = void if flat_amplitude else _published_amplitude(np.abs(r), np.abs(t))
    mae_phase, ssim_phase = void if flat_phase else _published_phase(angle(r), angle(t))
    return dict(zip(PUBLISHED, (mae_amp, mae_phase, ssim_amp, ssim_phase), strict=True))


def _published_amplitude(image: Image, truth: Image) -> tuple[float, float]:
    mean = image.mean()
    scaled = image * (truth.mean() / mean) if mean > 0 else image
    return mae(scaled, truth), ssim(scaled, truth, np.ptp(truth))


def _published_phase(image: Image, truth: Image) -> tuple[float, float]:
    level, true_level = image - plane(image), truth - plane(truth)
    mapped, true_mapped = ((phase + math.pi) / (2 * math.pi) for phase in (level, true_level))
    return mae(level, true_level), ssim(mapped, true_mapped, 1.0)
