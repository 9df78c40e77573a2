"""Bring a reconstruction to the global factor and the phase ramp of its reference.

Ptychography leaves a global complex factor, and often a phase ramp, undetermined. Both are removed
before anything is compared. Where only a part of the image is to be compared, a mask (the region)
says which: what lies outside decides nothing.
"""

import math
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptychopareto.config.sections import SSIM_WINDOW

Image = NDArray[np.float64]
ComplexImage = NDArray[np.complex128]
AnyImage = Image | ComplexImage
Region = NDArray[np.bool_]
AnyArray = TypeVar("AnyArray", bound=NDArray[Any])

# Rad, or fraction of the mean amplitude. A smaller range is the rounding of single precision.
FLAT = 1e-5


def align(
    reconstruction: ArrayLike,
    truth: ArrayLike,
    remove_ramp: bool = True,
    region: ArrayLike | None = None,
) -> ComplexImage:
    """Bring a reconstruction to the global factor and the phase ramp of the truth.

    Parameters
    ----------
    reconstruction, truth : complex (H, W)
        The reconstructed and the true object.
    remove_ramp : bool
        Whether the phase ramp is brought to that of the truth too.
    region : bool (H, W), optional
        The pixels that count. Without it all do.

    Returns
    -------
    complex128 (H, W)
        The aligned reconstruction; 0 outside of the region.

    Raises
    ------
    ValueError
        The two are not finite, non-zero images of one shape, or no window of the SSIM fits into
        the region.

    Notes
    -----
    The plane is fitted to wrapped phase differences. A ramp of more than half a turn to either
    side of the centre is therefore not recognised.
    """
    r, t, mask = checked(reconstruction, truth, region)
    r = _scaled(r, t)
    if remove_ramp:
        r = _scaled(r * np.exp(-1j * plane(np.angle(r * t.conj()), mask)), t)
    return r


def phase_and_amplitude(
    aligned: ComplexImage, truth: ComplexImage, region: Region | None = None
) -> tuple[Image, Image]:
    """Take the phase and the amplitude of an aligned reconstruction.

    Parameters
    ----------
    aligned, truth : complex (H, W)
        The aligned reconstruction and the true object.
    region : bool (H, W), optional
        The pixels that decide how the phase of the truth is counted. Without it all do.

    Returns
    -------
    phase : (H, W) [rad]
        The phase of the truth plus the phase difference, which is between -π and π. A pixel without
        amplitude has phase 0, not the phase of the truth.
    amplitude : (H, W)
        The modulus.
    """
    true_phase = _phase_of_truth(truth, region)
    difference = np.angle(np.exp(1j * (angle(aligned) - true_phase)))
    return true_phase + difference, np.abs(aligned)


def checked(
    reconstruction: ArrayLike, truth: ArrayLike, region: ArrayLike | None = None
) -> tuple[ComplexImage, ComplexImage, Region | None]:
    """Check two images and a region before they are compared.

    Parameters
    ----------
    reconstruction, truth : complex (H, W)
        The reconstructed and the true object.
    region : bool (H, W), optional
        The pixels that count.

    Returns
    -------
    reconstruction, truth : complex128 (H, W)
        The two, 0 outside of the region.
    region : bool (H, W) or None
        The region; None where all pixels count.

    Raises
    ------
    ValueError
        The two are not finite, non-zero images of one shape, or no window of the SSIM fits into
        the region.
    """
    r = np.asarray(reconstruction, dtype=np.complex128)
    t = np.asarray(truth, dtype=np.complex128)
    mask = None
    if region is not None and r.shape == t.shape:
        mask = _checked_region(region, t.shape)
        if mask is not None:
            r, t = (np.where(mask, image, 0) for image in (r, t))
    for name, array in (("reconstruction", r), ("truth", t)):
        if array.ndim != 2 or min(array.shape) < SSIM_WINDOW:
            raise ValueError(
                f"{name}: shape {array.shape}; (H, W), at least {SSIM_WINDOW} px a side, is wanted"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: holds NaN or infinity; finite values are wanted")
        if not array.any():
            raise ValueError(f"{name}: is zero everywhere; an object is wanted")
    if r.shape != t.shape:
        raise ValueError(
            f"reconstruction: shape {r.shape}; that of the truth, {t.shape}, is wanted"
        )
    return r, t, mask


def _checked_region(region: ArrayLike, shape: tuple[int, ...]) -> Region | None:
    """Return the mask; None if it is true everywhere, which is the same as no region."""
    mask = np.asarray(region)
    if mask.dtype != np.bool_ or mask.shape != shape:
        raise ValueError(
            f"region: {mask.dtype} of shape {mask.shape}; bool of the truth's, {shape}, is wanted"
        )
    if mask.all():
        return None
    if mask.ndim == 2 and not window_centres(mask).any():
        raise ValueError(
            f"region: {np.count_nonzero(mask)} of {mask.size} px, too small or too narrow; "
            f"at least {SSIM_WINDOW}×{SSIM_WINDOW} px in one piece are wanted"
        )
    return mask


def window_centres(mask: Region) -> Region:
    """Mark the pixels around which the window of the SSIM lies inside a mask.

    Parameters
    ----------
    mask : bool (H, W)
        The mask, at least 7 px on each side.

    Returns
    -------
    (H, W) bool
        True for the pixels whose whole window lies in the mask.
    """
    centres = np.zeros_like(mask)
    if min(mask.shape) >= SSIM_WINDOW:
        windows = np.lib.stride_tricks.sliding_window_view(mask, (SSIM_WINDOW, SSIM_WINDOW))
        margin = SSIM_WINDOW // 2
        centres[margin:-margin, margin:-margin] = windows.all(axis=(-2, -1))
    return centres


def inside(image: AnyArray, region: Region | None) -> AnyArray:
    """Take the pixels of an image that count.

    Parameters
    ----------
    image : (H, W)
    region : bool (H, W) or None
        The pixels that count; None where all do.

    Returns
    -------
    (n,) or (H, W) array
        The values of those pixels; the image itself if all count.
    """
    return image if region is None else image[region]  # type: ignore[return-value]


def is_flat(t: ComplexImage, region: Region | None = None) -> tuple[bool, bool]:
    """Tell whether the phase of a truth is constant, and whether its amplitude is.

    Parameters
    ----------
    t : complex (H, W)
        The truth.
    region : bool (H, W) or None
        The pixels that count; None where all do.

    Returns
    -------
    tuple of bool
        True for a phase whose range is below `FLAT` [rad]; true for an amplitude whose range is at
        most `FLAT` of its mean.
    """
    t = inside(t, region)
    amplitude = np.abs(t)
    # Counted from the strongest pixel, a flat phase of ±π is not taken for jumps of 2π.
    phase_span = np.ptp(np.angle(t * t.flat[amplitude.argmax()].conj()))
    return bool(phase_span < FLAT), bool(np.ptp(amplitude) <= FLAT * amplitude.mean())


def angle(image: ComplexImage) -> Image:
    """Take the phase [rad] between -π and π.

    A pixel without amplitude has phase 0; a negative zero in it would give π.

    Parameters
    ----------
    image : complex (H, W)

    Returns
    -------
    (H, W) float64
        The phase [rad].
    """
    return np.angle(image + 0)


def wraps(phase: Image, region: Region | None = None) -> bool:
    """Tell whether the phase of neighbouring pixels differs by more than half a turn.

    Parameters
    ----------
    phase : (H, W) [rad]
    region : bool (H, W) or None
        The pixels that count; None where all do.

    Returns
    -------
    bool
    """
    jumps = [np.abs(np.diff(phase, axis=axis)) for axis in (0, 1)]
    if region is not None:
        both = (region[1:] & region[:-1], region[:, 1:] & region[:, :-1])
        jumps = [jump[pair] for jump, pair in zip(jumps, both, strict=True)]
    return bool(max(jump.max() for jump in jumps) > math.pi)


def plane(image: Image, region: Region | None = None) -> Image:
    """Fit a plane to an image by least squares.

    Parameters
    ----------
    image : (H, W)
    region : bool (H, W) or None
        The pixels that count; None where all do.

    Returns
    -------
    (H, W)
        The plane, on all pixels.
    """
    rows, columns = image.shape
    y = np.arange(rows)[:, None] - (rows - 1) / 2
    x = np.arange(columns) - (columns - 1) / 2
    if region is not None:
        across = np.stack(np.broadcast_arrays(y, x, np.ones(image.shape)), axis=-1)
        # A region of 7×7 px has three independent coefficients.
        coefficients = np.linalg.lstsq(across[region], image[region])[0]
        return np.asarray(across @ coefficients)
    # On a centred grid the three coefficients are independent.
    slope_y = np.mean(y * image) / np.mean(y**2)
    slope_x = np.mean(x * image) / np.mean(x**2)
    return np.mean(image) + slope_y * y + slope_x * x


def _phase_of_truth(t: ComplexImage, region: Region | None) -> Image:
    """Return the phase [rad] of the truth, counted from its mean if only then it does not wrap."""
    phase = np.angle(t)
    if not wraps(phase, region):
        return phase
    mean = float(np.angle(np.exp(1j * inside(phase, region)).mean()))
    around_mean = mean + np.angle(t * np.exp(-1j * mean))
    return phase if wraps(around_mean, region) else around_mean


def _scaled(r: ComplexImage, t: ComplexImage) -> ComplexImage:
    """Multiply r by the complex factor that brings it closest to t, by least squares."""
    energy = np.vdot(r, r).real
    # A reconstruction orthogonal to the truth has been scaled to zero before: it stays.
    return r * (np.vdot(r, t) / energy) if energy > 0 else r
