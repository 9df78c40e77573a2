"""Which configurations go on at a rung of a search: successive halving on two objectives.

At each rung configurations are compared by what they cost and by the validation loss they have
reached. They are sorted into fronts (non-dominated sorting), and places are given front by front.
Where a front is larger than the places that are left, the configuration that adds least to its
hypervolume loses its place, then the one that adds least to the rest, and so on. So a cheap and
modest configuration and a dear and good one both go on, and of a crowd in between a few.

Losses of different kinds (of the patterns, of the teacher's object) are different quantities, and
nothing known during a training translates one into the other: how well patterns are predicted is
what `physics` minimises, and says little about the slow phase, on which networks differ most. So
each kind of loss is a group of its own. Its configurations are compared with each other only, and
the same part of each group goes on.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ptychopareto.study.hypervolume import contributions, fronts

Array = NDArray[np.float64]

MARGIN = 0.1  # of the scaled axes: how far beyond the worst candidate the reference point lies
ROUNDING = 1e-9  # 0.2 of 35 configurations are 7, not 8
SMALLEST = 1e-300  # a loss of exactly 0 has no logarithm


@dataclass(frozen=True)
class Candidate:
    """A configuration at a rung.

    Attributes
    ----------
    name : str
        The configuration.
    group : str
        The kind of its loss. Candidates of different groups are not compared.
    cost : float
        What it costs, above 0. NaN: it is not known, and the candidate cannot go on.
    losses : tuple of float
        The validation loss of each seed that was tried, NaN for a seed that failed.
    """

    name: str
    group: str
    cost: float
    losses: tuple[float, ...]

    @property
    def loss(self) -> float:
        """The mean over the seeds that did not fail; NaN if all did."""
        finite = [loss for loss in self.losses if math.isfinite(loss)]
        return sum(finite) / len(finite) if finite else math.nan


@dataclass(frozen=True)
class Verdict:
    """The decision of a rung about a candidate.

    Attributes
    ----------
    name : str
        The configuration.
    group : str
        The kind of its loss.
    cost : float
        What it costs.
    loss : float
        Its mean validation loss; NaN if all of its seeds failed.
    front : int or None
        The number of its front among the candidates of its group, from 0; None if it failed.
    goes_on : bool
        Whether it is trained beyond this rung.
    """

    name: str
    group: str
    cost: float
    loss: float
    front: int | None
    goes_on: bool


def places(part: float, configurations: int) -> int:
    """Return how many configurations of a group go on: its part, rounded up, and at least one.

    Parameters
    ----------
    part : float
        The part of all configurations of the group, above 0 and at most 1.
    configurations : int
        How many there are in the group, those that were stopped before included.

    Returns
    -------
    int
        The number that goes on.
    """
    return max(1, math.ceil(part * configurations - ROUNDING))


def decide(candidates: Sequence[Candidate], places_of: Mapping[str, int]) -> list[Verdict]:
    """Decide which candidates go on. The same candidates in the same order give the same answer.

    Parameters
    ----------
    candidates : sequence of Candidate
        Those that have reached the rung, in grid order. If two add as much to the hypervolume, the
        one with the smaller loss goes on; the first one goes on if they are equal.
    places_of : mapping of str to int
        How many of each group go on, at most. A candidate without a finite loss and a cost above
        0 never does.

    Returns
    -------
    list of Verdict
        One for each candidate, in the order given.
    """
    verdicts = {
        one.name: Verdict(one.name, one.group, one.cost, one.loss, None, False)
        for one in candidates
    }
    for group in dict.fromkeys(one.group for one in candidates):
        able = [one for one in candidates if one.group == group and _is_able(one)]
        points = _scaled(able)
        number = fronts(points)
        chosen = _chosen(points, number, places_of[group])
        for index, one in enumerate(able):
            verdicts[one.name] = replace(
                verdicts[one.name], front=int(number[index]), goes_on=index in chosen
            )
    return list(verdicts.values())


def _is_able(candidate: Candidate) -> bool:
    return math.isfinite(candidate.loss) and math.isfinite(candidate.cost) and candidate.cost > 0


def _scaled(candidates: Iterable[Candidate]) -> Array:
    """Logarithms of cost and loss (n, 2), each scaled to [0, 1] over the candidates.

    What differs by rounding alone is equal.
    """
    pairs = [(one.cost, max(one.loss, SMALLEST)) for one in candidates]
    points = np.log(np.array(pairs, dtype=np.float64).reshape(-1, 2))
    if not len(points):
        return points
    low, high = points.min(axis=0), points.max(axis=0)
    return np.asarray(np.round((points - low) / np.where(high > low, high - low, 1.0), 12))


def _chosen(points: Array, number: NDArray[np.int64], count: int) -> set[int]:
    """Return the indices of the `count` points that go on, front by front."""
    chosen: list[int] = []
    for front in range(int(number.max(initial=-1)) + 1):
        members = np.flatnonzero(number == front).tolist()
        chosen += _thinned(points, members, count - len(chosen))
    return set(chosen)


def _thinned(points: Array, members: list[int], count: int) -> list[int]:
    """Return what is left of a front when the member that adds least has gone, again and again."""
    reference = (1 + MARGIN, 1 + MARGIN)
    left = list(members)
    while len(left) > max(count, 0):
        adds = np.round(contributions(points[left], reference), 12)
        # Among equals the one with the largest loss goes, among these the last.
        order = np.lexsort((-np.arange(len(left)), -points[left, 1], adds))
        left.pop(int(order[0]))
    return left


# ---------------------------------------------------------------------------------------------
# A whole search
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rungs:
    """When configurations are compared, and how many go on.

    Attributes
    ----------
    epochs : tuple of int
        After how many epochs, rising.
    keep : tuple of float
        The part of all configurations of a group that goes on at each, not rising.
    """

    epochs: tuple[int, ...]
    keep: tuple[float, ...]


@dataclass(frozen=True)
class Entrant:
    """A configuration with the histories of the seeds that are tried first.

    Attributes
    ----------
    name, group, cost
        As those of a `Candidate`.
    histories : tuple of tuple of float
        The validation loss after each epoch, for each seed. A history that ends before a rung is
        that of a finished training, or, if its last value is NaN, of one that failed.
    """

    name: str
    group: str
    cost: float
    histories: tuple[tuple[float, ...], ...]

    def at(self, epoch: int) -> Candidate:
        """Return the candidate that it is after an epoch."""
        losses = tuple(best_so_far(history[:epoch]) for history in self.histories)
        return Candidate(self.name, self.group, self.cost, losses)


def best_so_far(history: Sequence[float]) -> float:
    """Return the smallest validation loss of a history; NaN if it is empty or has failed.

    Parameters
    ----------
    history : sequence of float
        The validation loss after each epoch; it ends with NaN if the training failed.
    """
    if not history or not all(math.isfinite(loss) for loss in history):
        return math.nan
    return min(history)


def search(entrants: Sequence[Entrant], rungs: Rungs) -> list[list[Verdict]]:
    """Go through all rungs of a search whose histories are known.

    Parameters
    ----------
    entrants : sequence of Entrant
        All configurations, in grid order.
    rungs : Rungs
        When they are compared, and how many go on.

    Returns
    -------
    list of list of Verdict
        The verdicts of each rung, about those that reached it.
    """
    sizes = sizes_of_groups(one.group for one in entrants)
    alive, decided = list(entrants), []
    for epoch, part in zip(rungs.epochs, rungs.keep, strict=True):
        places_of = {group: places(part, size) for group, size in sizes.items()}
        verdicts = decide([one.at(epoch) for one in alive], places_of)
        decided.append(verdicts)
        alive = [one for one, verdict in zip(alive, verdicts, strict=True) if verdict.goes_on]
    return decided


def sizes_of_groups(groups: Iterable[str]) -> dict[str, int]:
    """Count the configurations of each group.

    Parameters
    ----------
    groups : iterable of str
        The group of each configuration.

    Returns
    -------
    dict of int
        The size of each group by its name, in the order of first appearance.
    """
    sizes: dict[str, int] = {}
    for group in groups:
        sizes[group] = sizes.get(group, 0) + 1
    return sizes
