"""The rows of the table for runs that a search does not train to the end."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ptychopareto.study.halving import best_so_far
from ptychopareto.study.rungs import Decision, finished
from ptychopareto.study.runs import Run


def stopped_rows(
    decisions: Sequence[Decision],
    runs: Iterable[Run],
    settings: Mapping[str, str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return what the table says of the runs that are not trained to the end.

    A run that failed on its way to the rung has that as its status, all others are ``stopped``.
    A seed that was never tried has the rung of its configuration, but no loss there.

    Parameters
    ----------
    decisions : sequence of Decision
        Those of the rungs so far.
    runs : iterable of Run
        All runs of the study.
    settings : mapping of str to str, optional
        The fingerprint of the settings of each run by its id. Decisions about others are ignored.

    Returns
    -------
    dict
        The row of each such run, by its id.
    """
    runs = list(runs)
    last = {
        one["configuration"]: (decision.rung, one)
        for decision in decisions
        for one in decision.configurations
        if not one["goes_on"]
    }
    to_the_end = {run.id for run in finished(decisions, runs)} if decisions else set()
    rows = {}
    for run in runs:
        if run.configuration not in last or run.id in to_the_end:
            continue
        rung, one = last[run.configuration]
        known = {record["run"]: record for record in one["runs"]}
        current = all(
            settings is None or settings.get(name) == record["settings"]
            for name, record in known.items()
        )
        if current:
            rows[run.id] = {"rung": rung, **_row(known.get(run.id), one["runs"][0])}
    return rows


def _row(own: Mapping[str, Any] | None, other_seed: Mapping[str, Any]) -> dict[str, Any]:
    if own is None:  # its training and its cost are those of the seed that was tried
        same = {"train_time_s", "patterns_trained", "val_loss", "status", "error"}
        row = {name: value for name, value in other_seed.items() if name not in same}
        return {**row, "status": "stopped"}
    loss = best_so_far(own["val_loss"])
    row = {name: value for name, value in own.items() if name != "val_loss"}
    if own["status"] == "ok":
        return {**row, "status": "stopped", "rung_loss": loss}
    return row
