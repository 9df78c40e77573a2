"""From the runs of a study to its configurations, and to those that no other one beats."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ptychopareto.study.runs import Run
from ptychopareto.study.table import MEASURES

CONFIGURATION = ["architecture", "input_transform", "modes", "width", "supervision"]


def configuration_means(table: pd.DataFrame) -> pd.DataFrame:
    """Average the runs of each configuration over its seeds.

    Args:
        table: the runs, as `table.gather` returns them.

    Returns:
        One row per configuration, in the order of the table: its name `configuration`, its axes,
        the means of all measures and costs over the runs that are ok (missing if none is), and
        the numbers of runs that are ok (`n_ok`) and that are not (`n_failed`).
    """
    ok = table["status"] == "ok"
    measures = list(MEASURES)
    numbers = table[CONFIGURATION].join(table[measures].astype("float64").where(ok))
    groups = numbers.assign(n_ok=ok, n_failed=~ok).groupby(CONFIGURATION, sort=False)
    means = groups[measures].mean().join(groups[["n_ok", "n_failed"]].sum()).reset_index()
    axes = means[CONFIGURATION].itertuples(index=False, name=None)
    names = [Run(a, t, m, w, s, seed=0).configuration for a, t, m, w, s in axes]
    means.insert(0, "configuration", pd.Series(names, dtype="string"))
    return means.astype({name: kind for name, kind in MEASURES.items() if kind == "Int64"})


def front(cost: ArrayLike, quality: ArrayLike) -> NDArray[np.bool_]:
    """Mark the points that no other point dominates.

    A point is dominated if another one costs at most as much, is at least as good, and is better
    in one of the two. Equal points do not dominate each other; a point with a NaN dominates none
    and is never marked.

    Args:
        cost: what each of the (n,) points costs; less is better.
        quality: how good each of the (n,) points is; more is better.

    Raises:
        ValueError: the two are not one-dimensional and of the same length.
    """
    c, q = np.asarray(cost, dtype=np.float64), np.asarray(quality, dtype=np.float64)
    if c.ndim != 1 or c.shape != q.shape:
        raise ValueError(f"cost {c.shape} and quality {q.shape}; (n,) is wanted for both")
    # Row i, column j: how point j stands to point i. Comparisons with NaN are false.
    no_worse = (c <= c[:, None]) & (q >= q[:, None])
    better = (c < c[:, None]) | (q > q[:, None])
    dominated = (no_worse & better).any(axis=1)
    return ~dominated & ~np.isnan(c) & ~np.isnan(q)


def pareto_front(table: pd.DataFrame, cost: str, quality: str) -> pd.DataFrame:
    """Select the configurations of a table of runs that are on its front, the cheapest first.

    Args:
        table: the runs, as `table.gather` returns them.
        cost: the column to be small.
        quality: the column to be large.

    Returns:
        The rows of `configuration_means` that are on the front.
    """
    means = configuration_means(table)
    on_front = front(
        means[cost].to_numpy(np.float64, na_value=np.nan),
        means[quality].to_numpy(np.float64, na_value=np.nan),
    )
    return means[on_front].sort_values(cost, kind="stable", ignore_index=True)
