"""How close a reconstructed object is to the truth.

Ptychography leaves a global complex factor, and often a phase ramp, undetermined: both are removed
before anything is compared. Every data range is that of the truth, and the score of a constant
reconstruction stands beside each SSIM. A second, separate set of measures follows the convention of
the field's published figures, so that these can be set beside ours.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.metrics import structural_similarity

Image = NDArray[np.float64]
ComplexImage = NDArray[np.complex128]

SSIM_WINDOW = 7  # px
TUKEY_TAPER = 0.25  # fraction of each axis
FRC_THRESHOLD = 0.5
ROUNDING = 1e-10  # of the strongest ring
FLAT = 1e-5  # rad, or fraction of the mean amplitude: a smaller range is single-precision rounding
PUBLISHED_TRIM = 2  # px on each side


def evaluate(
    reconstruction: ArrayLike, truth: ArrayLike, remove_ramp: bool = True
) -> dict[str, float]:
    """Score a reconstruction against the truth, its phase and its amplitude apart.

    Args:
        reconstruction: complex object (H, W), at least 7 px on each side.
        truth: complex object of the same shape.
        remove_ramp: whether a phase ramp counts as undetermined, like the global factor; in the
            published convention it always does.

    Returns:
        With the endings ``_phase`` and ``_amp``: ``ssim``; ``psnr`` [dB]; ``mae`` [rad for the
        phase]; ``frc50``, where the Fourier ring correlation first falls below one half, as a
        fraction of Nyquist. And ``ssim_phase_floor``, ``ssim_amp_floor``: the SSIM of a constant
        reconstruction. And `published_measures`, in another convention. Where the truth is flat
        its measures are void: ``nan``.

    Raises:
        ValueError: the two are not finite, non-zero images of one shape.
    """
    r, t = _checked(reconstruction, truth)
    scored = phase_and_amplitude(align(r, t, remove_ramp), t)
    constant = phase_and_amplitude(align(np.ones_like(t), t, remove_ramp), t)
    true = phase_and_amplitude(t, t)
    flat_phase, flat_amplitude = _flat(t)
    return {
        **_measures("phase", scored[0], constant[0], true[0], void=flat_phase),
        **_measures("amp", scored[1], constant[1], true[1], void=flat_amplitude),
        **published_measures(r, t),
    }


def published_measures(reconstruction: ArrayLike, truth: ArrayLike) -> dict[str, float]:
    """Score a reconstruction as the published figures of PtychoPINN's lines benchmark are scored.

    Their convention: `PUBLISHED_TRIM` px are cut off on each side. The amplitude is multiplied by
    the ratio of the means; its SSIM takes the range of the truth. From each phase on its own, as
    it is between -π and π, a plane is subtracted that is fitted by least squares, and its mean
    with it; for SSIM [-π, π] is then mapped to [0, 1], and the range is 1. The window of SSIM is
    uniform, 7×7 px. They stitch the centres of the patches; what is scored here is what we stitch.

    One step comes before it: the reconstruction is turned by the global phase that brings it
    closest to the truth. The plane takes every constant away again, so that this decides nothing
    but where a phase wraps at ±π, which otherwise were up to a phase that is free. Neither image is
    unwrapped: what still wraps counts as the jump that it is.

    Args:
        reconstruction: complex object (H, W), at least 7 px on each side.
        truth: complex object of the same shape.

    Returns:
        ``published_mae_amp``, ``published_mae_phase`` [rad], ``published_ssim_amp`` and
        ``published_ssim_phase``. Where the truth is flat, or less than 7 px a side are left of it,
        they are void: ``nan``.

    Raises:
        ValueError: the two are not finite, non-zero images of one shape.
    """
    inner = slice(PUBLISHED_TRIM, -PUBLISHED_TRIM)
    r, t = (image[inner, inner] for image in _checked(reconstruction, truth))
    r = r * np.exp(1j * np.angle(np.vdot(r, t)))
    flat_phase, flat_amplitude = (True, True) if min(t.shape) < SSIM_WINDOW else _flat(t)
    void = (math.nan, math.nan)
    mae_amp, ssim_amp = void if flat_amplitude else _published_amplitude(np.abs(r), np.abs(t))
    mae_phase, ssim_phase = void if flat_phase else _published_phase(_angle(r), _angle(t))
    return {
        "published_mae_amp": mae_amp,
        "published_mae_phase": mae_phase,
        "published_ssim_amp": ssim_amp,
        "published_ssim_phase": ssim_phase,
    }


def _published_amplitude(image: Image, truth: Image) -> tuple[float, float]:
    mean = image.mean()
    scaled = image * (truth.mean() / mean) if mean > 0 else image
    return _mae(scaled, truth), _ssim(scaled, truth, np.ptp(truth))


def _published_phase(image: Image, truth: Image) -> tuple[float, float]:
    level, true_level = image - _plane(image), truth - _plane(truth)
    mapped, true_mapped = ((phase + math.pi) / (2 * math.pi) for phase in (level, true_level))
    return _mae(level, true_level), _ssim(mapped, true_mapped, 1.0)


def align(reconstruction: ArrayLike, truth: ArrayLike, remove_ramp: bool = True) -> ComplexImage:
    """Bring a reconstruction to the truth's global factor and, if asked, to its phase ramp.

    Takes two complex (H, W) objects, returns one in complex128, raises like `evaluate`. The plane
    is fitted to wrapped phase differences: a ramp of more than half a turn to either side of the
    centre is not recognised.
    """
    r, t = _checked(reconstruction, truth)
    r = _scaled(r, t)
    if remove_ramp:
        r = _scaled(r * np.exp(-1j * _plane(np.angle(r * t.conj()))), t)
    return r


def phase_and_amplitude(aligned: ComplexImage, truth: ComplexImage) -> tuple[Image, Image]:
    """Phase [rad] and amplitude of an aligned (H, W) reconstruction.

    The phase is counted from that of the truth, arg t, so that they differ by at most π whatever
    wraps. A pixel without amplitude has phase 0, not the phase of the truth.
    """
    true_phase = np.angle(truth)
    difference = np.angle(np.exp(1j * (_angle(aligned) - true_phase)))
    return true_phase + difference, np.abs(aligned)


def fourier_ring_correlation(image: Image, reference: Image) -> Image:
    """Correlate two real (H, W) images ring by ring in Fourier space (van Heel & Schatz 2005).

    Both are cropped to their central square of n × n pixels, freed of their mean and tapered.
    Element k of the n // 2 + 1 returned is the correlation at k / n cycles per pixel: 0 where a
    ring is empty in either image, 1 at k = 0 if only rounding would decide.
    """
    a, b = _spectrum(image), _spectrum(reference)
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


def _checked(reconstruction: ArrayLike, truth: ArrayLike) -> tuple[ComplexImage, ComplexImage]:
    r = np.asarray(reconstruction, dtype=np.complex128)
    t = np.asarray(truth, dtype=np.complex128)
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
    return r, t


def _flat(t: ComplexImage) -> tuple[bool, bool]:
    """Whether there is nothing to be seen in the phase of the truth, and in its amplitude."""
    amplitude = np.abs(t)
    # Counted from the strongest pixel, a flat phase of ±π is not taken for jumps of 2π.
    phase_span = np.ptp(np.angle(t * t.flat[amplitude.argmax()].conj()))
    return bool(phase_span < FLAT), bool(np.ptp(amplitude) <= FLAT * amplitude.mean())


def _angle(image: ComplexImage) -> Image:
    """Phase [rad] between -π and π; 0, never π, without amplitude: there are negative zeros."""
    return np.angle(image + 0)


def _scaled(r: ComplexImage, t: ComplexImage) -> ComplexImage:
    """Multiply r by the complex factor that brings it closest to t, by least squares."""
    energy = np.vdot(r, r).real
    # A reconstruction orthogonal to the truth has been scaled to zero before: it stays.
    return r * (np.vdot(r, t) / energy) if energy > 0 else r


def _plane(image: Image) -> Image:
    """Fit a plane by least squares; on a centred grid its three coefficients are independent."""
    rows, columns = image.shape
    y = np.arange(rows)[:, None] - (rows - 1) / 2
    x = np.arange(columns) - (columns - 1) / 2
    slope_y = np.mean(y * image) / np.mean(y**2)
    slope_x = np.mean(x * image) / np.mean(x**2)
    return np.mean(image) + slope_y * y + slope_x * x


def _measures(
    name: str, image: Image, constant: Image, truth: Image, *, void: bool
) -> dict[str, float]:
    return {
        f"ssim_{name}": math.nan if void else _ssim(image, truth, np.ptp(truth)),
        f"ssim_{name}_floor": math.nan if void else _ssim(constant, truth, np.ptp(truth)),
        f"psnr_{name}": math.nan if void else _psnr(image, truth),
        f"mae_{name}": math.nan if void else _mae(image, truth),
        f"frc50_{name}": math.nan if void else _frc50(image, truth),
    }


def _mae(image: Image, truth: Image) -> float:
    return float(np.mean(np.abs(image - truth)))


def _ssim(image: Image, truth: Image, data_range: float) -> float:
    """Mean structural similarity with a uniform window (Wang et al. 2004)."""
    return float(structural_similarity(image, truth, win_size=SSIM_WINDOW, data_range=data_range))


def _psnr(image: Image, truth: Image) -> float:
    """Peak signal-to-noise ratio [dB]; infinite for an exact image."""
    mean_square = float(np.mean((image - truth) ** 2))
    return 10 * math.log10(float(np.ptp(truth)) ** 2 / mean_square) if mean_square else math.inf


def _frc50(image: Image, truth: Image) -> float:
    """First crossing below one half, interpolated, as a fraction of Nyquist; 1 without one."""
    if np.ptp(image) < FLAT * np.ptp(truth):
        return 0.0  # a flat image has rounding errors to correlate and nothing else
    curve = fourier_ring_correlation(image, truth)
    below = np.flatnonzero(curve < FRC_THRESHOLD)
    if below.size == 0:
        return 1.0
    k = int(below[0])
    if k == 0:
        return 0.0
    ring = k - (FRC_THRESHOLD - curve[k]) / (curve[k - 1] - curve[k])
    return float(ring / (min(image.shape) / 2))


def tukey(length: int, taper: float) -> Image:
    """A window of ones whose ends, the fraction `taper` of it, fall to zero as half a cosine.

    After Harris, Proc. IEEE 66, 51 (1978). That of scipy.signal takes a second to import, in each
    job of a study.
    """
    distance = np.arange(length) / max(1, length - 1)
    ramp = np.minimum(1.0, 2 * np.minimum(distance, 1 - distance) / taper)
    return 0.5 * (1 - np.cos(np.pi * ramp))


def _spectrum(image: Image) -> ComplexImage:
    side = min(image.shape)
    top, left = ((length - side) // 2 for length in image.shape)
    square = image[top : top + side, left : left + side]
    window = tukey(side, TUKEY_TAPER)
    return np.fft.fft2((square - square.mean()) * window[:, None] * window)
