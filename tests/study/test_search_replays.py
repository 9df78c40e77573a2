"""Replays of a search from stored histories of a grid that was trained once.

`search_histories.csv`: 20 configurations of three architectures, two seeds, four epochs, on 32²
patterns with the truth as the target, so small that a network trains in a second.
"""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.search import (
    Configuration,
    at_random,
    by_loss_alone,
    full_grid,
    main,
    read,
    replays,
    score,
    searched,
)

from ptychopareto.study.halving import Rungs

HISTORIES = Path(__file__).with_name("search_histories.csv")
RUNGS = Rungs((1, 2), (0.5, 0.3))


@pytest.fixture(scope="module")
def grid() -> list[Configuration]:
    return read(HISTORIES)


def test_the_stored_grid(grid: list[Configuration]) -> None:
    assert len(grid) == 20
    assert {one.name.split("_")[0] for one in grid} == {"fno", "ffno", "cnn"}
    assert {len(one.runs) for one in grid} == {2}
    assert {len(run.losses) for one in grid for run in one.runs} == {4}


def test_the_full_grid_is_the_measure_of_all(grid: list[Configuration]) -> None:
    whole = score(full_grid(grid), grid)
    assert whole.hypervolume == 1
    assert whole.same_choice


def test_who_goes_on_at_all_rungs_costs_what_the_grid_costs(grid: list[Configuration]) -> None:
    everybody = searched(grid, Rungs((1, 2), (1.0, 1.0)), 1)
    assert everybody.names == tuple(one.name for one in grid)
    starts = 3.0 * 2 * len(grid)  # two more of each training that was tried first
    assert everybody.seconds == pytest.approx(full_grid(grid).seconds + starts, rel=1e-2)


def test_ten_replays_find_the_front_for_less(grid: list[Configuration]) -> None:
    scores = replays(grid, RUNGS, first_seeds=1, count=10)
    assert {len(found) for found in scores.values()} == {10}
    mean = {
        name: sum(one.hypervolume for one in found) / len(found) for name, found in scores.items()
    }
    assert mean["search"] > 0.97
    assert mean["search"] > mean["at random"]
    assert mean["search"] > mean["by loss alone"]
    trained = [sum(one.seconds for one in scores[name]) for name in ("search", "full grid")]
    assert trained[0] < 0.8 * trained[1]  # each rung is a start, and these trainings are short


def test_loss_alone_loses_the_cheap_ones(grid: list[Configuration]) -> None:
    cost = {one.name: one.cost for one in grid}
    cheapest = min(cost.values())
    assert min(cost[name] for name in searched(grid, RUNGS, 1).names) == cheapest
    assert min(cost[name] for name in by_loss_alone(grid, RUNGS, 1).names) > cheapest


def test_replays_repeat(grid: list[Configuration]) -> None:
    one, other = (replays(grid, RUNGS, 1, 2) for _ in range(2))
    for name in ("full grid", "by loss alone", "at random"):
        assert one[name] == other[name]
    found = [
        [(s.hypervolume, s.found, s.same_choice) for s in those["search"]] for those in (one, other)
    ]
    assert found[0] == found[1]  # but for the time that the decisions take


def test_as_many_at_random(grid: list[Configuration]) -> None:
    outcome = at_random(grid, 3, np.random.default_rng(0))
    assert len(outcome.names) == 3


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(["replay", str(HISTORIES), "--rungs", "1", "2", "--keep", "0.5", "0.3", "--replays", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| strategy |")
    assert [line.split(" | ")[0] for line in lines[2:6]] == [
        *("| full grid", "| search", "| by loss alone", "| at random"),
    ]
    with pytest.raises(SystemExit):
        main(["replay", str(HISTORIES), "--rungs", "1"])
    assert "one for each of the 1 rungs" in capsys.readouterr().err
