"""How a curved probe maps the object onto the detector: the magnification of its shadow image.

A probe P ~ exp(i·a·r²) makes the far field a shadow image: object pixel r lands on detector pixel
N/2 + s·(r − N/2) with s = N·a/π, signed. Convolutions cannot flip or rescale, so that a network
wants s ≈ 1 and its input is resampled by s (`models.network.Registration`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Quadratic phase [rad] at the beam's RMS radius; below it the far field is no shadow image.
WEAKEST_CURVATURE = 1.0
# Agreement of the local curvatures over the beam, 1 for all the same; below it there is no one s.
WEAKEST_AGREEMENT = 0.2
# A shadow this close to the object's scale is left as it is: resampling would only blur it.
TOLERANCE = 0.1
REFINEMENTS = 5


@dataclass(frozen=True)
class QuadraticPhase:
    """Phase a·r² + b·r + offset [rad], r = (row, column) measured in px from the grid's centre.

    Attributes
    ----------
    curvature : float
        a [rad/px²].
    slope : tuple of float
        b along rows and along columns [rad/px].
    offset : float
        The phase at the grid's centre [rad].
    agreement : float
        How well the local curvatures over the beam agree: 1 if all are equal, towards 0 if they
        cancel.
    """

    curvature: float
    slope: tuple[float, float]
    offset: float
    agreement: float

    def on_grid(self, N: int) -> NDArray[np.float64]:
        """Return the phase (N, N) [rad] on a grid with its centre at pixel N // 2."""
        axis = np.arange(N) - N // 2
        rows, cols = np.meshgrid(axis, axis, indexing="ij")
        bend = self.curvature * (rows**2 + cols**2)
        return bend + self.slope[0] * rows + self.slope[1] * cols + self.offset


def fit_quadratic_phase(probe: NDArray[np.complexfloating]) -> QuadraticPhase:
    """Fit a quadratic phase to a probe, weighted by its intensity, without unwrapping.

    Parameters
    ----------
    probe : (N, N) complex
        The illumination.

    Returns
    -------
    QuadraticPhase

    Notes
    -----
    A first curvature comes from second differences of the phase, which do not wrap for |s| < N/2.
    Then the local frequency (first differences, with the fit so far divided out) is regressed on
    position until nothing is left. Noise and an off-centre beam only enter through their weight.
    """
    field = np.asarray(probe, dtype=np.complex128)
    N = field.shape[0]
    bends = np.array([_second_difference(field, axis) for axis in (0, 1)])
    total = bends[:, 0].sum()
    agreement = float(abs(total) / max(np.real(bends[:, 1].sum()), np.finfo(float).tiny))
    fit = QuadraticPhase(float(np.angle(total)) / 2, (0.0, 0.0), 0.0, agreement)
    for _ in range(REFINEMENTS):
        residual = field * np.exp(-1j * fit.on_grid(N))
        (slope0, bend0, weight0), (slope1, bend1, weight1) = (
            _local_frequency(residual, axis) for axis in (0, 1)
        )
        bend = (bend0 * weight0 + bend1 * weight1) / max(weight0 + weight1, np.finfo(float).tiny)
        slope = (fit.slope[0] + slope0, fit.slope[1] + slope1)
        fit = QuadraticPhase(fit.curvature + bend / 2, slope, 0.0, agreement)
    offset = np.angle(np.sum(np.abs(field) * field * np.exp(-1j * fit.on_grid(N))))
    return QuadraticPhase(fit.curvature, fit.slope, float(offset), agreement)


def _second_difference(field: NDArray[np.complex128], axis: int) -> tuple[complex, float]:
    """Return Σ P(r+1)·P*(r)²·P(r−1) along an axis, whose phase is 2a, and the sum of its moduli."""
    lines = np.moveaxis(field, axis, 0)
    product = lines[2:] * np.conj(lines[1:-1]) ** 2 * lines[:-2]
    return complex(product.sum()), float(np.abs(product).sum())


def _local_frequency(field: NDArray[np.complex128], axis: int) -> tuple[float, float, float]:
    """Fit an intensity-weighted line to the local frequency [rad/px] along an axis.

    The result is the line's value at the grid's centre, its slope [rad/px²], and the slope's weight
    Σ w·x².
    """
    lines = np.moveaxis(field, axis, 0)
    N = lines.shape[0]
    step = lines[1:] * np.conj(lines[:-1])
    weight = np.abs(step)
    total = max(float(weight.sum()), np.finfo(float).tiny)
    position = (np.arange(N - 1) + 0.5 - N // 2)[:, None]
    mean_phase = float(np.angle(step.sum()))
    frequency = np.angle(step * np.exp(-1j * mean_phase))
    centre = float((weight * position).sum()) / total
    spread = float((weight * (position - centre) ** 2).sum())
    slope = float((weight * (position - centre) * frequency).sum()) / max(
        spread, np.finfo(float).tiny
    )
    mean = mean_phase + float((weight * frequency).sum()) / total
    return mean - slope * centre, slope, spread


def magnification(probe: NDArray[np.complexfloating]) -> float | None:
    """Return the signed magnification s of the shadow of a probe (N, N); None without a shadow."""
    fit = fit_quadratic_phase(probe)
    intensity = np.abs(np.asarray(probe, dtype=np.complex128)) ** 2
    N = intensity.shape[0]
    axis = np.arange(N)
    total = max(float(intensity.sum()), np.finfo(float).tiny)
    variance = 0.0
    for marginal in (intensity.sum(axis=1), intensity.sum(axis=0)):
        mean = float((marginal * axis).sum()) / total
        variance += float((marginal * (axis - mean) ** 2).sum()) / total
    if abs(fit.curvature) * variance < WEAKEST_CURVATURE or fit.agreement < WEAKEST_AGREEMENT:
        return None
    return N * fit.curvature / np.pi


def input_magnification(probe: NDArray[np.complexfloating], register_input: str) -> float:
    """Return the s by which a network's input is resampled.

    Parameters
    ----------
    probe : (N, N) complex
        The illumination.
    register_input : {"auto", "none"}
        `auto` follows the probe, unless its shadow is within 10 % of the object's scale or not
        defined; `none` never resamples.

    Returns
    -------
    float
        The signed magnification; 1 for no resampling.
    """
    if register_input == "none":
        return 1.0
    s = magnification(probe)
    if s is None or abs(s - 1) <= TOLERANCE:
        return 1.0
    return s
