"""Sum up what a search has spent on training, and estimate what the full grid would have cost."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from ptychopareto.study.configurations import names_of
from ptychopareto.study.rungs import Decision


def spending(decisions: Sequence[Decision], table: pd.DataFrame) -> dict[str, Any]:
    """Sum up the seconds of training of a search, and estimate those of the full grid.

    Parameters
    ----------
    decisions : sequence of Decision
        Those of all rungs, the lowest first.
    table : DataFrame
        The runs, as `tables.table_of_runs` returns them.

    Returns
    -------
    dict
        `train_time_s`, the seconds that all trainings took; `saved_s`, an estimate of those that
        the rest of the grid would have taken, from what an epoch of each configuration took;
        `part`, the first of both together; `rungs`, for each of them its `epochs`, the numbers of
        configurations that were `tried` there and that went on (`kept`).
    """
    spent = sum(seconds for _, seconds, _ in _trained(decisions, table))
    saved = sum(_not_trained(decisions, table))
    return {
        "train_time_s": spent,
        "saved_s": saved,
        "part": spent / (spent + saved) if spent + saved > 0 else None,
        "rungs": [
            {
                "epochs": decision.rung,
                "tried": len(decision.configurations),
                "kept": len(decision.survivors),
            }
            for decision in decisions
        ],
    }


def in_words(spent: dict[str, Any]) -> str:
    """Write what was spent and saved in a sentence.

    Parameters
    ----------
    spent : dict
        What `spending` returns.
    """
    tried, kept = spent["rungs"][0]["tried"], spent["rungs"][-1]["kept"]
    part = (
        ""
        if spent["part"] is None
        else f", some {100 * spent['part']:.0f} % of the full grid's; "
        f"it saved about {duration(spent['saved_s'])}"
    )
    return (
        f"The search trained {kept} of {tried} configurations to the end, in "
        f"{duration(spent['train_time_s'])} of training{part}."
    )


def _trained(
    decisions: Sequence[Decision], table: pd.DataFrame
) -> Iterator[tuple[str, float, float]]:
    """Yield the configuration of each run that was trained, its seconds, and its epochs."""
    at_rung = {
        record["run"]: (record["train_time_s"], len(record["val_loss"]))
        for decision in decisions
        for one in decision.configurations
        for record in one["runs"]
    }
    rows = zip(
        table["run"],
        names_of(table),
        table["status"],
        table["train_time_s"],
        table["epochs"],
        strict=True,
    )
    for run, name, status, seconds, epochs in rows:
        if status == "ok" and pd.notna(seconds):
            yield str(name), float(seconds), float(epochs)
        elif run in at_rung:
            yield str(name), *at_rung[run]


def _not_trained(decisions: Sequence[Decision], table: pd.DataFrame) -> Iterator[float]:
    """Yield the seconds that each configuration would have taken beyond what it took."""
    trained: dict[str, list[float]] = {}
    for name, seconds, epochs in _trained(decisions, table):
        sums = trained.setdefault(name, [0.0, 0.0])
        sums[0] += seconds
        sums[1] += epochs
    names = names_of(table)
    stopped = table["status"] == "stopped"
    planned = table["epochs"].groupby(names, sort=False).sum(min_count=1)
    for label, epochs in planned.items():
        name = str(label)
        seconds, done = trained.get(name, [0.0, 0.0])
        if done and pd.notna(epochs) and stopped[names == name].any():
            yield seconds / done * max(0.0, float(epochs) - done)


def duration(seconds: float) -> str:
    """Write a time in seconds, minutes or hours, whichever is read best.

    Parameters
    ----------
    seconds : float
        The time [s].
    """
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 3600:.3g} h" if seconds >= 7200 else f"{seconds / 60:.3g} min"
