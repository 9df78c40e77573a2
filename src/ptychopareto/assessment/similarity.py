"""Distances between two images: mean absolute error, signal-to-noise ratio, SSIM."""

import math

import numpy as np
from skimage.metrics import structural_similarity

from ptychopareto.assessment.alignment import ComplexImage, Image, Region, inside, window_centres
from ptychopareto.config.sections import SSIM_WINDOW


def mae(image: Image, truth: Image, region: Region | None = None) -> float:
    """Compute the mean absolute error.

    Parameters
    ----------
    image, truth : (H, W)
        The images.
    region : bool (H, W) or None
        The pixels that count; None where all do.

    Returns
    -------
    float
        The mean of |image − truth|, in the units of the images.
    """
    return float(np.mean(np.abs(inside(image, region) - inside(truth, region))))


def psnr(image: Image, truth: Image, data_range: float, region: Region | None = None) -> float:
    """Compute the peak signal-to-noise ratio.

    Parameters
    ----------
    image, truth : (H, W)
        The images.
    data_range : float
        The peak.
    region : bool (H, W) or None
        The pixels that count; None where all do.

    Returns
    -------
    float
        10·log₁₀(data_range² / mean square error) [dB]; infinite for an exact image.
    """
    mean_square = float(np.mean((inside(image, region) - inside(truth, region)) ** 2))
    return 10 * math.log10(float(data_range) ** 2 / mean_square) if mean_square else math.inf


def ssim(image: Image, truth: Image, data_range: float, region: Region | None = None) -> float:
    """Compute the mean structural similarity, with a uniform window of 7 × 7 px.

    Parameters
    ----------
    image, truth : (H, W)
        The images, 0 outside of the region.
    data_range : float
        The range of the values.
    region : bool (H, W) or None
        Pixels count whose whole window lies in it; None where all windows inside the image do.

    Returns
    -------
    float
        The mean SSIM, at most 1.

    Notes
    -----
    Wang, Bovik, Sheikh & Simoncelli, IEEE Trans. Image Process. 13, 600 (2004).
    """
    if region is None:
        return float(
            structural_similarity(image, truth, win_size=SSIM_WINDOW, data_range=data_range)
        )
    _, everywhere = structural_similarity(
        image, truth, win_size=SSIM_WINDOW, data_range=data_range, full=True
    )
    return float(everywhere[window_centres(region)].mean())


def ssim_of_field(field: ComplexImage, truth: ComplexImage, region: Region | None = None) -> float:
    """Compute the mean SSIM of the real and the imaginary part of exp(iφ), from -1 to 1 both.

    Parameters
    ----------
    field, truth : complex (H, W)
        The two fields, of modulus 1.
    region : bool (H, W) or None
        Pixels count whose whole window lies in it; None where all windows inside the image do.

    Returns
    -------
    float
        The mean of both, at most 1.
    """
    parts = ((field.real, truth.real), (field.imag, truth.imag))
    real, imaginary = (ssim(image, other, 2.0, region) for image, other in parts)
    return (real + imaginary) / 2
