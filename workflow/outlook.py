"""Say what a search knows already, and how much is at most to come."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import estimates
from ptychopareto.config import StudyConfig
from ptychopareto.files import FileError
from ptychopareto.study.halving import places, sizes_of_groups
from ptychopareto.study.rungs import Decision, read_decision
from ptychopareto.study.runs import Run


def decisions_so_far(files: Sequence[str], names: Sequence[str]) -> list[Decision]:
    """Read the decisions that are there and about these configurations, the lowest rung first.

    Parameters
    ----------
    files : sequence of str
        The decision files of all rungs, the lowest first.
    names : sequence of str
        The configurations of the study, in grid order.

    Returns
    -------
    list of Decision
        The decisions, the lowest rung first.
    """
    found: list[Decision] = []
    expected = list(names)
    for file in files:
        try:
            decision = read_decision(Path(file))
        except FileError:  # not there, or damaged, which its next reader will say
            return found
        if [one["configuration"] for one in decision.configurations] != expected:
            return found  # the grid is another one by now: it will be decided again
        found.append(decision)
        expected = decision.survivors
    return found


def outlook(
    study: StudyConfig,
    runs: Sequence[Run],
    groups: Mapping[str, str],
    decisions: Sequence[Decision],
) -> str:
    """Say what is decided, and how long the trainings of a search take at most.

    Parameters
    ----------
    study : StudyConfig
        The study, which has a section `search:`.
    runs : sequence of Run
        All of its runs.
    groups : dict of str
        The kind of loss of each configuration.
    decisions : sequence of Decision
        The decisions so far, the lowest rung first.

    Returns
    -------
    str
        Some lines. The hours are estimates of the kind that a cluster is asked for, so rather too
        many; what was trained already is counted too.
    """
    search = study.search
    assert search is not None
    first = set(study.seeds[: search.first_seeds])
    runs_of: dict[str, list[Run]] = {}
    for run in runs:
        runs_of.setdefault(run.configuration, []).append(run)

    def seconds(name: str, until: int | None, tried_first: bool = True) -> float:
        return sum(
            estimates.training_seconds(run, study, until)
            for run in runs_of[name]
            if (run.seed in first) == tried_first
        )

    alive, before, total, lines = list(groups), 0, 0.0, []
    for number, (rung, part) in enumerate(zip(search.rungs, search.keep, strict=True)):
        total += sum(seconds(name, rung) - seconds(name, before) for name in alive)
        tried, known = len(alive), number < len(decisions)
        alive = decisions[number].survivors if known else _dearest(alive, groups, part, seconds)
        went = f"{len(alive)} of {tried} configurations " + ("went on" if known else "go on")
        epochs = f"{rung} epoch" + ("" if rung == 1 else "s")
        lines.append(f"  after {epochs} {'' if known else 'at most '}{went}")
        before = rung
    total += sum(
        seconds(name, None) - seconds(name, before) + seconds(name, None, False) for name in alive
    )
    to_the_end = sum(len(runs_of[name]) for name in alive)
    known = len(decisions) == len(search.rungs)
    lines.append(
        f"  {'' if known else 'at most '}{to_the_end} of {len(runs)} runs are trained to the end"
    )
    whole = sum(seconds(name, None) + seconds(name, None, False) for name in runs_of)
    what = "core" if study.device == "cpu" else "GPU"
    return "\n".join(
        [
            f"The search of {len(groups)} configurations, {len(first)} of {len(study.seeds)} seeds "
            "tried first:",
            *lines,
            f"  estimate of all trainings: {'' if known else 'at most '}{total / 3600:.3g} {what} "
            f"hours; of the full grid {whole / 3600:.3g}",
        ]
    )


def _dearest(
    alive: Sequence[str],
    groups: Mapping[str, str],
    part: float,
    seconds: Callable[[str, int | None], float],
) -> list[str]:
    """Select the configurations that may go on: at worst the ones that take longest."""
    sizes = sizes_of_groups(groups.values())
    chosen: set[str] = set()
    for group, size in sizes.items():
        own = sorted((n for n in alive if groups[n] == group), key=lambda n: -seconds(n, None))
        chosen.update(own[: places(part, size)])
    return [name for name in alive if name in chosen]
