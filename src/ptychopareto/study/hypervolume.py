"""How much of a plane of costs and losses a set of points dominates."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptychopareto.study.pareto import front

Array = NDArray[np.float64]


def hypervolume(points: ArrayLike, reference: tuple[float, float]) -> float:
    """Return the area between points and a reference point, both coordinates to be small.

    Parameters
    ----------
    points : (n, 2) array_like
        Two coordinates of each point; less is better. A point that is nowhere better than the
        reference, or has a NaN, adds nothing.
    reference : tuple of float
        The corner of the area that is worst in both coordinates.

    Returns
    -------
    float
        The area that at least one of the points dominates, in the product of both units.
    """
    rows = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    rows = rows[(rows < reference).all(axis=1)]  # comparisons with NaN are false
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    area, lowest = 0.0, reference[1]
    for x, y in rows:
        if y < lowest:
            area += (reference[0] - x) * (lowest - y)
            lowest = y
    return float(area)


def contributions(points: ArrayLike, reference: tuple[float, float]) -> Array:
    """Return how much of the area is lost without each of the points of a front.

    Parameters
    ----------
    points : (n, 2) array_like
        Points none of which dominates another one. Equal points contribute nothing.
    reference : tuple of float
        The corner of the area; it is worse than all points in both coordinates.

    Returns
    -------
    (n,) ndarray of float64
        The area that only this point dominates.
    """
    rows = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    order = np.lexsort((rows[:, 1], rows[:, 0]))
    x, y = rows[order].T
    next_x, previous_y = np.append(x[1:], reference[0]), np.insert(y[:-1], 0, reference[1])
    areas = np.empty(len(rows))
    areas[order] = (next_x - x) * (previous_y - y)
    return areas


def fronts(points: ArrayLike) -> NDArray[np.int64]:
    """Sort points into fronts: the first, the one that is first without it, and so on.

    Parameters
    ----------
    points : (n, 2) array_like
        Two finite coordinates of each point; less is better.

    Returns
    -------
    (n,) ndarray of int64
        The number of the front of each point, from 0 (non-dominated sorting).
    """
    rows = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    numbers = np.full(len(rows), -1, dtype=np.int64)
    number = 0
    while (left := np.flatnonzero(numbers < 0)).size:
        x, y = rows[left].T
        numbers[left[front(x, -y)]] = number
        number += 1
    return numbers
