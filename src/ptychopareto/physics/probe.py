"""Probes: the complex illumination at the sample, on N×N pixels with its centre at pixel N // 2."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from ptychopareto.config import ConfigError, Probe, ProbeDisk, ProbeNpz, ProbeZonePlate
from ptychopareto.files import read_probe
from ptychopareto.physics.registration import fit_quadratic_phase

# Frequencies are sampled this much finer than 1/N: then the tails of the beam do not wrap around.
OVERSAMPLING = 4

Field = NDArray[np.complex128]


def make_probe(config: Probe, N: int) -> NDArray[np.complex64]:
    """Make or read the probe of a dataset; then smooth, resize, mask and normalise it.

    Parameters
    ----------
    config : Probe
        The section `dataset.probe` of a study.
    N : int
        Side of the probe [px].

    Returns
    -------
    (N, N) complex64
        The illumination, normalised so that the mean |P| within radius N/4 of the centre is 1 /
        probe_scale.

    Raises
    ------
    ConfigError
        There is no light within radius N/4, or `resize` does not fit the size of the file's probe.
    FileError
        The file of the probe will not do.
    """
    field = _raw_probe(config, N)
    if config.smooth > 0:
        field = _smooth(field, config.smooth)
    if isinstance(config, ProbeNpz):
        field = resize(field, N, config.resize)
    radius = _radius(N)
    if config.mask_radius is not None:
        field = np.where(radius <= config.mask_radius, field, 0)
    core = np.abs(field)[radius < N / 4].mean()
    if not core > 0:
        raise ConfigError("dataset.probe: no light within radius N/4 of the centre to normalise by")
    return (field / (core * config.probe_scale)).astype(np.complex64)


def _raw_probe(config: Probe, N: int) -> Field:
    match config:
        case ProbeZonePlate():
            return zone_plate(config, N)
        case ProbeDisk():
            return (_radius(N) <= config.radius * N).astype(np.complex128)
        case ProbeNpz():
            return read_probe(config.path).astype(np.complex128)


def zone_plate(config: ProbeZonePlate, N: int) -> Field:
    """Compute the beam of a defocused, aberrated zone plate.

    Parameters
    ----------
    config : ProbeZonePlate
        Aperture [cycles/px], central stop, beam radius [N], curvature, and aberrations [rad].
    N : int
        Side of the probe [px].

    Returns
    -------
    (N, N) complex128

    Notes
    -----
    P = F[A(f)·exp(iπβ|f|² + iW(f))]. A is the aperture with its central stop. The defocus β [px²]
    sends frequency f to radius |β|·f (stationary phase), so |β| = beam radius / aperture; away from
    its fringes the beam has the phase −πr²/β, which curves upwards for β < 0. W holds the primary
    aberrations as Zernike polynomials (Noll, J. Opt. Soc. Am. 66, 207, 1976), in rad at the edge of
    the aperture.
    """
    points = OVERSAMPLING * N
    axis = np.fft.fftfreq(points)
    fy, fx = np.meshgrid(axis, axis, indexing="ij")
    rho = np.hypot(fy, fx) / config.aperture
    theta = np.arctan2(fy, fx)
    aperture = (rho < 1) & (rho >= config.central_stop)
    beta = config.beam_radius * N / config.aperture * (-1 if config.curvature == "up" else 1)
    wavefront = np.pi * beta * (fy**2 + fx**2)
    wavefront += config.astigmatism * rho**2 * np.cos(2 * theta)
    wavefront += config.coma * (3 * rho**3 - 2 * rho) * np.cos(theta)
    wavefront += config.spherical * (6 * rho**4 - 6 * rho**2 + 1)
    field = np.fft.fftshift(np.fft.fft2(aperture * np.exp(1j * wavefront)))
    start = (points - N) // 2
    return field[start : start + N, start : start + N]


def resize(field: Field, N: int, how: str) -> Field:
    """Bring a square probe to N×N pixels; its centre stays the centre.

    Parameters
    ----------
    field : (n, n) complex128
        The probe.
    N : int
        The wanted side [px].
    how : {"pad", "pad_extrapolate", "interpolate"}
        `pad` puts zeros around the probe. `pad_extrapolate` continues the amplitude of the edge
        outwards, with the phase of a quadratic fit. `interpolate` uses cubic splines, so that the
        beam grows or shrinks with the grid.

    Returns
    -------
    (N, N) complex128

    Raises
    ------
    ConfigError
        Padding cannot shrink a probe.
    """
    size = field.shape[0]
    if size == N:
        return field
    if how == "interpolate":
        axis = (np.arange(N) - N // 2) * size / N + size // 2
        where = np.stack(np.meshgrid(axis, axis, indexing="ij"))
        parts = (
            map_coordinates(part, where, order=3, mode="nearest")
            for part in (field.real, field.imag)
        )
        real, imag = parts
        return real + 1j * imag
    if size > N:
        raise ConfigError(
            f"dataset.probe.resize: '{how}' cannot shrink a {size}×{size} probe to N = {N}; "
            "use 'interpolate'"
        )
    before = N // 2 - size // 2
    margins = (before, N - size - before)
    if how == "pad":
        return np.pad(field, margins)
    amplitude = np.pad(np.abs(field), margins, mode="edge")
    extended = amplitude * np.exp(1j * fit_quadratic_phase(field).on_grid(N))
    extended[before : before + size, before : before + size] = field
    return extended


def _smooth(field: Field, sigma: float) -> Field:
    return gaussian_filter(field.real, sigma) + 1j * gaussian_filter(field.imag, sigma)


def _radius(N: int) -> NDArray[np.float64]:
    """Return the distance [px] of each pixel of an N×N grid from its centre, pixel N // 2."""
    axis = np.arange(N) - N // 2
    return np.hypot(axis[:, None], axis[None, :])
