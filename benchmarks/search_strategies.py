"""Strategies on the histories of a full grid, and how much of its front each of them finds."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_histories import Configuration, Training
from ptychopareto.study.halving import Rungs, places, search, sizes_of_groups
from ptychopareto.study.hypervolume import hypervolume
from ptychopareto.study.pareto import front, knee

BEYOND = 1.5  # times the largest cost: there is the reference point
DECISION_SECONDS = 3.0  # of the job that decides at a rung: the start of Python, imports


@dataclass(frozen=True)
class Outcome:
    """What a strategy has trained to the end.

    Attributes
    ----------
    names : tuple of str
        The configurations of which all seeds were trained.
    runs : dict of tuple of Training
        The trainings that have ended, by their configuration. A search whose last rung is at the
        end of the trainings has some of configurations that were stopped there.
    seconds : float
        What all of its jobs took: starts, epochs, timing, decisions.
    """

    names: tuple[str, ...]
    runs: Mapping[str, tuple[Training, ...]]
    seconds: float


@dataclass(frozen=True)
class Score:
    """What a strategy found of the front of the full grid."""

    hypervolume: float
    found: int
    same_choice: bool
    seconds: float


# ---------------------------------------------------------------------------------------------
# Strategies
# ---------------------------------------------------------------------------------------------


def full_grid(grid: Sequence[Configuration]) -> Outcome:
    """Train all of them to the end."""
    return _to_the_end(grid)


def searched(grid: Sequence[Configuration], rungs: Rungs, first_seeds: int) -> Outcome:
    """Search by cost and loss; costs that have to be timed are timed before."""
    began = time.perf_counter()
    verdicts = search([one.entrant(first_seeds) for one in grid], rungs)
    deciding = time.perf_counter() - began
    alive = [[verdict.name for verdict in rung if verdict.goes_on] for rung in verdicts]
    timing = sum(one.timing_s for one in grid)
    return _halved(grid, rungs, first_seeds, alive, deciding + timing)


def by_loss_alone(grid: Sequence[Configuration], rungs: Rungs, first_seeds: int) -> Outcome:
    """Search as usual: whoever has the smallest loss goes on, whatever it costs."""
    sizes, alive, kept = sizes_of_groups(one.group for one in grid), list(grid), []
    for epoch, part in zip(rungs.epochs, rungs.keep, strict=True):
        chosen: set[str] = set()
        for group, size in sizes.items():
            own = [one.entrant(first_seeds).at(epoch) for one in alive if one.group == group]
            own = sorted((one for one in own if math.isfinite(one.loss)), key=lambda one: one.loss)
            chosen |= {one.name for one in own[: places(part, size)]}
        alive = [one for one in alive if one.name in chosen]
        kept.append([one.name for one in alive])
    return _halved(grid, rungs, first_seeds, kept, 0.0)


def at_random(grid: Sequence[Configuration], count: int, rng: np.random.Generator) -> Outcome:
    """Train as many to the end as the search does, chosen blindly."""
    chosen = [grid[index] for index in sorted(rng.choice(len(grid), count, replace=False))]
    return _to_the_end(chosen)


def _to_the_end(those: Sequence[Configuration]) -> Outcome:
    seconds = sum(run.start_s + sum(run.seconds) for one in those for run in one.runs)
    return Outcome(tuple(one.name for one in those), {one.name: one.runs for one in those}, seconds)


def _halved(
    grid: Sequence[Configuration],
    rungs: Rungs,
    first_seeds: int,
    alive: Sequence[Sequence[str]],
    beside: float,
) -> Outcome:
    """What it takes to train everybody up to the rung where it is stopped, and to decide.

    Each rung is one more start of each training that goes there, and of the job that decides. The
    last start of a training writes its network.
    """
    seconds = beside + DECISION_SECONDS * len(rungs.epochs)
    by_name = {one.name: one for one in grid}
    runs: dict[str, tuple[Training, ...]] = {}
    done, names = 0, list(by_name)
    for epoch, going_on in zip(rungs.epochs, alive, strict=True):
        for name in names:
            tried = by_name[name].runs[:first_seeds]
            seconds += sum(run.start_s + sum(run.seconds[done:epoch]) for run in tried)
            ended = tuple(run for run in tried if epoch >= len(run.losses))
            if ended and name not in going_on:
                runs[name] = ended
                seconds += sum(run.start_s for run in ended)
        done, names = epoch, list(going_on)
    for name in names:
        runs[name] = by_name[name].runs
        for number, run in enumerate(runs[name]):
            seconds += run.start_s + sum(run.seconds[done if number < first_seeds else 0 :])
    return Outcome(tuple(names), runs, seconds)


# ---------------------------------------------------------------------------------------------
# Scores and replays
# ---------------------------------------------------------------------------------------------


def score(outcome: Outcome, grid: Sequence[Configuration]) -> Score:
    """Compare the front that a study would show with that of the full grid.

    The study sees the runs that have ended. What its front is worth is a matter of all seeds.
    """
    seen = [replace(one, runs=outcome.runs[one.name]) for one in grid if one.name in outcome.runs]
    cost, quality = reference_point(grid)
    corner = (math.log(cost), -quality)
    ours, theirs = front_of(seen), front_of(grid)
    areas = [
        hypervolume(_points([one for one in grid if one.name in names]), corner)
        for names in (ours, theirs)
    ]
    same = bool(seen) and recommended(seen) == recommended(grid)
    return Score(areas[0] / areas[1], len(set(ours) & set(theirs)), same, outcome.seconds)


def reference_point(grid: Sequence[Configuration]) -> tuple[float, float]:
    """Return the cost and the quality of the corner of all areas, the same for all strategies."""
    return BEYOND * max(one.cost for one in grid), min(one.quality for one in grid)


def _points(those: Sequence[Configuration]) -> NDArray[np.float64]:
    return np.array([(math.log(one.cost), -one.quality) for one in those]).reshape(-1, 2)


def front_of(those: Sequence[Configuration]) -> list[str]:
    """The names on the front, the cheapest first."""
    if not those:
        return []
    best = front([one.cost for one in those], [one.quality for one in those])
    chosen = [one for one, on_front in zip(those, best, strict=True) if on_front]
    return [one.name for one in sorted(chosen, key=lambda one: one.cost)]


def recommended(those: Sequence[Configuration]) -> str:
    """The knee of the front, or its best where it has none."""
    by_name = {one.name: one for one in those}
    names = front_of(those)
    index = knee([by_name[name].cost for name in names], [by_name[name].quality for name in names])
    return names[-1 if index is None else index]


def draws(grid: Sequence[Configuration], count: int) -> list[list[Configuration]]:
    """Draw orders of the grid, and of the seeds of each configuration; the same ones each time."""
    drawn = []
    for number in range(count):
        rng = np.random.default_rng(number)
        drawn.append(
            [
                replace(one, runs=tuple(one.runs[i] for i in rng.permutation(len(one.runs))))
                for one in (grid[index] for index in rng.permutation(len(grid)))
            ]
        )
    return drawn


def replays(
    grid: Sequence[Configuration], rungs: Rungs, first_seeds: int, count: int
) -> dict[str, list[Score]]:
    """Replay each strategy `count` times, on the same draws of seeds and orders."""
    scores: dict[str, list[Score]] = {}
    for number, drawn in enumerate(draws(grid, count)):
        found = searched(drawn, rungs, first_seeds)
        rng = np.random.default_rng((number, 1))
        outcomes = {
            "full grid": full_grid(drawn),
            "search": found,
            "by loss alone": by_loss_alone(drawn, rungs, first_seeds),
            "at random": at_random(drawn, len(found.names), rng),
        }
        for name, outcome in outcomes.items():
            scores.setdefault(name, []).append(score(outcome, drawn))
    return scores


def repeats_itself(grid: Sequence[Configuration], count: int) -> float:
    """Draw the seeds of the full grid again, with replacement: how often its choice is the same.

    No search can be expected to agree with the grid more often than the grid with itself.
    """
    rng, chosen = np.random.default_rng(0), recommended(grid)
    return sum(recommended(_resampled(grid, rng)) == chosen for _ in range(count)) / count


def _resampled(grid: Sequence[Configuration], rng: np.random.Generator) -> list[Configuration]:
    drawn = []
    for one in grid:
        seeds = rng.integers(len(one.runs), size=len(one.runs))
        drawn.append(replace(one, runs=tuple(one.runs[seed] for seed in seeds)))
    return drawn
