"""The search against the full grid, replayed from the histories of a grid that was trained once.

    python -m benchmarks.search collect results histories.csv   # after the full grid
    python -m benchmarks.search replay histories.csv            # a table for docs/search.md
    python -m benchmarks.search tune histories.csv              # which rungs are good ones?

A replay draws an order of the seeds of each configuration, so that other seeds are tried first, and
an order of the grid. It is given what the trainings of these seeds would have shown, and nothing is
trained. Each strategy is judged by the front that its study would show.
"""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from benchmarks.measuring import table as markdown
from benchmarks.search_histories import Configuration, collect, epochs_of, read
from benchmarks.search_strategies import (
    Score,
    draws,
    front_of,
    full_grid,
    reference_point,
    repeats_itself,
    replays,
    score,
    searched,
)
from ptychopareto.study.halving import Rungs

# What a search is to reach: the part of the hypervolume, of the replays with the same
# recommendation, and of the seconds of the full grid.
HYPERVOLUME, SAME, SECONDS = 0.99, 0.9, 0.25
PARTS = (0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1)  # that `tune` tries
MOST_RUNGS = 3
RESAMPLES = 1000  # of the seeds of the full grid


@dataclass(frozen=True)
class Summary:
    """A strategy over all replays.

    Attributes
    ----------
    hypervolume, worst : float
        The mean part of the full grid's, and the smallest one.
    found : float
        The mean number of configurations of the full grid's front.
    same : float
        The part of the replays in which the same configuration is recommended.
    seconds, part : float
        The mean time [s], and the part of the full grid's that it is.
    replays : int
        How many there were.
    """

    hypervolume: float
    worst: float
    found: float
    same: float
    seconds: float
    part: float
    replays: int

    @classmethod
    def of(cls, scores: Sequence[Score], whole: float) -> "Summary":
        """Summarise scores; `whole` are the seconds of the full grid."""
        areas = [one.hypervolume for one in scores]
        seconds = float(np.mean([one.seconds for one in scores]))
        return cls(
            float(np.mean(areas)),
            min(areas),
            float(np.mean([one.found for one in scores])),
            sum(one.same_choice for one in scores) / len(scores),
            seconds,
            seconds / whole,
            len(scores),
        )

    @property
    def is_good(self) -> bool:
        """Whether it reaches all that a search is to reach."""
        return self.hypervolume >= HYPERVOLUME and self.same >= SAME and self.part <= SECONDS

    def cells(self, size_of_front: int) -> list[str]:
        """Return the cells of a row of a table."""
        return [
            f"{100 * self.hypervolume:.2f} % ({100 * self.worst:.2f} %)",
            f"{self.found:.1f} of {size_of_front}",
            f"{round(self.same * self.replays)} of {self.replays}",
            f"{self.seconds:.0f}",
            f"{100 * self.part:.1f} %",
        ]


HEAD = (
    *("hypervolume, mean (worst)", "of the front", "same recommendation"),
    *("training [s]", "of the full grid's"),
)


def report(grid: Sequence[Configuration], scores: Mapping[str, Sequence[Score]]) -> str:
    """Return the table of all strategies, and the reference point of the hypervolume."""
    whole = full_grid(grid).seconds
    size = len(front_of(grid))
    rows = [[name, *Summary.of(found, whole).cells(size)] for name, found in scores.items()]
    itself = repeats_itself(grid, RESAMPLES)
    return (
        f"{markdown(['strategy', *HEAD], rows)}\n{_corner(grid)}\nThe full grid with its seeds "
        f"drawn again (bootstrap) recommends the same configuration in {100 * itself:.0f} % of "
        f"{RESAMPLES:,} draws"
    )


def _corner(grid: Sequence[Configuration]) -> str:
    cost, quality = reference_point(grid)
    return f"Reference point of the hypervolume: cost {cost:.6g}, quality {quality:.6g}"


# ---------------------------------------------------------------------------------------------
# Which rungs are good ones
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    """A search, and what becomes of it."""

    rungs: Rungs
    first_seeds: int
    summary: Summary

    def cells(self, size_of_front: int) -> list[str]:
        """Return the cells of a row of a table."""
        return [
            "yes" if self.summary.is_good else "",
            str(list(self.rungs.epochs)),
            str(list(self.rungs.keep)),
            str(self.first_seeds),
            *self.summary.cells(size_of_front),
        ]


def ladders(
    epochs: int, rungs: Sequence[Sequence[int]] | None, keep: Sequence[Sequence[float]] | None
) -> list[Rungs]:
    """List the searches to try: each choice of rungs with each choice of parts of its length.

    Parameters
    ----------
    epochs : int
        The length of a training.
    rungs, keep : sequence of sequence, optional
        The choices. None: up to three of the epochs, and as many falling values of `PARTS`.

    Returns
    -------
    list of Rungs
    """
    numbers = range(1, MOST_RUNGS + 1)
    all_epochs = range(1, epochs + 1)
    rungs = rungs or [one for number in numbers for one in combinations(all_epochs, number)]
    keep = keep or [one for number in numbers for one in combinations(PARTS, number)]
    return [Rungs(tuple(r), tuple(k)) for r in rungs for k in keep if len(r) == len(k)]


def tune(
    grid: Sequence[Configuration],
    candidates: Iterable[Rungs],
    first_seeds: Iterable[int],
    count: int,
) -> list[Setting]:
    """Replay many searches; the good ones first, of these the ones that take least.

    Parameters
    ----------
    grid : sequence of Configuration
        The histories.
    candidates : iterable of Rungs
        The rungs to try.
    first_seeds : iterable of int
        How many seeds are tried first.
    count : int
        The number of replays of each search.

    Returns
    -------
    list of Setting
        The good ones, the quickest first; then the others, those with most of the hypervolume
        first.
    """
    drawn, whole = draws(grid, count), full_grid(grid).seconds
    seeds = list(first_seeds)
    found = [
        Setting(
            rungs,
            first,
            Summary.of([score(searched(one, rungs, first), one) for one in drawn], whole),
        )
        for rungs in candidates
        for first in seeds
    ]
    good = sorted((one for one in found if one.summary.is_good), key=lambda o: o.summary.part)
    others = sorted(
        (one for one in found if not one.summary.is_good), key=lambda o: -o.summary.hypervolume
    )
    return [*good, *others]


def tuned(grid: Sequence[Configuration], settings: Sequence[Setting], most: int) -> str:
    """Return the table of the first of many searches, and how many are good."""
    size = len(front_of(grid))
    head = ["good", "rungs", "keep", "first_seeds", *HEAD]
    good = sum(one.summary.is_good for one in settings)
    return (
        markdown(head, [one.cells(size) for one in settings[:most]])
        + f"\n{good} of {len(settings)} searches are good: {100 * HYPERVOLUME:g} % of the "
        f"hypervolume, the same recommendation in {100 * SAME:g} % of the replays, in at most "
        f"{100 * SECONDS:g} % of the time\n{_corner(grid)}"
    )


# ---------------------------------------------------------------------------------------------
# The command
# ---------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("collect", help="store the histories of a finished full grid")
    one.add_argument("results", type=Path, help="its results folder")
    one.add_argument("histories", type=Path, help="the table to write")
    one.add_argument("--cost", default="model_params", help="a column of study_results.csv")
    one.add_argument("--quality", default="ssim_phase", help="a column of study_results.csv")
    one = commands.add_parser("replay", help="replay the search from stored histories")
    one.add_argument("histories", type=Path, help="a table that `collect` wrote")
    one.add_argument("--rungs", type=int, nargs="+", default=[1, 3], help="as in search:")
    one.add_argument("--keep", type=float, nargs="+", default=[0.3, 0.15], help="as in search:")
    one.add_argument("--first-seeds", type=int, default=1, help="as in search:")
    one.add_argument("--replays", type=int, default=20, help="how many")
    one = commands.add_parser("tune", help="replay many searches, and list the best")
    one.add_argument("histories", type=Path, help="a table that `collect` wrote")
    again = "; may be named again, to try others too"
    one.add_argument("--rungs", type=int, nargs="+", action="append", help=f"as in search:{again}")
    one.add_argument("--keep", type=float, nargs="+", action="append", help=f"as in search:{again}")
    one.add_argument("--first-seeds", type=int, nargs="+", default=[1], help="each is tried")
    one.add_argument("--replays", type=int, default=10, help="how many of each search")
    one.add_argument("--most", type=int, default=20, help="rows of the table")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.command == "collect":
        collect(chosen.results, chosen.cost, chosen.quality, chosen.histories)
        return
    grid = read(chosen.histories)
    if chosen.command == "tune":
        candidates = ladders(epochs_of(grid), chosen.rungs, chosen.keep)
        if not candidates:
            parser.error("no --keep has as many values as one of the --rungs")
        found = tune(grid, candidates, chosen.first_seeds, chosen.replays)
        print(tuned(grid, found, chosen.most))
        return
    if len(chosen.rungs) != len(chosen.keep):
        parser.error(f"--keep: one for each of the {len(chosen.rungs)} rungs is wanted")
    rungs = Rungs(tuple(chosen.rungs), tuple(chosen.keep))
    print(report(grid, replays(grid, rungs, chosen.first_seeds, chosen.replays)))


if __name__ == "__main__":
    main()
