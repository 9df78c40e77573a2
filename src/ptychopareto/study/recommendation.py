"""The one network to take to a beamline, and why."""

import math
from typing import Any

import pandas as pd

from ptychopareto.study.collapse import collapsed
from ptychopareto.study.configurations import median_run, names_of
from ptychopareto.study.gain import floor_of

NOTHING = dict.fromkeys(("configuration", "run", "cost", "quality", "p_front"))


def recommend(table: pd.DataFrame, front: pd.DataFrame, cost: str, quality: str) -> dict[str, Any]:
    """Choose a configuration of a study, and one of its runs to use.

    The configuration is the knee of the front, or its best where it has none. The run is the one of
    median quality, so that no luck is sold: from two in the middle the worse one, from equal ones
    that of the lowest seed.

    Parameters
    ----------
    table : DataFrame
        The runs, as `table.gather` returns them.
    front : DataFrame
        The configurations on the front of the two columns, as `pareto.pareto_front` returns them.
    cost : str
        The column to be small.
    quality : str
        The column on the quality axis.

    Returns
    -------
    dict
        `configuration` and `run`: their names; `cost` and `quality`: the configuration's means;
        `p_front`: its probability to be on the front, None without a second seed; `axes`: the names
        of the two columns; `reason`: why, in one line. Where no run is good for a recommendation,
        all but the last two are None.
    """
    axes = {"cost": cost, "quality": quality}
    if front.empty:
        return {**NOTHING, "axes": axes, "reason": _why_not(table, cost, quality)}
    chosen = front[front["recommended"]].iloc[0]
    return {
        "configuration": str(chosen["configuration"]),
        "run": median_run(table, str(chosen["configuration"]), quality),
        "cost": front.loc[front["recommended"], cost].tolist()[0],
        "quality": float(chosen[quality]),
        "p_front": None if pd.isna(chosen["p_front"]) else float(chosen["p_front"]),
        "axes": axes,
        "reason": _why(front, chosen, cost, quality) + _warning(table, chosen, quality),
    }


def _why(front: pd.DataFrame, chosen: "pd.Series[Any]", cost: str, quality: str) -> str:
    cheapest, best = front.iloc[0], front.iloc[-1]
    what = f"{quality} {_with_interval(chosen, quality)} for {cost} {_shown(chosen[cost])}"
    if len(front) == 1:
        reason = f"The only configuration on the front, none is cheaper and none better: {what}."
    elif _alike(cheapest[quality], best[quality]):
        reason = f"The first of {len(front)} configurations that are alike, and the best: {what}."
    elif not _alike(chosen[quality], best[quality]):
        reason = (
            f"The knee of a front of {len(front)} configurations: {what}. The best one has "
            f"{_difference(chosen[quality], best[quality])} and costs "
            f"{best[cost] / chosen[cost]:.3g} times as much; "
            f"{_less(cheapest, chosen, cost, quality)}"
        )
    else:
        reason = (
            f"The best of a front of {len(front)} configurations without a knee (none lies above "
            f"the line from its cheapest to its best): {what}; "
            f"{_less(cheapest, chosen, cost, quality)}"
        )
    return f"{reason} {_how_sure(chosen)}"


def _warning(table: pd.DataFrame, chosen: "pd.Series[Any]", quality: str) -> str:
    """Warn in a sentence of runs that collapsed, or if the mean is no better than a constant.

    A measure without a floor is judged by the SSIM of the same part of the object, which has one.
    """
    own = (names_of(table) == chosen["configuration"]) & (table["status"] == "ok")
    floor = floor_of(table[own], quality)
    if floor is None or not floor.nothing_learned:
        lost = table[own & collapsed(table)]
        number = f"{len(lost)} of its {own.sum()} runs collapsed"
        return f" {number} ({lost['warning'].iloc[0]})." if len(lost) else ""
    return (
        f" It is no better than a {floor.what}, whose {floor.quality} is {_shown(floor.constant)}: "
        f"the network has learned nothing that can be used."
    )


def _less(cheapest: "pd.Series[Any]", chosen: "pd.Series[Any]", cost: str, quality: str) -> str:
    return (
        f"the cheapest one has {_difference(chosen[quality], cheapest[quality])} and costs "
        f"{chosen[cost] / cheapest[cost]:.3g} times less."
    )


def _difference(of: float, other: float) -> str:
    """Say how much more or less another one has."""
    return f"{abs(other - of):.2g} {'more' if other > of else 'less'}"


def _alike(a: float, b: float) -> bool:
    """Tell whether two means are equal but for rounding; the knee is not alike the best."""
    return math.isclose(a, b, rel_tol=1e-9)


def _with_interval(chosen: "pd.Series[Any]", quality: str) -> str:
    half_width = chosen[f"{quality}_ci95"]
    interval = "" if pd.isna(half_width) else f" ± {half_width:.2g}"
    return f"{_shown(chosen[quality])}{interval}"


def _how_sure(chosen: "pd.Series[Any]") -> str:
    n_ok = chosen["n_ok"]
    seeds = f"Mean of {n_ok} seeds" if n_ok > 1 else "One seed, so its spread is not known"
    if pd.isna(chosen["p_front"]):
        return f"{seeds}."
    percent = 100 * chosen["p_front"]
    return f"{seeds}; on the front in {percent:.0f} % of the resamples of the seeds."


def _why_not(table: pd.DataFrame, cost: str, quality: str) -> str:
    n_ok, n_missing = ((table["status"] == status).sum() for status in ("ok", "missing"))
    return (
        f"No run has both {cost} and {quality}: of {len(table)} configured, {n_ok} are ok, "
        f"{len(table) - n_ok - n_missing} failed, {n_missing} are missing."
    )


def _shown(number: float) -> str:
    """Write four digits, but every digit of a whole number."""
    return f"{number:.0f}" if number >= 1000 else f"{number:.4g}"
