"""A first guess of the probe: its scale, its modes, and one from the patterns alone."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ptychopareto.preparation.trial import Sample, joint_rpie

# Radii of the beam at the sample, as parts of half the window, to try without a known probe.
_RADII = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75)
_FINER = (0.8, 0.9, 1.0, 1.1, 1.25)

Complex = NDArray[np.complex128]
Reals = NDArray[np.float64]

# How positions can be turned: (transpose, sign of rows, sign of columns); unchanged stands first.
ORIENTATIONS = tuple(product((False, True), (1, -1), (1, -1)))


def turned(positions: Reals) -> Reals:
    """Return positions (b, 2) in all `ORIENTATIONS`, (8, b, 2)."""
    return np.stack(
        [
            (positions[:, ::-1] if transpose else positions) * np.array([rows, columns])
            for transpose, rows, columns in ORIENTATIONS
        ]
    )


def defocused(mean: Reals, curvature: float) -> Complex:
    """Make a probe whose far field has the mean amplitude and a quadratic phase.

    Parameters
    ----------
    mean : (N, N) float64
        Mean amplitude √I of the patterns, DC at N // 2.
    curvature : float
        β [px²].

    Returns
    -------
    (N, N) complex128
        The probe, its middle at pixel N // 2.

    Notes
    -----
    P = F⁻¹[√I·exp(iπβ|f|²)], with the frequency f in cycles/px.
    """
    axis = (np.arange(len(mean)) - len(mean) // 2) / len(mean)
    phase = np.pi * curvature * (axis[:, None] ** 2 + axis**2)
    far = np.fft.ifftshift(mean * np.exp(1j * phase))
    return np.fft.fftshift(np.fft.ifft2(far, norm="ortho"))


def twin(fields: Complex) -> Complex:
    """Return the rotated conjugate P*(−x) of fields (..., N, N); pixel N // 2 stays in its place.

    With it, and the rotated conjugate of the object, positions of the other signs give the same
    patterns.
    """
    turned_round = np.flip(fields.conj(), axis=(-2, -1))
    shift = 1 - fields.shape[-1] % 2
    return np.roll(turned_round, (shift, shift), axis=(-2, -1))


def beam_diameter(probe: NDArray[np.complexfloating]) -> float:
    """Return the diameter [px] of the even disk that is as concentrated as a probe's intensity.

    Parameters
    ----------
    probe : (N, N) complex
        One mode of a probe.

    Returns
    -------
    float
        2·√(A/π), where A = (Σ|P|²)² / Σ|P|⁴ is the area of the disk [px²].
    """
    intensity = np.abs(probe.astype(np.complex128)) ** 2
    area = intensity.sum() ** 2 / (intensity**2).sum()
    return float(2 * np.sqrt(area / np.pi))


@dataclass(frozen=True)
class Curvature:
    """The result of the search for the beam's defocus.

    Attributes
    ----------
    curvature : float
        β [px²] of the whole patterns, with its sign for the positions as they are.
    r_factors : (8,) float64
        Smallest R-factor in each of the `ORIENTATIONS`.
    """

    curvature: float
    r_factors: Reals


def find_curvature(sample: Sample, epochs: int) -> Curvature:
    """Search for the defocus with which a short joint rPIE explains the patterns best.

    All orientations of the positions are tried. The rotated conjugate twin has the other curvature
    and both signs of the positions reversed, so positive curvatures are enough.

    Parameters
    ----------
    sample : Sample
        Neighbouring patterns of the training part.
    epochs : int
        Passes of rPIE for each guess.

    Returns
    -------
    Curvature
        The best curvature, and the R-factors of all orientations.
    """
    mean = np.sqrt((sample.amplitudes.astype(np.float64) ** 2).mean(axis=0))
    n = sample.n
    axis = (np.arange(n) - n // 2) / n
    light = mean**2
    spread = np.sqrt(2 * (light * (axis[:, None] ** 2 + axis**2)).sum() / light.sum())
    curvatures = np.array(_RADII) * n / 2 / spread
    table = _table(sample, mean, curvatures, epochs)
    finer = curvatures[int(table.min(axis=1).argmin())] * np.array(_FINER)
    curvatures = np.concatenate([curvatures, finer])
    table = np.concatenate([table, _table(sample, mean, finer, epochs)])
    one, twin = 0, ORIENTATIONS.index((False, -1, -1))
    both = table[:, [one, twin]]
    best, which = np.unravel_index(both.argmin(), both.shape)
    sign = -1 if which else 1
    scale = (sample.side / n) ** 2
    return Curvature(float(sign * curvatures[best] * scale), table.min(axis=0))


def _table(sample: Sample, mean: Reals, curvatures: Reals, epochs: int) -> Reals:
    """Return the R-factors (curvatures, 8) after the last epoch."""
    positions = turned(sample.positions)
    count = len(positions)
    rows = []
    for curvature in curvatures:
        probes = np.repeat(defocused(mean, curvature)[None], count, axis=0)
        rows.append(joint_rpie(sample, probes, positions, epochs)[-1])
    return np.array(rows)


def orthogonal_modes(modes: Complex) -> Complex:
    """Return orthogonal modes with the mutual intensity of modes (M, N, N), the strongest first.

    Modes that share a fraction of less than 1e-6 of the light are left out.
    """
    if len(modes) == 1:
        return modes
    flat = modes.reshape(len(modes), -1)
    _, strengths, rows = np.linalg.svd(flat, full_matrices=False)
    kept = strengths**2 >= 1e-6 * (strengths**2).sum()
    # The phase of a mode is free; that of its strongest overlap with the first one is kept.
    out = strengths[kept, None] * rows[kept]
    overlap = (out.conj() @ flat[0])[:, None]
    out = out * np.exp(1j * np.angle(overlap))
    return out.reshape(-1, *modes.shape[1:])


def far_intensity(modes: Complex) -> Reals:
    """Return |F P|² (N, N) of all modes (M, N, N) together, DC at N // 2."""
    far = np.fft.fftshift(np.fft.fft2(modes, norm="ortho"), axes=(-2, -1))
    return (np.abs(far) ** 2).sum(axis=0)


def as_bright(modes: Complex, intensity: Reals, valid: NDArray[np.bool_]) -> tuple[Complex, float]:
    """Scale modes so that their far field has the light of the mean pattern on valid pixels.

    Where all pixels are valid, Σ|P|² becomes the mean counts of a pattern (Parseval).

    Parameters
    ----------
    modes : (M, N, N) complex128
        The probe.
    intensity : (N, N) float64
        Mean pattern [counts].
    valid : (N, N) bool
        True at valid pixels.

    Returns
    -------
    tuple of complex128 array and float
        The scaled modes (M, N, N), and Σ|P|² before as a fraction of the mean counts.
    """
    before = float((far_intensity(modes) * valid).sum() / (intensity * valid).sum())
    return modes / np.sqrt(before), before
