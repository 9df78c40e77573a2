"""Which patterns are trained on, which are scored, and which no reconstruction may use."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

_CLEARLY = 2.0  # ratio of the mean steps along the axes from which on one is the slow one
_COVERED = 0.9  # part of the light of a free pattern that must fall where others have light
_GRID = 64  # px a side to which the beam is reduced when coverage is counted

Reals = NDArray[np.float64]
Bools = NDArray[np.bool_]


def slow_axis(positions: Reals) -> int:
    """Return the axis along which positions (B, 2) advance most slowly, in the order of the frames.

    Where both advance alike, as on a spiral, the longer axis counts as the slow one.
    """
    steps = np.abs(np.diff(positions, axis=0)).mean(axis=0)
    if steps.max() > _CLEARLY * steps.min():
        return int(steps.argmin())
    return int(np.ptp(positions, axis=0).argmax())


def last_part(positions: Reals, part: float) -> Bools:
    """Select the patterns in the last part of the scan's region along its slow axis.

    Parameters
    ----------
    positions : (B, 2) float64
        Positions of the patterns [px].
    part : float
        Fraction of the extent along the slow axis, 0 to 1.

    Returns
    -------
    (B,) bool
        True for the patterns in that part.
    """
    along = positions[:, slow_axis(positions)]
    return along > along.max() - part * np.ptp(along)


@dataclass(frozen=True, eq=False)
class Free:
    """The free patterns of a test part, which no reconstruction may use.

    Attributes
    ----------
    which : (B,) bool
        True for the free ones among all patterns.
    apart : bool
        Whether all of them lie a diameter of the beam away from all training patterns.
    covered : float
        The smallest share of the light of a free pattern that falls where others have theirs.
    """

    which: Bools
    apart: bool
    covered: float


def choose_free(
    positions: Reals, test: Bools, light: Reals, diameter: float, share: float, seed: int
) -> Free:
    """Choose test patterns that no reconstruction may use, and whose ground others cover.

    Where there are enough of them, they lie a diameter of the beam away from all training patterns,
    so that no network has seen their ground. If too few lie where others have their light, those
    that others cover best are taken.

    Parameters
    ----------
    positions : (B, 2) float64
        Positions of all patterns [px].
    test : (B,) bool
        The patterns to choose from.
    light : (N, N) float64
        Intensity of the probe at the sample.
    diameter : float
        Diameter of the beam [px].
    share : float
        Fraction of the test patterns that is wanted; at least one pattern is chosen.
    seed : int
        Seed of the choice.

    Returns
    -------
    Free
    """
    candidates = np.flatnonzero(test)
    wanted = max(1, round(share * len(candidates)))
    order = np.random.default_rng(seed).permutation(candidates)
    cover = _Cover(positions, candidates, light)
    distance = np.full(len(order), np.inf)
    if (~test).any():
        distance = cKDTree(positions[~test]).query(positions[order])[0]
    far = order[distance >= diameter]
    for some, least in ((far, _COVERED), (order, _COVERED), (far, 0.0), (order, 0.0)):
        chosen = cover.choose(some, wanted, least)
        if len(chosen) == wanted:
            break
    which = np.zeros(len(positions), bool)
    which[list(chosen)] = True
    return Free(which, bool(np.isin(list(chosen), far).all()), min(chosen.values()))


class _Cover:
    """The light of the test patterns on the ground of each."""

    def __init__(self, positions: Reals, test: NDArray[np.intp], light: Reals) -> None:
        self.beam, factor = _reduced(light)
        self.corners = np.rint((positions - positions[test].min(axis=0)) / factor).astype(int)
        rows, columns = self.corners[test].max(axis=0) + len(self.beam)
        self.total = np.zeros((rows, columns))
        for pattern in test:
            self.total[self._place(pattern)] += self.beam

    def choose(self, order: NDArray[np.intp], wanted: int, least: float) -> dict[int, float]:
        """Choose the first patterns of `order` whose light others cover by at least `least`.

        With `least` = 0, the patterns that others cover most are chosen. The result is the covered
        share of each chosen pattern.
        """
        total = self.total.copy()
        if least == 0:
            shares = [self._covered(total, pattern) for pattern in order]
            order = order[np.argsort(shares, kind="stable")[::-1]]
        chosen: dict[int, float] = {}
        for pattern in order:
            if len(chosen) == wanted:
                break
            share = self._covered(total, pattern)
            if share >= least:
                total[self._place(pattern)] -= self.beam
                chosen[int(pattern)] = share
        return chosen

    def _covered(self, total: Reals, pattern: int) -> float:
        """Return the share of a pattern's light that falls where the others have as much."""
        others = total[self._place(pattern)] - self.beam
        return float((self.beam * (others >= self.beam)).sum() / self.beam.sum())

    def _place(self, pattern: int) -> tuple[slice, slice]:
        row, column = self.corners[pattern]
        n = len(self.beam)
        return slice(row, row + n), slice(column, column + n)


def _reduced(light: Reals) -> tuple[Reals, int]:
    """Reduce the beam to at most `_GRID` px a side; return it and how many pixels became one."""
    factor = max(1, -(-len(light) // _GRID))
    side = len(light) // factor
    cut = light[: side * factor, : side * factor]
    return cut.reshape(side, factor, side, factor).sum(axis=(1, 3)), factor
