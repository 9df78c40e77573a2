"""Which patterns are trained on, which are scored, and which no reconstruction may use."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

_CLEARLY = 2.0  # ratio of the mean steps along the axes from which on one is the slow one
_COVERED = 0.9  # part of the light of a free pattern that must fall where other patterns' does
_ENOUGH_LIGHT = 0.5  # of the median coverage
_GRID = 64  # px a side to which the beam is reduced when coverage is counted

Reals = NDArray[np.float64]
Bools = NDArray[np.bool_]


def slow_axis(positions: Reals) -> int:
    """The axis along which positions (B, 2) advance most slowly, in the order of the frames.

    Where both advance alike, as on a spiral, the longer one.
    """
    steps = np.abs(np.diff(positions, axis=0)).mean(axis=0)
    if steps.max() > _CLEARLY * steps.min():
        return int(steps.argmin())
    return int(np.ptp(positions, axis=0).argmax())


def last_part(positions: Reals, part: float) -> Bools:
    """Which patterns lie in the last part of the scan's region along its slow axis."""
    along = positions[:, slow_axis(positions)]
    return along > along.max() - part * np.ptp(along)


@dataclass(frozen=True, eq=False)
class Free:
    """The free patterns: which they are, and whether their ground takes part in training."""

    which: Bools
    apart: bool


def choose_free(
    positions: Reals, test: Bools, light: Reals, diameter: float, share: float, seed: int
) -> Free:
    """Choose test patterns that no reconstruction may use, and whose ground others cover.

    Where there are enough of them, they lie a diameter of the beam away from all training patterns,
    so that no network has seen their ground.

    Parameters
    ----------
    positions : (B, 2) [px]
    test : (B,) the patterns to choose from
    light : (N, N) intensity of the probe at the sample
    diameter : of the beam [px]
    share : part of the test patterns that is wanted, at least one of them
    seed : of the choice

    Returns
    -------
    Free
        Patterns of the test part only; fewer than wanted, or none, where others do not cover them.
    """
    candidates = np.flatnonzero(test)
    wanted = max(1, round(share * len(candidates)))
    apart = False
    if (~test).any():
        distance = cKDTree(positions[~test]).query(positions[candidates])[0]
        far = candidates[distance >= diameter]
        apart = len(far) >= 3 * wanted
        candidates = far if apart else candidates
    order = np.random.default_rng(seed).permutation(candidates)
    chosen = _covered_by_others(positions, np.flatnonzero(test), order, light, wanted)
    which = np.zeros(len(positions), bool)
    which[chosen] = True
    return Free(which, apart)


def _covered_by_others(
    positions: Reals, test: NDArray[np.intp], order: NDArray[np.intp], light: Reals, wanted: int
) -> list[int]:
    """The first patterns of `order` whose light falls where the others that remain have theirs."""
    beam, factor = _reduced(light)
    corners = np.rint((positions - positions[test].min(axis=0)) / factor).astype(int)
    n = len(beam)
    rows, columns = corners[test].max(axis=0) + n
    coverage = np.zeros((rows, columns))

    def place(pattern: int) -> tuple[slice, slice]:
        row, column = corners[pattern]
        return slice(row, row + n), slice(column, column + n)

    for pattern in test:
        coverage[place(pattern)] += beam
    middle = corners[test] + n // 2
    enough = _ENOUGH_LIGHT * float(np.median(coverage[middle[:, 0], middle[:, 1]]))
    chosen: list[int] = []
    for pattern in order:
        if len(chosen) == wanted:
            break
        others = coverage[place(pattern)] - beam
        if (beam * (others >= enough)).sum() >= _COVERED * beam.sum():
            coverage[place(pattern)] = others
            chosen.append(int(pattern))
    return chosen


def _reduced(light: Reals) -> tuple[Reals, int]:
    """The beam on at most `_GRID` px a side, and how many pixels became one."""
    factor = max(1, -(-len(light) // _GRID))
    side = len(light) // factor
    cut = light[: side * factor, : side * factor]
    return cut.reshape(side, factor, side, factor).sum(axis=(1, 3)), factor
