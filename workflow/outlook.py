"""Say what a search knows already, and how much is at most to come."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from network_costs import training_seconds
from ptychopareto.config import StudyConfig
from ptychopareto.files import FileError, read_json, read_made_from
from ptychopareto.study.halving import places, sizes_of_groups
from ptychopareto.study.rungs import Decision
from ptychopareto.study.runs import Run


def outlook(
    study: StudyConfig,
    runs: Sequence[Run],
    groups: Mapping[str, str],
    decisions: Sequence[Decision],
    done: Mapping[str, int],
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
    done : dict of int
        After how many epochs of its training there is a result of a run, by its id; 0 if the run is
        not named.

    Returns
    -------
    str
        Some lines. The hours are estimates of the kind that a cluster is asked for, so rather too
        many.
    """
    search = study.search
    assert search is not None
    alive = [set(groups), *(set(decision.survivors) for decision in decisions)]
    most = [len(alive[-1])] * (1 + len(search.rungs))  # of configurations that reach each stage
    lines = []
    for number, (rung, part) in enumerate(zip(search.rungs, search.keep, strict=True)):
        known = number < len(decisions)
        tried = len(alive[number]) if known else most[number]
        most[number + 1] = len(alive[number + 1]) if known else _places(alive[-1], groups, part)
        went = f"{most[number + 1]} of {tried} configurations " + ("went on" if known else "go on")
        epochs = f"{rung} epoch" + ("" if rung == 1 else "s")
        lines.append(f"  after {epochs} {'' if known else 'at most '}{went}")
    at_most = "" if len(decisions) == len(search.rungs) else "at most "
    lines.append(
        f"  {at_most}{most[-1] * len(study.seeds)} of {len(runs)} runs are trained to the end"
    )
    work = _Work(study, runs, groups, alive)
    whole = sum(training_seconds(run, study) for run in runs)
    what = "core" if study.device == "cpu" else "GPU"
    tried_first = f"{search.first_seeds} of {len(study.seeds)} seeds tried first"
    return "\n".join(
        [
            f"The search of {len(groups)} configurations, {tried_first}:",
            *lines,
            f"  estimate of all trainings: {at_most}{_hours(work.seconds({}))} {what} hours, of "
            f"which {at_most}{_hours(work.seconds(done))} are to come; "
            f"of the full grid {_hours(whole)}",
            *_without_gpu(study, runs, groups, alive, done, at_most),
        ]
    )


def _without_gpu(
    study: StudyConfig,
    runs: Sequence[Run],
    groups: Mapping[str, str],
    alive: Sequence[set[str]],
    done: Mapping[str, int],
    at_most: str,
) -> list[str]:
    """Say the hours on a processor, where it is open whether the machine has a GPU."""
    if study.device != "auto":
        return []
    work = _Work(study.model_copy(update={"device": "cpu"}), runs, groups, alive)
    return [
        f"  without a GPU (device: auto): {at_most}{_hours(work.seconds({}))} core hours, of which "
        f"{at_most}{_hours(work.seconds(done))} are to come"
    ]


def _hours(seconds: float) -> str:
    """Write seconds as hours, with three digits or more."""
    hours = seconds / 3600
    return f"{hours:.3g}" if hours < 999.5 else f"{hours:,.0f}"


class _Work:
    """The trainings of a search: all up to the first rung, a part of them from each to the next."""

    def __init__(
        self,
        study: StudyConfig,
        runs: Iterable[Run],
        groups: Mapping[str, str],
        alive: Sequence[set[str]],
    ) -> None:
        assert study.search is not None
        self.study, self.search, self.groups, self.alive = study, study.search, groups, alive
        self.first = set(study.seeds[: study.search.first_seeds])
        self.runs_of: dict[str, list[Run]] = {}
        for run in runs:
            self.runs_of.setdefault(run.configuration, []).append(run)

    def seconds(self, done: Mapping[str, int]) -> float:
        """Estimate the time of all trainings at most, without the epochs that are done."""
        total, starts = 0.0, (0, *self.search.rungs)
        for number, (start, end) in enumerate(zip(starts, (*starts[1:], None), strict=True)):
            last_known = self.alive[min(number, len(self.alive) - 1)]
            stage = {name: self._stage(name, start, end, done) for name in last_known}
            if number < len(self.alive):
                total += sum(stage.values())
            else:  # at worst those that take longest
                total += _largest(stage, self.groups, self.search.keep[number - 1])
        return total

    def _stage(self, name: str, start: int, end: int | None, done: Mapping[str, int]) -> float:
        """Estimate the time from one rung to the next, or to the end with all seeds."""
        total = 0.0
        for run in self.runs_of[name]:
            if run.seed in self.first or end is None:
                begin = max(done.get(run.id, 0), start if run.seed in self.first else 0)
                total += max(0.0, self._training(run, end) - self._training(run, begin))
        return total

    def _training(self, run: Run, until: int | None) -> float:
        return training_seconds(run, self.study, until)


def _places(alive: Iterable[str], groups: Mapping[str, str], part: float) -> int:
    """Count the configurations that may go on."""
    own = sizes_of_groups(groups[name] for name in alive)
    sizes = sizes_of_groups(groups.values())
    return sum(min(count, places(part, sizes[group])) for group, count in own.items())


def _largest(seconds: Mapping[str, float], groups: Mapping[str, str], part: float) -> float:
    """Sum up the largest times of each group, as many as go on."""
    total = 0.0
    for group, size in sizes_of_groups(groups.values()).items():
        own = sorted((time for name, time in seconds.items() if groups[name] == group))
        total += sum(own[::-1][: places(part, size)])
    return total


def epochs_done(
    runs: Iterable[Run], study: StudyConfig, settings: Mapping[str, str], folder: Path
) -> dict[str, int]:
    """Find after how many epochs of its training there is a result of each run.

    Parameters
    ----------
    runs : iterable of Run
        The runs of the study.
    study : StudyConfig
        The study, which has a section `search:`.
    settings : dict of str
        The fingerprint of the settings of each run by its id. Results of other settings do not
        count.
    folder : Path
        The folder of the runs, such as ``results/runs``.

    Returns
    -------
    dict of int
        The epochs of each run of which there is a result, by its id.
    """
    assert study.search is not None
    found = {}
    for run in runs:
        own, wanted = folder / run.id, settings[run.id]
        model = own / "model.safetensors"
        if model.exists() and (read_made_from(model) or {}).get("settings") == wanted:
            found[run.id] = run.training(study.training).epochs
            continue
        for rung in reversed(study.search.rungs):
            if _settings_at(own / f"rung_{rung}.json") == wanted:
                found[run.id] = rung
                break
    return found


def _settings_at(path: Path) -> str | None:
    """Return the fingerprint in the record of a run at a rung; None if it cannot be read."""
    if not path.exists():
        return None
    try:
        return str(read_json(path).get("settings"))
    except FileError:  # damaged, which its next reader will say
        return None
