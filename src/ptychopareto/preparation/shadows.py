"""How the shadow images of neighbouring patterns move, which tells how positions are turned.

Under a curved beam a pattern is a shadow image of the sample. When the sample moves by d, the image
moves by −s·d, with the magnification s of `physics.registration`. Positions that are transposed, or
one of whose signs is wrong, contradict what the images do.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ptychopareto.preparation.trial import Sample

_NEIGHBOURS = 4
_LEAST_EXPLAINED = 0.15  # part of the images' motion that the best orientation must explain
_TIMES_SECOND = 3.0

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Shadows:
    """How well each of four ways to turn the positions explains how the images move.

    Attributes
    ----------
    explained : tuple of float
        Share of the images' motion, for positions as they are, with one sign reversed, transposed,
        and transposed with one sign reversed.
    magnification : float
        s of the positions as they are.
    """

    explained: tuple[float, float, float, float]
    magnification: float

    @property
    def best(self) -> int | None:
        """Number of the orientation that explains the motion; None where the images do not tell."""
        order = np.argsort(self.explained)
        first, second = self.explained[order[-1]], self.explained[order[-2]]
        clear = first >= _LEAST_EXPLAINED and first >= _TIMES_SECOND * second
        return int(order[-1]) if clear else None


def follow(sample: Sample) -> Shadows:
    """Correlate each pattern of a sample with its nearest neighbours."""
    steps, motion = _motion(sample)
    total = max(float((motion**2).sum()), np.finfo(float).tiny)
    explained, factors = [], []
    for transpose in (False, True):
        for sign in (1.0, -1.0):
            turned = (steps[:, ::-1] if transpose else steps) * np.array([1.0, sign])
            factor = float((motion * turned).sum() / max((turned**2).sum(), np.finfo(float).tiny))
            explained.append(1 - float(((motion - factor * turned) ** 2).sum()) / total)
            factors.append(factor)
    one, two, three, four = explained
    return Shadows((one, two, three, four), -factors[0])


def _motion(sample: Sample) -> tuple[Reals, Reals]:
    """Return the steps (pairs, 2) [px] between neighbours, of positions and of shadow images."""
    images = sample.amplitudes * sample.valid.astype(np.float32)
    images = images - images.mean(axis=0)  # the beam's own pattern does not move
    n, count = sample.n, min(_NEIGHBOURS, len(images) - 1)
    nearest = cKDTree(sample.positions).query(sample.positions, k=count + 1)[1]
    one, other = np.repeat(np.arange(len(images)), count), nearest[:, 1:].ravel()
    once = one < other
    one, other = one[once], other[once]
    spectra = np.fft.fft2(images)
    motion = np.empty((len(one), 2))
    for number, (i, j) in enumerate(zip(one, other, strict=True)):
        correlation = np.fft.ifft2(spectra[j] * spectra[i].conj()).real
        place = np.array(np.unravel_index(correlation.argmax(), correlation.shape))
        motion[number] = (place + n // 2) % n - n // 2
    return sample.positions[other] - sample.positions[one], motion
