"""Successive halving on two objectives: what holds for any configurations, and known cases."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counts import EXAMPLES
from ptychopareto.study.halving import (
    Candidate,
    Entrant,
    Rungs,
    best_so_far,
    decide,
    places,
    search,
)
from ptychopareto.study.hypervolume import contributions, fronts, hypervolume

numbers = st.floats(1e-3, 1e3)
histories = st.lists(numbers, min_size=1, max_size=6)
rungs = st.lists(
    st.tuples(st.integers(1, 8), st.floats(0.01, 1)),
    min_size=1,
    max_size=3,
    unique_by=lambda rung: rung[0],
).map(
    lambda found: Rungs(
        tuple(sorted(epoch for epoch, _ in found)),
        tuple(sorted((part for _, part in found), reverse=True)),
    )
)


@st.composite
def entrants(draw: st.DrawFn, least: int = 1) -> list[Entrant]:
    count = draw(st.integers(least, 12))
    failed = st.sampled_from([(), (), (math.nan,)])
    return [
        Entrant(
            f"c{number}",
            draw(st.sampled_from(["teacher", "physics"])),
            draw(numbers),
            tuple((*draw(histories), *draw(failed)) for _ in range(draw(st.integers(1, 3)))),
        )
        for number in range(count)
    ]


def survivors(decided: list) -> list[str]:
    return [verdict.name for verdict in decided[-1] if verdict.goes_on]


def of(name: str, cost: float, *losses: float, group: str = "teacher") -> Candidate:
    return Candidate(name, group, cost, losses)


def going(candidates: list[Candidate], count: int) -> list[str]:
    groups = {one.group for one in candidates}
    verdicts = decide(candidates, dict.fromkeys(groups, count))
    return [verdict.name for verdict in verdicts if verdict.goes_on]


@settings(max_examples=EXAMPLES, deadline=None)
@given(entrants(), rungs)
def test_who_dominates_everybody_at_every_rung_is_never_stopped(
    others: list[Entrant], when: Rungs
) -> None:
    lowest = min(
        loss for one in others for history in one.histories for loss in history if loss == loss
    )
    best = Entrant("best", "teacher", min(one.cost for one in others) / 2, ((lowest / 2,) * 8,))
    for place in (0, len(others) // 2, len(others)):
        decided = search([*others[:place], best, *others[place:]], when)
        assert "best" in survivors(decided)


@settings(max_examples=EXAMPLES, deadline=None)
@given(entrants(), rungs)
def test_as_many_go_on_as_there_are_places(all_of_them: list[Entrant], when: Rungs) -> None:
    decided = search(all_of_them, when)
    alive = [one.name for one in all_of_them]
    for verdicts, epoch, part in zip(decided, when.epochs, when.keep, strict=True):
        assert [verdict.name for verdict in verdicts] == alive
        by_name = {one.name: one for one in all_of_them}
        for group in {one.group for one in all_of_them}:
            size = sum(one.group == group for one in all_of_them)
            own = [verdict for verdict in verdicts if verdict.group == group]
            able = [v for v in own if math.isfinite(by_name[v.name].at(epoch).loss)]
            going_on = sum(verdict.goes_on for verdict in own)
            assert going_on == min(places(part, size), len(able))
        assert all(math.isfinite(v.loss) for v in verdicts if v.goes_on)
        alive = [verdict.name for verdict in verdicts if verdict.goes_on]


@settings(max_examples=EXAMPLES, deadline=None)
@given(entrants(), rungs)
def test_nobody_goes_on_whom_a_stopped_one_of_its_group_dominates(
    all_of_them: list[Entrant], when: Rungs
) -> None:
    for verdicts in search(all_of_them, when):
        going_on = [verdict for verdict in verdicts if verdict.goes_on]
        stopped = [verdict for verdict in verdicts if not verdict.goes_on and verdict.loss > 0]
        for one in going_on:
            for other in stopped:
                same = other.group == one.group
                # clearly: what differs by rounding alone counts as equal
                better = other.cost < one.cost * (1 - 1e-6) and other.loss < one.loss * (1 - 1e-6)
                assert not (same and better)


@settings(max_examples=EXAMPLES, deadline=None)
@given(entrants(), rungs)
def test_the_same_histories_give_the_same_decisions(
    all_of_them: list[Entrant], when: Rungs
) -> None:
    assert repr(search(all_of_them, when)) == repr(search(all_of_them, when))


@settings(max_examples=EXAMPLES, deadline=None)
@given(entrants(), rungs)
def test_groups_decide_apart(all_of_them: list[Entrant], when: Rungs) -> None:
    together = set(survivors(search(all_of_them, when)))
    apart = set()
    for group in {one.group for one in all_of_them}:
        own = [one for one in all_of_them if one.group == group]
        apart |= set(survivors(search(own, when)))
    assert together == apart


def test_one_configuration_goes_on_at_any_rung() -> None:
    only = Entrant("only", "teacher", 5.0, ((3.0, 2.0, 1.0),))
    decided = search([only], Rungs((1, 2, 9), (0.5, 0.1, 0.01)))
    assert [[verdict.goes_on for verdict in verdicts] for verdicts in decided] == [[True]] * 3


def test_equals_go_on_in_grid_order() -> None:
    equal = [of(name, 7.0, 0.5) for name in ("b", "a", "c", "d")]
    assert going(equal, 2) == ["b", "a"]


def test_of_two_equals_one_goes_on_before_a_worse_one() -> None:
    assert going([of("a", 1, 0.5), of("b", 1, 0.5), of("worse", 2, 0.6)], 2) == ["a", "b"]
    assert going([of("a", 1, 0.5), of("b", 1, 0.5), of("good", 9, 0.1)], 2) == ["a", "good"]


def test_where_all_have_failed_nobody_goes_on() -> None:
    failed = [of("a", 1, math.nan), of("b", 2, math.nan, math.inf)]
    verdicts = decide(failed, {"teacher": 2})
    assert not any(verdict.goes_on for verdict in verdicts)
    assert [verdict.front for verdict in verdicts] == [None, None]
    lost = Entrant("a", "teacher", 1.0, ((math.nan,),))
    assert search([lost], Rungs((1, 3), (0.5, 0.5)))[1] == []


def test_a_seed_that_failed_does_not_count_against_the_others() -> None:
    assert of("a", 1, 0.4, math.nan, 0.6).loss == pytest.approx(0.5)
    assert going([of("a", 1, math.nan, 0.5), of("b", 1, 0.6, 0.6)], 1) == ["a"]


def test_a_rung_beyond_the_training_sees_its_end() -> None:
    short = Entrant("short", "teacher", 1.0, ((0.9, 0.5),))
    long = Entrant("long", "teacher", 1.0, ((0.9, 0.6, 0.55, 0.2),))
    assert survivors(search([short, long], Rungs((3,), (0.5,)))) == ["short"]
    assert survivors(search([short, long], Rungs((9,), (0.5,)))) == ["long"]


def test_a_cheap_and_a_dear_one_go_on_of_a_crowd() -> None:
    crowd = [of(f"crowd{n}", 100 + n, 0.5 - 0.001 * n) for n in range(8)]
    cheap, dear = of("cheap", 10, 0.8), of("dear", 1000, 0.2)
    chosen = going([*crowd, cheap, dear], 3)
    assert {"cheap", "dear"} < set(chosen)


def test_two_kinds_of_loss_each_have_their_places() -> None:
    teacher = [of(f"t{n}", 1 + n, 1 / (1 + n)) for n in range(4)]
    physics = [of(f"p{n}", 1 + n, 1e-4 / (1 + n), group="physics") for n in range(4)]
    chosen = going([*teacher, *physics], 2)
    assert [name[0] for name in chosen] == ["t", "t", "p", "p"]


def test_places_round_up_but_not_what_is_whole() -> None:
    assert [places(part, 35) for part in (0.2, 0.201, 1.0, 1e-6)] == [7, 8, 35, 1]


def test_best_so_far() -> None:
    assert best_so_far([0.5, 0.3, 0.4]) == 0.3
    assert math.isnan(best_so_far([]))
    assert math.isnan(best_so_far([0.5, math.nan]))


points = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=10)


@settings(max_examples=EXAMPLES, deadline=None)
@given(points)
def test_contributions_are_what_is_lost_without_a_point(found: list[tuple[float, float]]) -> None:
    rows = np.array(found)
    first = rows[fronts(rows) == 0]
    reference = (1.1, 1.1)
    whole = hypervolume(first, reference)
    lost = [
        whole - hypervolume(np.delete(first, index, axis=0), reference)
        for index in range(len(first))
    ]
    assert contributions(first, reference) == pytest.approx(lost, abs=1e-12)


@settings(max_examples=EXAMPLES, deadline=None)
@given(points)
def test_fronts_are_peeled_one_after_the_other(found: list[tuple[float, float]]) -> None:
    rows = np.array(found)
    number = fronts(rows)
    for index, row in enumerate(rows):
        dominating = ((rows <= row).all(axis=1) & (rows < row).any(axis=1)).nonzero()[0]
        before = number[dominating].max(initial=-1)
        assert number[index] == before + 1


def test_hypervolume_of_known_points() -> None:
    assert hypervolume([(0, 0.5), (0.5, 0)], (1, 1)) == pytest.approx(0.75)
    assert hypervolume([(0, 0.5), (0.5, 0), (0.6, 0.6), (2, -1)], (1, 1)) == pytest.approx(0.75)
    assert hypervolume([(math.nan, 0), (1, 0)], (1, 1)) == 0
    assert hypervolume(np.empty((0, 2)), (1, 1)) == 0


def test_who_overtakes_after_the_last_rung_is_lost() -> None:
    """The case of docs/search.md: no search by early losses can know."""
    small = (0.0682, 0.0543, 0.0494, 0.0472, 0.0464, 0.0461)
    large = (0.0770, 0.0506, 0.0456, 0.0426, 0.0414, 0.0412)  # of a larger learning rate
    pair = [Entrant("small", "teacher", 151714, (small,))]
    pair.append(Entrant("large", "teacher", 151714, (large,)))
    assert survivors(search(pair, Rungs((1,), (0.5,)))) == ["small"]
    assert survivors(search(pair, Rungs((2,), (0.5,)))) == ["large"]
    assert survivors(search(pair, Rungs((1, 2), (1.0, 0.5)))) == ["large"]
