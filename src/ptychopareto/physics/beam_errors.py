"""Beams that are not what they are taken for: out of focus, blurred, curved, turned, incoherent."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from ptychopareto.physics.registration import magnification

# A field is interpolated on a grid that is finer by this factor: the phase of a curved beam turns
# by up to π from pixel to pixel, and cubic splines follow that no better than linear ones.
OVERSAMPLING = 4

Beam = NDArray[np.complex64]


def part_of_defocus(probe: Beam, part: float) -> float | None:
    """Return a part of the defocus β of a probe.

    Parameters
    ----------
    probe : (N, N) complex64
        The illumination.
    part : float
        The part of β.

    Returns
    -------
    float or None
        part·β [px²]; None where the probe is too flat to have a defocus.

    Notes
    -----
    A beam of defocus β has the phase −πr²/β = ar² (see `probe.zone_plate`), so β = −π/a = −N/s,
    where s is the magnification of its shadow.
    """
    s = magnification(probe)
    return None if s is None else -part * len(probe) / s


def defocused(probe: Beam, distance: float) -> Beam:
    """Propagate a probe further out of focus.

    Parameters
    ----------
    probe : (N, N) complex64
        The illumination.
    distance : float
        δ [px²].

    Returns
    -------
    (N, N) complex64

    Notes
    -----
    P' = F⁻¹[F P · exp(iπδ|f|²)]: free-space propagation in the Fresnel approximation (Goodman,
    Introduction to Fourier Optics, chapter 4). Over a distance z, light of wavelength λ gets δ =
    −λz. No light is lost: light that would leave the field of view comes in on the other side.
    """
    frequency = np.fft.fftfreq(len(probe))
    phase = np.pi * distance * (frequency[:, None] ** 2 + frequency**2)
    return np.asarray(np.fft.ifft2(np.fft.fft2(probe) * np.exp(1j * phase)), np.complex64)


def blurred(probe: Beam, sigma: float) -> Beam:
    """Blur a probe, as one that was reconstructed with too little resolution.

    Parameters
    ----------
    probe : (N, N) complex64
    sigma : float
        Standard deviation of the Gaussian [px].

    Returns
    -------
    (N, N) complex64
        Its power is that of the probe.
    """
    real, imaginary = (
        gaussian_filter(part, sigma, mode="constant") for part in (probe.real, probe.imag)
    )
    return _with_power_of(probe, real + 1j * imaginary)


def curved(probe: Beam, phase: float) -> Beam:
    """Add a quadratic phase to a probe.

    Parameters
    ----------
    probe : (N, N) complex64
    phase : float
        The phase at radius N/4 from the centre, pixel N // 2 [rad].

    Returns
    -------
    (N, N) complex64
    """
    N = len(probe)
    square = (np.arange(N) - N // 2) ** 2
    radius = (square[:, None] + square) / (N / 4) ** 2
    return np.asarray(probe * np.exp(1j * phase * radius), np.complex64)


def turned(probe: Beam, angle: float) -> Beam:
    """Turn a probe about its centre, pixel N // 2.

    Parameters
    ----------
    probe : (N, N) complex64
    angle : float
        From rows to columns [degree].

    Returns
    -------
    (N, N) complex64
        Its power is that of the probe.
    """
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return _resampled(probe, np.array([[cosine, sine], [-sine, cosine]]))


def magnified(probe: Beam, factor: float) -> Beam:
    """Enlarge a probe about its centre, pixel N // 2, phase and all.

    Parameters
    ----------
    probe : (N, N) complex64
    factor : float
        By which it becomes larger.

    Returns
    -------
    (N, N) complex64
        Its power is that of the probe.
    """
    return _resampled(probe, np.eye(2) / factor)


def with_second_mode(probe: Beam, part: float) -> Beam:
    """Split a beam into two incoherent modes.

    Parameters
    ----------
    probe : (N, N) complex64
    part : float
        Part of the light in the second mode.

    Returns
    -------
    (2, N, N) complex64
        The modes, orthogonal to each other. Together they have the power of the probe.

    Notes
    -----
    The second mode is (x − x̄)·P, with x̄ the centre of the light along the columns: the one that
    a source adds which is extended along x. Its points tilt the beam, P·exp(iκx), and their
    patterns add; up to κ² that makes two modes, (1 − κ²x²/2)·P and κx·P (on modes: Thibault &
    Menzel, Nature 494, 68, 2013). Here the first one keeps its shape.
    """
    light = np.abs(probe.astype(np.complex128)) ** 2
    columns = np.arange(len(probe))
    centre = (light.sum(axis=0) * columns).sum() / light.sum()
    second = _with_power_of(probe, probe * (columns - centre))
    return np.stack([np.sqrt(1 - part) * probe, np.sqrt(part) * second]).astype(np.complex64)


def _resampled(probe: Beam, matrix: NDArray[np.float64]) -> Beam:
    """Return P(M·r), r counted from the centre, with the power of P; dark outside of the field."""
    N = len(probe)
    fine = _oversampled(probe)
    axis = np.arange(N) - N // 2
    where = np.tensordot(matrix, np.stack(np.meshgrid(axis, axis, indexing="ij")), 1)
    points = (where + N // 2) * OVERSAMPLING
    real, imaginary = (
        map_coordinates(part, points, order=3, mode="constant") for part in (fine.real, fine.imag)
    )
    return _with_power_of(probe, real + 1j * imaginary)


def _oversampled(probe: Beam) -> NDArray[np.complex128]:
    """Interpolate a periodic field by zeros around its spectrum; every fourth pixel stays."""
    N = len(probe)
    before = N * OVERSAMPLING // 2 - N // 2
    spectrum = np.pad(np.fft.fftshift(np.fft.fft2(probe)), (before, N * OVERSAMPLING - N - before))
    return np.fft.ifft2(np.fft.ifftshift(spectrum)) * OVERSAMPLING**2


def _with_power_of(probe: Beam, changed: NDArray[np.complexfloating]) -> Beam:
    """Scale a field to the power of a probe: mean counts tell it, whatever else is wrong."""
    factor = np.linalg.norm(probe) / np.linalg.norm(changed)
    return np.asarray(changed * factor, np.complex64)
