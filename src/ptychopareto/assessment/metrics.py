"""How close a reconstructed object is to the truth.

Ptychography leaves a global complex factor, and often a phase ramp, undetermined. Both are removed
before anything is compared. The data range of SSIM and PSNR is that of the truth, and the SSIM of a
constant reconstruction (the floor) stands beside each SSIM. A second set of measures follows the
convention of the figures that the field has published, so that both can be compared.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.metrics import structural_similarity

from ptychopareto.config.sections import SSIM_WINDOW

Image = NDArray[np.float64]
ComplexImage = NDArray[np.complex128]
AnyImage = Image | ComplexImage

TUKEY_TAPER = 0.25  # fraction of each axis
FRC_THRESHOLD = 0.5
ROUNDING = 1e-10  # fraction of the strongest ring
# Rad, or fraction of the mean amplitude. A smaller range is the rounding of single precision.
FLAT = 1e-5
PUBLISHED_TRIM = 2  # px on each side


def evaluate(
    reconstruction: ArrayLike, truth: ArrayLike, remove_ramp: bool = True
) -> dict[str, float]:
    """Score the phase and the amplitude of a reconstruction against the truth.

    Parameters
    ----------
    reconstruction : complex (H, W)
        The reconstructed object, at least 7 px on each side.
    truth : complex (H, W)
        The true object.
    remove_ramp : bool
        Whether a phase ramp counts as undetermined, like the global factor. In the published
        convention it always does.

    Returns
    -------
    dict of str to float
        With the endings ``_phase`` and ``_amp``: ``ssim``; ``ssim_…_floor``, the SSIM of a constant
        reconstruction; ``psnr`` [dB]; ``mae`` [rad for the phase]; ``frc50``, the frequency at
        which the Fourier ring correlation first falls below one half, as a fraction of Nyquist. The
        measures of `published_measures` follow. A measure whose truth is flat is void: ``nan``.

    Raises
    ------
    ValueError
        The two are not finite, non-zero images of one shape.

    Notes
    -----
    Where the phase φ of the truth wraps, a jump of 2π is no edge of the object. There SSIM is the
    mean of the SSIM of cos φ and that of sin φ (data range 2), FRC is that of the complex field
    exp(iφ), and PSNR has a data range of 2π. MAE takes the phase difference the short way round and
    needs nothing.
    """
    r, t = _checked(reconstruction, truth)
    phase, amplitude = phase_and_amplitude(align(r, t, remove_ramp), t)
    constant_phase, constant_amplitude = phase_and_amplitude(
        align(np.ones_like(t), t, remove_ramp), t
    )
    true_phase, true_amplitude = phase_and_amplitude(t, t)
    flat_phase, flat_amplitude = _flat(t)
    score_phase = _wrapped_measures if _wraps(true_phase) else _measures
    phases = (phase, constant_phase, true_phase)
    amplitudes = (amplitude, constant_amplitude, true_amplitude)
    mean = float(true_amplitude.mean())
    return {
        **(_void("phase") if flat_phase else score_phase("phase", *phases, level=1.0)),
        **(_void("amp") if flat_amplitude else _measures("amp", *amplitudes, level=mean)),
        **published_measures(r, t),
    }


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
    """Bring a reconstruction to the global factor and the phase ramp of the truth.

    Parameters
    ----------
    reconstruction, truth : complex (H, W)
        The reconstructed and the true object.
    remove_ramp : bool
        Whether the phase ramp is brought to that of the truth too.

    Returns
    -------
    complex128 (H, W)
        The aligned reconstruction.

    Raises
    ------
    ValueError
        The two are not finite, non-zero images of one shape.

    Notes
    -----
    The plane is fitted to wrapped phase differences. A ramp of more than half a turn to either
    side of the centre is therefore not recognised.
    """
    r, t = _checked(reconstruction, truth)
    r = _scaled(r, t)
    if remove_ramp:
        r = _scaled(r * np.exp(-1j * _plane(np.angle(r * t.conj()))), t)
    return r


def phase_and_amplitude(aligned: ComplexImage, truth: ComplexImage) -> tuple[Image, Image]:
    """Take the phase and the amplitude of an aligned reconstruction.

    Parameters
    ----------
    aligned, truth : complex (H, W)
        The aligned reconstruction and the true object.

    Returns
    -------
    phase : (H, W) [rad]
        The phase of the truth plus the phase difference, which is between -π and π. A pixel
        without amplitude has phase 0, not the phase of the truth.
    amplitude : (H, W)
        The modulus.
    """
    true_phase = _phase_of_truth(truth)
    difference = np.angle(np.exp(1j * (_angle(aligned) - true_phase)))
    return true_phase + difference, np.abs(aligned)


def fourier_ring_correlation(image: AnyImage, reference: AnyImage) -> Image:
    """Correlate two images ring by ring in Fourier space.

    Parameters
    ----------
    image, reference : real or complex (H, W)
        The images. Their central square of n × n pixels is freed of its mean and tapered.

    Returns
    -------
    (n // 2 + 1,)
        Element k is the correlation (its real part) at k / n cycles per pixel: 0 where a ring is
        empty in either image, 1 at k = 0 if only rounding would decide.

    Notes
    -----
    The method is that of van Heel & Schatz, J. Struct. Biol. 151, 250 (2005).
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
    """Whether the phase of the truth is constant, and whether its amplitude is."""
    amplitude = np.abs(t)
    # Counted from the strongest pixel, a flat phase of ±π is not taken for jumps of 2π.
    phase_span = np.ptp(np.angle(t * t.flat[amplitude.argmax()].conj()))
    return bool(phase_span < FLAT), bool(np.ptp(amplitude) <= FLAT * amplitude.mean())


def _angle(image: ComplexImage) -> Image:
    """Phase [rad] between -π and π; 0 without amplitude, which a negative zero would make π."""
    return np.angle(image + 0)


def _phase_of_truth(t: ComplexImage) -> Image:
    """Phase [rad] of the truth, counted from its mean direction if only that makes it wrap."""
    phase = np.angle(t)
    if not _wraps(phase):
        return phase
    mean = float(np.angle(np.exp(1j * phase).mean()))
    around_mean = mean + np.angle(t * np.exp(-1j * mean))
    return phase if _wraps(around_mean) else around_mean


def _wraps(phase: Image) -> bool:
    """Whether the phase of neighbouring pixels differs by more than half a turn."""
    jumps = (np.abs(np.diff(phase, axis=axis)).max() for axis in (0, 1))
    return bool(max(jumps) > math.pi)


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


def _void(name: str) -> dict[str, float]:
    measures = ("ssim_{}", "ssim_{}_floor", "psnr_{}", "mae_{}", "frc50_{}")
    return {measure.format(name): math.nan for measure in measures}


def _measures(
    name: str, image: Image, constant: Image, truth: Image, *, level: float
) -> dict[str, float]:
    return {
        f"ssim_{name}": _ssim(image, truth, np.ptp(truth)),
        f"ssim_{name}_floor": _ssim(constant, truth, np.ptp(truth)),
        f"psnr_{name}": _psnr(image, truth, np.ptp(truth)),
        f"mae_{name}": _mae(image, truth),
        f"frc50_{name}": _frc50(image, truth, level),
    }


def _wrapped_measures(
    name: str, image: Image, constant: Image, truth: Image, *, level: float
) -> dict[str, float]:
    """The same of phases [rad] that wrap, so that no jump of 2π counts as structure."""
    field, constant_field, true_field = (np.exp(1j * phase) for phase in (image, constant, truth))
    return {
        f"ssim_{name}": _ssim_of_field(field, true_field),
        f"ssim_{name}_floor": _ssim_of_field(constant_field, true_field),
        f"psnr_{name}": _psnr(image, truth, 2 * math.pi),
        f"mae_{name}": _mae(image, truth),
        f"frc50_{name}": _frc50(field, true_field, level),
    }


def _mae(image: Image, truth: Image) -> float:
    return float(np.mean(np.abs(image - truth)))


def _ssim(image: Image, truth: Image, data_range: float) -> float:
    """Mean structural similarity with a uniform window (Wang et al. 2004)."""
    return float(structural_similarity(image, truth, win_size=SSIM_WINDOW, data_range=data_range))


def _ssim_of_field(field: ComplexImage, truth: ComplexImage) -> float:
    """Mean SSIM of the real and the imaginary part of exp(iφ), which both reach from -1 to 1."""
    return (_ssim(field.real, truth.real, 2.0) + _ssim(field.imag, truth.imag, 2.0)) / 2


def _psnr(image: Image, truth: Image, data_range: float) -> float:
    """Peak signal-to-noise ratio [dB]; infinite for an exact image."""
    mean_square = float(np.mean((image - truth) ** 2))
    return 10 * math.log10(float(data_range) ** 2 / mean_square) if mean_square else math.inf


def _frc50(image: AnyImage, truth: AnyImage, level: float) -> float:
    """First crossing below one half, interpolated, as a fraction of Nyquist; 1 without one.

    `level` is what a range is small against: 1 rad, or the mean amplitude.
    """
    # A flat image has rounding errors to correlate and nothing else. The square of the FRC may be
    # flat though the whole image is not.
    if _range(image) < FLAT * _range(truth) or any(
        _range(_central_square(part)) < FLAT * level for part in (image, truth)
    ):
        return 0.0
    curve = fourier_ring_correlation(image, truth)
    below = np.flatnonzero(curve < FRC_THRESHOLD)
    if below.size == 0:
        return 1.0
    k = int(below[0])
    if k == 0:
        return 0.0
    ring = k - (FRC_THRESHOLD - curve[k]) / (curve[k - 1] - curve[k])
    return float(ring / (min(image.shape) / 2))


def _range(image: AnyImage) -> float:
    """Maximum minus minimum; of a complex image the larger one of its two parts."""
    return float(max(np.ptp(image.real), np.ptp(image.imag)))


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


def _central_square(image: AnyImage) -> AnyImage:
    side = min(image.shape)
    top, left = ((length - side) // 2 for length in image.shape)
    return image[top : top + side, left : left + side]


def _spectrum(image: AnyImage) -> ComplexImage:
    square = _central_square(image)
    window = tukey(len(square), TUKEY_TAPER)
    return np.fft.fft2((square - square.mean()) * window[:, None] * window)
