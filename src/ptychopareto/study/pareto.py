"""The configurations that no other one beats, how sure that is, and which one to take."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ptychopareto.config.columns import MEASURES, sign
from ptychopareto.study.configurations import configurations, names_of

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

DIGITS = 12  # digits of a mean to compare: a sum over the same seeds may differ in the last ones
MOST_RESAMPLES = 1000  # of a configuration; beyond (from 7 seeds on) a random choice stands for all
SEED = 0
ABOVE = 1e-9  # a point less far above the chord, in scaled quality, lies on it


def front(cost: ArrayLike, quality: ArrayLike) -> Mask:
    """Mark the points that no other point dominates.

    A point is dominated if another one costs at most as much, is at least as good, and is better in
    one of the two. Equal points do not dominate each other; a point with a NaN dominates none and
    is never marked.

    Parameters
    ----------
    cost : ArrayLike
        What each of the (n,) points costs; less is better.
    quality : ArrayLike
        How good each of the (n,) points is; more is better.

    Returns
    -------
    (n,) bool
        True for the points on the front.

    Raises
    ------
    ValueError
        The two are not one-dimensional and of the same length.
    """
    c, q = np.asarray(cost, dtype=np.float64), np.asarray(quality, dtype=np.float64)
    if c.ndim != 1 or c.shape != q.shape:
        raise ValueError(f"cost {c.shape} and quality {q.shape}; (n,) is wanted for both")
    on_front = np.zeros(len(c), dtype=bool)
    known = np.flatnonzero(~np.isnan(c) & ~np.isnan(q))
    order = known[np.lexsort((-q[known], c[known]))]  # the cheapest first, of equals the best
    c, q = c[order], q[order]
    first = np.searchsorted(c, c)  # the first of those that cost as much
    best_so_far = np.maximum.accumulate(q)
    cheapest = first == 0
    better_than_cheaper = cheapest | (q > best_so_far[np.maximum(first - 1, 0)])
    on_front[order] = (q == q[first]) & better_than_cheaper
    return on_front


def knee(cost: ArrayLike, quality: ArrayLike) -> int | None:
    """Find the point of a front beyond which quality becomes expensive.

    It is the one farthest above the chord from the cheapest to the best point, in the logarithm of
    the cost and in the quality, both scaled to [0, 1]; of equals the cheapest, the first.

    Parameters
    ----------
    cost : ArrayLike
        What each of the (n,) points of a front costs, rising, above 0.
    quality : ArrayLike
        How good each of the (n,) points is, rising.

    Returns
    -------
    int or None
        Its index; None if no point is above the chord, as on a front of fewer than three different
        points.
    """
    c, q = np.log(np.asarray(cost, np.float64)), np.asarray(quality, np.float64)
    if len(c) == 0 or c[-1] <= c[0] or q[-1] <= q[0]:
        return None
    above = (q - q[0]) / (q[-1] - q[0]) - (c - c[0]) / (c[-1] - c[0])
    candidates = np.flatnonzero((above > ABOVE) & (above > above.max() - ABOVE))
    return int(candidates[0]) if len(candidates) else None


def pareto_front(table: pd.DataFrame, cost: str, quality: str) -> pd.DataFrame:
    """Select the configurations of a table of runs that are on its front, the cheapest first.

    The front is that of the means over the seeds. How much of it is luck, the bootstrap tells: each
    configuration's runs are replaced by as many drawn from them, with replacement, cost and quality
    of a run together.

    Parameters
    ----------
    table : DataFrame
        The runs, as `table.gather` returns them.
    cost : str
        The column to be small. A configuration whose mean is not above 0 is left out.
    quality : str
        The column on the quality axis; `config.columns` says which end is the better.

    Returns
    -------
    DataFrame
        The rows of `configurations` that are on the front, with `p_front`, the probability to be on
        the front of such resamples, and `recommended`: true for one of them, the knee, or the best
        where the front has none. `p_front` is missing for a configuration without a second seed,
        since resamples of the others do not show its luck.
    """
    everything = configurations(table)
    means = _comparable(_numbers(everything, cost, quality))
    on_front = np.flatnonzero(front(means[:, 0], means[:, 1]))
    p_front = _probabilities_on_front(on_front, _samples(table, cost, quality))
    selected = everything.iloc[on_front].assign(p_front=p_front, recommended=False)
    selected.loc[selected["n_ok"] < 2, "p_front"] = np.nan
    selected = selected.iloc[np.argsort(means[on_front, 0], kind="stable")]
    selected = selected.reset_index(drop=True)
    if len(selected):
        points = _comparable(_numbers(selected, cost, quality))
        index = knee(points[:, 0], points[:, 1])
        best = int(points[:, 1].argmax())  # the first of equals
        selected.loc[best if index is None else index, "recommended"] = True
    return selected


def fronts_of_pairs(
    configurations: pd.DataFrame, axes: Sequence[str]
) -> dict[str, dict[str, list[int]]]:
    """Find the front of each pair of columns, each to be small or large as `config.columns` says.

    Parameters
    ----------
    configurations : DataFrame
        The means of the configurations, as `configurations.configurations` returns them.
    axes : sequence of str
        The columns. A configuration has no place on a logarithmic axis if its mean is not above 0.

    Returns
    -------
    dict of dict of list of int
        ``[a][b]`` are the rows on the front of the columns a and b, the best in a first. Each pair
        of columns is there once, in the order of `axes`, and so is each column with itself.
    """
    losses = {axis: _losses(configurations, axis) for axis in axes}
    fronts: dict[str, dict[str, list[int]]] = {axis: {} for axis in axes}
    for first, second in combinations_with_replacement(axes, 2):
        a, b = losses[first], losses[second]
        rows = np.flatnonzero(front(a, -b))
        fronts[first][second] = rows[np.argsort(a[rows], kind="stable")].tolist()
    return fronts


def _losses(configurations: pd.DataFrame, axis: str) -> Array:
    """Return a column (n,) as what is to be small, NaN where it has no place on its axis."""
    values = configurations[axis].to_numpy(dtype=np.float64, na_value=np.nan)
    drawable = np.isfinite(values) & ((values > 0) | (MEASURES[axis].scale != "log"))
    return -sign(axis) * _rounded(np.where(drawable, values, np.nan))


# ---------------------------------------------------------------------------------------------
# Points and dominance
# ---------------------------------------------------------------------------------------------


def _dominates(others: Array, points: Array) -> Mask:
    """Tell which of m others dominates which of n points: (n, m). Both are rows (cost, quality)."""
    (c, q), (c_other, q_other) = points.T[..., None], others.T
    # Comparisons with NaN are false.
    no_worse = (c_other <= c) & (q_other >= q)
    better = (c_other < c) | (q_other > q)
    return no_worse & better


def _numbers(rows: pd.DataFrame, cost: str, quality: str) -> Array:
    """Return cost and quality (n, 2); a measure that should be small is negated: more is better."""
    return rows[[cost, quality]].to_numpy(dtype=np.float64, na_value=np.nan) * (1, sign(quality))


def _comparable(points: Array) -> Array:
    """Round to the digits that count; NaN for a point without two finite numbers, cost above 0."""
    valid = np.isfinite(points).all(axis=1) & (points[:, 0] > 0)
    return _rounded(np.where(valid[:, None], points, np.nan))


def _rounded(values: Array) -> Array:
    """Round each value to the digits that count."""
    with np.errstate(divide="ignore"):  # the exponent of 0
        exponents = np.floor(np.log10(np.abs(values)))
    scale = 10.0 ** (DIGITS - 1 - np.where(np.isfinite(exponents), exponents, 0))
    return np.asarray(np.round(values * scale) / scale)


# ---------------------------------------------------------------------------------------------
# The bootstrap
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Resamples:
    """The means (r, 2) of a configuration's resamples, and the (r,) times that each occurs."""

    means: Array
    times: Array


def _samples(table: pd.DataFrame, cost: str, quality: str) -> list[Array]:
    """Return `_numbers` (n, 2) of the runs that are ok, for each configuration in order.

    What one run lacks, such as a time not yet taken, is filled with the mean of the others.
    """
    table = table.reset_index(drop=True)
    ok = table["status"] == "ok"
    number = table.groupby(names_of(table), sort=False).ngroup()
    numbers = table[[cost, quality]].astype("float64").where(ok)
    numbers = numbers.fillna(numbers.groupby(number).transform("mean"))
    return [_numbers(numbers[ok & (number == i)], cost, quality) for i in range(number.nunique())]


def _probabilities_on_front(which: NDArray[np.intp], samples: list[Array]) -> Array:
    """Return the probability of some of the configurations to be on the front of a resample.

    Configurations are resampled independently, so a point is on the front with the product of the
    probabilities that each other configuration leaves it there. This is exact for up to six seeds:
    all resamples are listed. It is missing if there is nothing to resample.
    """
    if all(len(sample) < 2 for sample in samples):
        return np.full(len(which), np.nan)
    rng = np.random.default_rng(SEED)
    resamples = [_resample(sample, rng) for sample in samples]
    return np.array([_probability_on_front(i, resamples) for i in which], dtype=np.float64)


def _probability_on_front(i: int, resamples: list[_Resamples]) -> float:
    own = resamples[i]
    left_there = np.ones(len(own.means))
    for j, other in enumerate(resamples):
        if j != i and len(other.means):
            total = other.times.sum()
            left_there *= (total - _dominates(other.means, own.means) @ other.times) / total
    return float(left_there @ own.times / own.times.sum())


def _resample(sample: Array, rng: np.random.Generator) -> _Resamples:
    n = len(sample)
    if n == 0:
        return _Resamples(sample, np.empty(0))
    if math.comb(2 * n - 1, n) > MOST_RESAMPLES:
        drawn = rng.integers(n, size=(MOST_RESAMPLES, n))
        return _Resamples(_comparable(sample[drawn].mean(axis=1)), np.ones(len(drawn)))
    # Each choice of runs, whatever their order, occurs in n! / Π (times of each run)! orders.
    chosen = np.array(list(combinations_with_replacement(range(n), n)))
    orders = [
        math.factorial(n) // math.prod(map(math.factorial, np.bincount(row).tolist()))
        for row in chosen
    ]
    return _Resamples(_comparable(sample[chosen].mean(axis=1)), np.array(orders, dtype=np.float64))
