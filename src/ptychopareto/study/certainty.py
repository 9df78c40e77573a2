"""Estimate how sure the front of a search is: seeds are resampled, and all is decided again."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ptychopareto.config.columns import sign
from ptychopareto.study.configurations import names_of
from ptychopareto.study.halving import Entrant, decide
from ptychopareto.study.pareto import front
from ptychopareto.study.rungs import Decision

RESAMPLES = 200
SEED = 0


def certainty(
    decisions: Sequence[Decision],
    histories: Mapping[str, Sequence[float]],
    table: pd.DataFrame,
    cost: str,
    quality: str,
) -> dict[str, dict[str, float]]:
    """Resample the seeds of each configuration, and go through rungs and front again.

    A resample of a configuration has as many seeds as the configuration, drawn with replacement.
    The first of them decide at the rungs, as many as were tried first; the means of all of them
    make the front of those that went on. A configuration that was stopped has only the seeds that
    were tried, and beyond its rung the loss that it had there.

    Parameters
    ----------
    decisions : sequence of Decision
        Those of all rungs, the lowest first.
    histories : mapping of str to sequence of float
        The validation loss after each epoch of the runs that were trained to the end, by their id.
    table : DataFrame
        The runs, as `tables.table_of_runs` returns them.
    cost, quality : str
        The columns of the front.

    Returns
    -------
    dict
        For each configuration that was trained to the end `p_kept`, the part of the resamples in
        which it goes on at all rungs, and `p_front`, that in which it also is on the front. Empty
        where no configuration has a second seed, so that there is nothing to resample.
    """
    first = len(decisions[0].configurations[0]["runs"]) if decisions else 0
    ones = {one["configuration"]: one for d in decisions for one in d.configurations}
    pools = {name: _losses(one, histories, table) for name, one in ones.items()}
    if not decisions or all(len(pool) < 2 for pool in pools.values()):
        return {}
    points = _points(table, cost, quality)
    rng = np.random.default_rng(SEED)
    kept: dict[str, int] = dict.fromkeys(decisions[-1].survivors, 0)
    on_front = dict(kept)
    for _ in range(RESAMPLES):
        draws = {name: rng.integers(len(pool), size=len(pool)) for name, pool in pools.items()}
        alive = _survivors(decisions, ones, pools, draws, first)
        means = {
            name: points[name][draws[name] % len(points[name])].mean(axis=0)
            for name in alive
            if name in kept and len(points.get(name, ()))
        }
        values = np.array(list(means.values())).reshape(-1, 2)
        best = front(values[:, 0], values[:, 1])
        for name, is_best in zip(means, best, strict=True):
            kept[name] += 1
            on_front[name] += int(is_best)
    return {
        name: {"p_kept": kept[name] / RESAMPLES, "p_front": on_front[name] / RESAMPLES}
        for name in kept
    }


def _losses(
    one: Mapping[str, Any], histories: Mapping[str, Sequence[float]], table: pd.DataFrame
) -> list[tuple[float, ...]]:
    """Return the losses of all seeds of a configuration, to the end or up to its rung."""
    whole = [
        tuple(histories[run])
        for run in table["run"][names_of(table) == one["configuration"]]
        if run in histories
    ]
    if whole:
        return whole
    return [
        (*run["val_loss"], *(() if run["status"] == "ok" else (float("nan"),)))
        for run in one["runs"]
    ]


def _points(table: pd.DataFrame, cost: str, quality: str) -> dict[str, np.ndarray[Any, Any]]:
    """Return cost and signed quality (n, 2) of the runs of each configuration that are ok."""
    ok = table[table["status"] == "ok"]
    values = ok[[cost, quality]].astype("float64")
    values[quality] *= sign(quality)
    return {str(name): rows.dropna().to_numpy() for name, rows in values.groupby(names_of(ok))}


def _survivors(
    decisions: Sequence[Decision],
    ones: Mapping[str, Mapping[str, Any]],
    pools: Mapping[str, Sequence[tuple[float, ...]]],
    draws: Mapping[str, Any],
    first: int,
) -> list[str]:
    """Return the configurations that go on at all rungs of a resample."""
    alive = [
        Entrant(
            name,
            ones[name]["group"],
            float("nan") if ones[name]["cost"] is None else ones[name]["cost"],
            tuple(pools[name][index] for index in draws[name][:first]),
        )
        for name in pools
    ]
    for decision in decisions:
        places_of = dict.fromkeys({one.group for one in alive}, 0)
        for one in decision.configurations:
            if one["goes_on"]:
                places_of[one["group"]] += 1
        verdicts = decide([one.at(decision.rung) for one in alive], places_of)
        alive = [one for one, verdict in zip(alive, verdicts, strict=True) if verdict.goes_on]
    return [one.name for one in alive]
