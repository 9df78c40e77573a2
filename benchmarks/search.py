"""The search against the full grid, replayed from the histories of a grid that was trained once.

    python -m benchmarks.search collect results histories.csv   # after the full grid
    python -m benchmarks.search replay histories.csv            # a table for docs/search.md

A replay draws an order of the seeds of each configuration, so that other seeds are tried first, and
an order of the grid. It is given what the trainings of these seeds would have shown, and nothing is
trained. Each strategy is judged by the configurations that it trains to the end with all seeds.
"""

import argparse
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.measuring import table as markdown
from ptychopareto.config.columns import sign
from ptychopareto.files import read_csv, write_csv
from ptychopareto.study.configurations import names_of
from ptychopareto.study.halving import Entrant, Rungs, places, search, sizes_of_groups
from ptychopareto.study.hypervolume import hypervolume
from ptychopareto.study.pareto import front, knee
from ptychopareto.study.rungs import kind_of_loss
from ptychopareto.study.table import read_table

BEYOND = 1.5  # times the largest cost: there is the reference point
START_SECONDS = 3.0  # of a training: imports, data
COLUMNS = {
    "configuration": "string",
    "group": "string",
    "seed": "int64",
    "cost": "float64",
    "quality": "float64",
    "epoch": "int64",
    "val_loss": "float64",
    "seconds": "float64",
}


@dataclass(frozen=True)
class Network:
    """A run of the full grid: what its training showed, and what it was worth."""

    losses: tuple[float, ...]
    seconds: tuple[float, ...]
    quality: float


@dataclass(frozen=True)
class Configuration:
    """The runs of a configuration, in the order in which their seeds are tried."""

    name: str
    group: str
    cost: float
    runs: tuple[Network, ...]

    @property
    def quality(self) -> float:
        """The mean over the seeds."""
        return sum(run.quality for run in self.runs) / len(self.runs)

    def entrant(self, first_seeds: int) -> Entrant:
        """What a search sees of it."""
        histories = tuple(run.losses for run in self.runs[:first_seeds])
        return Entrant(self.name, self.group, self.cost, histories)


@dataclass(frozen=True)
class Outcome:
    """What a strategy trained to the end, and the seconds that all its trainings took."""

    names: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Score:
    """What a strategy found of the front of the full grid."""

    hypervolume: float
    found: int
    same_choice: bool
    seconds: float


def collect(results: Path, cost: str, quality: str, path: Path) -> None:
    """Write the histories of a finished full grid, with costs and qualities, into one table."""
    runs = read_table(results / "study_results.csv")
    runs = runs[runs["status"] == "ok"]
    parts = []
    for run, name in zip(runs.to_dict("records"), names_of(runs), strict=True):
        types = {"epoch": "int64", "val_loss": "float64", "seconds": "float64"}
        history = read_csv(results / "runs" / str(run["run"]) / "history.csv", types)
        settings = {str(key): None if pd.isna(value) else value for key, value in run.items()}
        about = {
            "configuration": name,
            "group": kind_of_loss(settings),
            "seed": run["seed"],
            "cost": float(run[cost]),
            "quality": sign(quality) * float(run[quality]),
        }
        parts.append(history.assign(**about))
    write_csv(path, pd.concat(parts)[list(COLUMNS)])


def read(path: Path) -> list[Configuration]:
    """Read the histories that `collect` wrote; quality is negated where less of it is better."""
    found = []
    for name, rows in read_csv(path, COLUMNS).groupby("configuration", sort=False):
        networks = tuple(
            Network(tuple(run["val_loss"]), tuple(run["seconds"]), float(run["quality"].iloc[0]))
            for _, run in rows.groupby("seed", sort=True)
        )
        first = rows.iloc[0]
        cost = float(rows["cost"].mean())
        found.append(Configuration(str(name), str(first["group"]), cost, networks))
    return found


# ---------------------------------------------------------------------------------------------
# Strategies
# ---------------------------------------------------------------------------------------------


def full_grid(grid: Sequence[Configuration]) -> Outcome:
    """Train all of them to the end."""
    return Outcome(tuple(one.name for one in grid), _to_the_end(grid))


def searched(grid: Sequence[Configuration], rungs: Rungs, first_seeds: int) -> Outcome:
    """Search by cost and loss."""
    began = time.perf_counter()
    verdicts = search([one.entrant(first_seeds) for one in grid], rungs)
    deciding = time.perf_counter() - began
    alive = [[verdict.name for verdict in rung if verdict.goes_on] for rung in verdicts]
    return _halved(grid, rungs, first_seeds, alive, deciding)


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
    return Outcome(tuple(one.name for one in chosen), _to_the_end(chosen))


def _to_the_end(grid: Sequence[Configuration]) -> float:
    return sum(START_SECONDS + sum(run.seconds) for one in grid for run in one.runs)


def _halved(
    grid: Sequence[Configuration],
    rungs: Rungs,
    first_seeds: int,
    alive: Sequence[Sequence[str]],
    deciding: float,
) -> Outcome:
    """What it takes to train everybody up to the rung where it is stopped. Each rung is a start."""
    seconds, done, names = deciding, 0, [one.name for one in grid]
    by_name = {one.name: one for one in grid}
    for epoch, going_on in zip(rungs.epochs, alive, strict=True):
        for name in names:
            for run in by_name[name].runs[:first_seeds]:
                seconds += START_SECONDS + sum(run.seconds[done:epoch])
        done, names = epoch, list(going_on)
    for name in names:
        for number, run in enumerate(by_name[name].runs):
            seconds += START_SECONDS + sum(run.seconds[done if number < first_seeds else 0 :])
    return Outcome(tuple(names), seconds)


# ---------------------------------------------------------------------------------------------
# Scores and replays
# ---------------------------------------------------------------------------------------------


def score(outcome: Outcome, grid: Sequence[Configuration]) -> Score:
    """Compare what was found with the front of the full grid."""
    trained = [one for one in grid if one.name in set(outcome.names)]
    reference = (
        math.log(BEYOND * max(one.cost for one in grid)),
        -min(one.quality for one in grid),
    )
    areas = [hypervolume(_points(those), reference) for those in (trained, grid)]
    ours, theirs = (_front(those) for those in (trained, grid))
    found = len(set(ours) & set(theirs))
    same = bool(ours) and _recommended(trained) == _recommended(grid)
    return Score(areas[0] / areas[1], found, same, outcome.seconds)


def _points(those: Sequence[Configuration]) -> NDArray[np.float64]:
    return np.array([(math.log(one.cost), -one.quality) for one in those]).reshape(-1, 2)


def _front(those: Sequence[Configuration]) -> list[str]:
    """The names on the front, the cheapest first."""
    if not those:
        return []
    best = front([one.cost for one in those], [one.quality for one in those])
    chosen = [one for one, on_front in zip(those, best, strict=True) if on_front]
    return [one.name for one in sorted(chosen, key=lambda one: one.cost)]


def _recommended(those: Sequence[Configuration]) -> str:
    """The knee of the front, or its best where it has none."""
    by_name = {one.name: one for one in those}
    names = _front(those)
    index = knee([by_name[name].cost for name in names], [by_name[name].quality for name in names])
    return names[-1 if index is None else index]


def replays(
    grid: Sequence[Configuration], rungs: Rungs, first_seeds: int, count: int
) -> dict[str, list[Score]]:
    """Replay each strategy `count` times, on the same draws of seeds and orders."""
    scores: dict[str, list[Score]] = {}
    for number in range(count):
        rng = np.random.default_rng(number)
        drawn = [
            replace(one, runs=tuple(one.runs[i] for i in rng.permutation(len(one.runs))))
            for one in (grid[index] for index in rng.permutation(len(grid)))
        ]
        found = searched(drawn, rungs, first_seeds)
        outcomes = {
            "full grid": full_grid(drawn),
            "search": found,
            "by loss alone": by_loss_alone(drawn, rungs, first_seeds),
            "at random": at_random(drawn, len(found.names), rng),
        }
        for name, outcome in outcomes.items():
            scores.setdefault(name, []).append(score(outcome, drawn))
    return scores


def report(grid: Sequence[Configuration], scores: Mapping[str, Sequence[Score]]) -> str:
    """Return the table of all strategies: means over the replays, and the worst hypervolume."""
    whole = np.mean([one.seconds for one in scores["full grid"]])
    rows = []
    for name, found in scores.items():
        areas = [one.hypervolume for one in found]
        rows.append(
            [
                name,
                f"{100 * np.mean(areas):.2f} % ({100 * min(areas):.2f} %)",
                f"{np.mean([one.found for one in found]):.1f} of {len(_front(grid))}",
                f"{sum(one.same_choice for one in found)} of {len(found)}",
                f"{np.mean([one.seconds for one in found]):.0f}",
                f"{100 * np.mean([one.seconds for one in found]) / whole:.1f} %",
            ]
        )
    head = [
        *("strategy", "hypervolume, mean (worst)", "of the front", "same recommendation"),
        *("training [s]", "of the full grid's"),
    ]
    return markdown(head, rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("collect", help="store the histories of a finished full grid")
    one.add_argument("results", type=Path, help="its results folder")
    one.add_argument("histories", type=Path, help="the table to write")
    one.add_argument("--cost", default="model_params", help="a column of study_results.csv")
    one.add_argument("--quality", default="ssim_phase", help="a column of study_results.csv")
    other = commands.add_parser("replay", help="replay the search from stored histories")
    other.add_argument("histories", type=Path, help="a table that `collect` wrote")
    other.add_argument("--rungs", type=int, nargs="+", default=[1, 3], help="as in search:")
    other.add_argument("--keep", type=float, nargs="+", default=[0.3, 0.15], help="as in search:")
    other.add_argument("--first-seeds", type=int, default=1, help="as in search:")
    other.add_argument("--replays", type=int, default=20, help="how many")
    chosen = parser.parse_args(arguments)
    if chosen.command == "collect":
        collect(chosen.results, chosen.cost, chosen.quality, chosen.histories)
        return
    if len(chosen.rungs) != len(chosen.keep):
        parser.error(f"--keep: one for each of the {len(chosen.rungs)} rungs is wanted")
    grid = read(chosen.histories)
    rungs = Rungs(tuple(chosen.rungs), tuple(chosen.keep))
    print(report(grid, replays(grid, rungs, chosen.first_seeds, chosen.replays)))


if __name__ == "__main__":
    main()
