"""Decide who goes on at a rung, from the records of the runs that have reached it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ptychopareto.study.halving import (
    Candidate,
    Verdict,
    best_so_far,
    decide,
    places,
    sizes_of_groups,
)


def kind_of_loss(settings: Mapping[str, Any]) -> str:
    """Name what the validation loss of a run measures; only equal names can be compared.

    Parameters
    ----------
    settings : mapping
        The settings of the run, as `Run.settings` returns them.
    """
    words = [settings["supervision"]]
    if settings.get("gauge") is not None:
        words.append(f"{settings['gauge']} gauge")
    if settings.get("physics_weight"):
        words.append(f"physics weight {settings['physics_weight']:g}")
    return ", ".join(words)


def decided(
    rung: int,
    part: float,
    reached: Sequence[Mapping[str, Any]],
    groups: Mapping[str, str],
    cost: str,
    inference: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Decide who goes on at a rung.

    Parameters
    ----------
    rung : int
        After how many epochs.
    part : float
        The part of all configurations of a group that goes on.
    reached : sequence of mapping
        The records of the runs that have reached the rung, in grid order, with the name of their
        `configuration`.
    groups : mapping of str to str
        The kind of loss of each configuration of the whole study, whether it got so far or not.
    cost : str
        The column of costs.
    inference : mapping of str to float, optional
        The inference time [s] of each configuration; needed if it is the cost.

    Returns
    -------
    dict
        What ``search/rung_{epochs}.json`` holds.
    """
    runs_of: dict[str, list[Mapping[str, Any]]] = {}
    for record in reached:
        runs_of.setdefault(record["configuration"], []).append(record)
    candidates = [
        Candidate(name, groups[name], _cost(own, cost, (inference or {}).get(name)), _losses(own))
        for name, own in runs_of.items()
    ]
    sizes = sizes_of_groups(groups.values())
    verdicts = decide(candidates, {group: places(part, size) for group, size in sizes.items()})
    return {
        "rung": rung,
        "part": part,
        "cost": cost,
        "configurations": [_as_record(one, runs_of[one.name]) for one in verdicts],
    }


def _losses(runs: Iterable[Mapping[str, Any]]) -> tuple[float, ...]:
    return tuple(
        best_so_far(run["val_loss"]) if run["status"] == "ok" else float("nan") for run in runs
    )


def _cost(runs: Sequence[Mapping[str, Any]], cost: str, inference: float | None) -> float:
    if cost == "inference_time_s":
        return float("nan") if inference is None else inference
    if cost == "train_time_s":  # of the whole training, as far as is known by now
        times = [
            run["train_time_s"] / len(run["val_loss"]) * run["epochs"]
            for run in runs
            if run["val_loss"]
        ]
        return sum(times) / len(times) if times else float("nan")
    return float(runs[0][cost])


def _as_record(verdict: Verdict, runs: list[Mapping[str, Any]]) -> dict[str, Any]:
    record = asdict(verdict)
    name = record.pop("name")
    return {"configuration": name, **record, "runs": runs}
