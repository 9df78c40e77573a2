"""Synthetic objects."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.draw import line

from ptychopareto.config import LinesObject

# Blurs that turn one-pixel lines into structure at three scales: (weight, σ [px]).
LINE_SCALES = ((1.0, 1.0), (2.0, 5.0), (5.0, 10.0))


def lines(config: LinesObject, size: int, rng: np.random.Generator) -> NDArray[np.complex128]:
    """A (size, size) object of blurred random line segments, its amplitude not yet normalised.

    Segments are drawn on a canvas twice as large, so that the crop has no preferred centre. The
    phase [rad] follows the amplitude a: φ = π·tanh((a − max a / 2) / (3·mean a)), or is 0 for
    `phase: none`.
    """
    canvas = np.zeros((2 * size, 2 * size))
    for r0, c0, r1, c1 in rng.integers(0, 2 * size, (config.segments, 4)):
        canvas[line(r0, c0, r1, c1)] = 1.0
    blurred = sum(weight * gaussian_filter(canvas, sigma) for weight, sigma in LINE_SCALES)
    start = size // 2
    amplitude = np.asarray(blurred)[start : start + size, start : start + size]
    if config.phase == "none":
        return amplitude.astype(np.complex128)
    phase = np.pi * np.tanh((amplitude - amplitude.max() / 2) / (3 * amplitude.mean()))
    return amplitude * np.exp(1j * phase)
