"""Fourier ring correlation: up to which frequency two images agree."""

import numpy as np

from ptychopareto.assessment.alignment import (
    FLAT,
    AnyArray,
    AnyImage,
    ComplexImage,
    Image,
    Region,
)

TUKEY_TAPER = 0.25  # fraction of each axis
FRC_THRESHOLD = 0.5
ROUNDING = 1e-10  # fraction of the strongest ring


def frc50(
    image: AnyImage,
    truth: AnyImage,
    level: float,
    region: Region | None = None,
    *,
    from_peak: bool = False,
) -> float:
    """Find the frequency at which two images cease to agree.

    Parameters
    ----------
    image, truth : real or complex (H, W)
        The images.
    level : float
        What a range is small against: 1 rad, or the mean amplitude.
    region : bool (H, W), optional
        The pixels that count. Without it all do.
    from_peak : bool
        Whether to look for the crossing from that ring on, among those of the lower quarter of the
        frequencies, where the correlation is highest; else from the first ring on.

    Returns
    -------
    float
        The first crossing of the correlation below one half, interpolated, as a fraction of
        Nyquist; 1 without a crossing. It is NaN where the central square of the region's bounding
        box has no pixel of the region.
    """
    inner = window = None
    if region is not None:
        box = _bounding_box(region)
        image, truth, region = image[box], truth[box], region[box]
        inner = _central_square(region)
        if not inner.any():
            return float("nan")
        window = None if inner.all() else _soft(inner)
    # A flat image has rounding errors to correlate and nothing else. The square of the FRC may be
    # flat though the whole image is not.
    if _range(image, region) < FLAT * _range(truth, region) or any(
        _range(_central_square(part), inner) < FLAT * level for part in (image, truth)
    ):
        return 0.0
    curve = fourier_ring_correlation(image, truth, window)
    begin = 1 + int(curve[1 : len(curve) // 4 + 2].argmax()) if from_peak else 0
    below = begin + np.flatnonzero(curve[begin:] < FRC_THRESHOLD)
    if below.size == 0:
        return 1.0
    k = int(below[0])
    if k == begin:
        return 0.0
    ring = k - (FRC_THRESHOLD - curve[k]) / (curve[k - 1] - curve[k])
    return float(ring / (min(image.shape) / 2))


def fourier_ring_correlation(
    image: AnyImage, reference: AnyImage, window: Image | None = None
) -> Image:
    """Correlate two images ring by ring in Fourier space.

    Parameters
    ----------
    image, reference : real or complex (H, W)
        The images. Their central square of n × n pixels is freed of its mean and tapered.
    window : (n, n), optional
        A further taper of the central square, 0 where pixels do not count. The mean is then the
        weighted one.

    Returns
    -------
    (n // 2 + 1,)
        Element k is the correlation (its real part) at k / n cycles per pixel: 0 where a ring is
        empty in either image, 1 at k = 0 if only rounding would decide.

    Notes
    -----
    The method is that of van Heel & Schatz, J. Struct. Biol. 151, 250 (2005).
    """
    a, b = _spectrum(image, window), _spectrum(reference, window)
    n = len(a)
    frequency = np.fft.fftfreq(n, 1 / n)
    ring = np.rint(np.hypot(frequency[:, None], frequency)).astype(np.intp).ravel()

    def ring_sums(values: Image) -> Image:
        return np.bincount(ring, weights=values.ravel()).astype(np.float64)[: n // 2 + 1]

    cross = ring_sums((a * b.conj()).real)
    power = np.sqrt(ring_sums(np.abs(a) ** 2) * ring_sums(np.abs(b) ** 2))
    curve = np.divide(cross, power, out=np.zeros_like(cross), where=power > 0)
    # Ring 0 is one number, what the taper leaves of the mean; its correlation is a bare sign.
    if power[0] < ROUNDING * power.max():
        curve[0] = 1.0
    return curve


def tukey(length: int, taper: float) -> Image:
    """Compute the Tukey window.

    Parameters
    ----------
    length : int
        Its number of elements.
    taper : float
        The fraction of it, both ends together, that falls to zero as half a cosine.

    Returns
    -------
    (length,)
        The window; its inner part is 1.

    Notes
    -----
    The window is that of Harris, Proc. IEEE 66, 51 (1978). To import `scipy.signal`, which has it,
    takes a second in each job of a study.
    """
    distance = np.arange(length) / max(1, length - 1)
    ramp = np.minimum(1.0, 2 * np.minimum(distance, 1 - distance) / taper)
    return 0.5 * (1 - np.cos(np.pi * ramp))


def _soft(square: Region) -> Image:
    """Return a square mask whose edge falls to zero as half a cosine."""
    # It is loaded with the SSIM anyway.
    from scipy.ndimage import distance_transform_edt

    width = max(1.0, TUKEY_TAPER / 2 * len(square))
    # A pixel beside the edge lies half a pixel from it.
    distance = np.where(square, distance_transform_edt(square) - 0.5, 0.0)
    return np.asarray(0.5 * (1 - np.cos(np.pi * np.minimum(1.0, distance / width))))


def _bounding_box(region: Region) -> tuple[slice, slice]:
    """Return the rows and columns that hold all pixels of a region."""
    rows, columns = (np.flatnonzero(region.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _range(image: AnyImage, region: Region | None) -> float:
    """Return maximum minus minimum; for a complex image, the larger one of its two parts."""
    values = image if region is None else image[region]
    return float(max(np.ptp(values.real), np.ptp(values.imag)))


def _central_square(image: AnyArray) -> AnyArray:
    side = min(image.shape)
    top, left = ((length - side) // 2 for length in image.shape)
    return image[top : top + side, left : left + side]  # type: ignore[return-value]


def _spectrum(image: AnyImage, window: Image | None) -> ComplexImage:
    square = _central_square(image)
    taper = tukey(len(square), TUKEY_TAPER)
    if window is None:
        return np.fft.fft2((square - square.mean()) * taper[:, None] * taper)
    weights = taper[:, None] * taper * window
    # The weighted mean: the plain one would leave an offset in the shape of the window.
    return np.fft.fft2((square - np.average(square, weights=weights)) * weights)
