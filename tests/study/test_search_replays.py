"""Replays of a search from stored histories of a grid that was trained once.

`search_histories.csv`: 20 configurations of three architectures, two seeds, four epochs, on 32²
patterns with the truth as the target, so small that a network trains in a second.
"""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from benchmarks.search import Summary, ladders, main, tune, tuned
from benchmarks.search_histories import Configuration, Training, read
from benchmarks.search_strategies import (
    DECISION_SECONDS,
    Outcome,
    at_random,
    by_loss_alone,
    front_of,
    full_grid,
    repeats_itself,
    replays,
    score,
    searched,
)

from ptychopareto.config import parse_study
from ptychopareto.study.halving import Rungs
from ptychopareto.study.runs import expand

ROOT = Path(__file__).parents[2]
HISTORIES = Path(__file__).with_name("search_histories.csv")
PROOF = ROOT / "benchmarks/search_histories.csv"  # of the grid of studies/search.yaml
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
    more = 3.0 * 2 * len(grid)  # two more starts of each training that was tried first
    more += DECISION_SECONDS * 2
    assert everybody.seconds == pytest.approx(full_grid(grid).seconds + more, abs=1)


def test_costs_that_are_timed_take_time(grid: list[Configuration]) -> None:
    timed = [replace(one, timing_s=10.0) for one in grid]
    without, seconds = (searched(those, RUNGS, 1).seconds for those in (grid, timed))
    assert seconds == pytest.approx(without + 10.0 * len(grid), abs=1)
    assert full_grid(timed).seconds == full_grid(grid).seconds


def test_a_rung_at_the_end_leaves_finished_runs_of_those_that_are_stopped(
    grid: list[Configuration],
) -> None:
    found = searched(grid, Rungs((1, 4), (0.5, 0.3)), 1)
    assert len(found.names) == 6
    assert sorted(map(len, found.runs.values())) == [1] * 4 + [2] * 6
    assert all(len(found.runs[name]) == 2 for name in found.names)
    # The study's front is that of what it sees, with one seed of those four.
    seen = [replace(one, runs=found.runs[one.name]) for one in grid if one.name in found.runs]
    wanted = len(set(front_of(seen)) & set(front_of(grid)))
    assert score(found, grid).found == wanted


def test_nothing_trained_is_worth_nothing(grid: list[Configuration]) -> None:
    nothing = score(Outcome((), {}, 5.0), grid)
    assert (nothing.hypervolume, nothing.found, nothing.same_choice) == (0, 0, False)


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


def test_many_searches_are_tried(
    grid: list[Configuration], capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(ladders(4, [[1], [1, 2]], [[0.5], [0.4], [0.5, 0.3]])) == 3
    assert Rungs((1, 2, 4), (0.5, 0.2, 0.1)) in ladders(4, None, None)
    found = tune(grid, ladders(4, [[1], [2]], [[0.4], [0.1]]), (1, 2), 2)
    assert len(found) == 8
    others = [one.summary.hypervolume for one in found if not one.summary.is_good]
    assert others == sorted(others, reverse=True)
    assert tuned(grid, found, 3).splitlines()[0].startswith("| good | rungs | keep | first_seeds |")
    asked = ["tune", str(HISTORIES), "--rungs", "1", "--rungs", "2", "--keep", "0.4", "--most", "1"]
    main([*asked, "--replays", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert "of 2 searches are good" in lines[4]
    with pytest.raises(SystemExit):
        main(["tune", str(HISTORIES), "--rungs", "1", "2", "--keep", "0.4"])
    assert "no --keep has as many values" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------
# What a search is to reach
# ---------------------------------------------------------------------------------------------


def power_laws() -> list[Configuration]:
    """48 configurations of four families, three seeds, ten epochs; curves that do not cross much.

    A loss falls by a power of the epochs to one that falls with the size; families differ in both.
    """
    rng = np.random.default_rng(0)
    grid = []
    for family, (least, size) in enumerate(((0.05, 1), (0.1, 2), (0.2, 1), (0.3, 4))):
        for width in range(4, 28, 2):
            cost = 100.0 * size * width**2
            end = least + 3.0 * cost**-0.4
            runs = []
            for _ in range(3):
                own = end * math.exp(rng.normal(0, 0.02))
                losses = tuple(own + 0.4 * end / epoch**1.5 for epoch in range(1, 11))
                runs.append(Training(losses, (20.0 + cost / 4e3,) * 10, 1 - losses[-1]))
            grid.append(Configuration(f"family{family}_w{width}", "teacher", cost, tuple(runs)))
    return grid


def reached(grid: list[Configuration], rungs: Rungs, first_seeds: int) -> dict[str, Summary]:
    """What all strategies reach in ten replays."""
    whole = full_grid(grid).seconds
    scores = replays(grid, rungs, first_seeds, count=10)
    return {name: Summary.of(found, whole) for name, found in scores.items()}


def test_a_search_keeps_its_promise_where_curves_do_not_cross() -> None:
    found = reached(power_laws(), Rungs((1, 3), (0.4, 0.25)), 1)
    assert found["search"].is_good, found
    assert found["search"].hypervolume > found["by loss alone"].hypervolume
    assert found["search"].hypervolume > found["at random"].hypervolume


def test_the_search_of_the_study_keeps_its_promise() -> None:
    """Against its full grid, which was trained once: the front for a third of the seconds."""
    grid = read(PROOF)
    study = parse_study(yaml.safe_load((ROOT / "studies/search.yaml").read_text()))
    assert study.search is not None
    names = list(dict.fromkeys(run.configuration for run in expand(study).values()))
    assert [one.name for one in grid] == names
    rungs = Rungs(study.search.rungs, study.search.keep)
    found = reached(grid, rungs, study.search.first_seeds)
    assert found["search"].hypervolume >= 0.99, found
    assert found["search"].same >= 0.9, found
    assert found["search"].part <= 0.36, found
    assert found["search"].hypervolume > found["by loss alone"].hypervolume
    assert found["search"].hypervolume > found["at random"].hypervolume


def test_the_front_is_found_for_a_quarter_of_the_seconds() -> None:
    """But not its recommendation, on which the full grid's own seeds do not agree either."""
    grid = read(PROOF)
    found = reached(grid, Rungs((1, 2, 4, 6), (0.6, 0.3, 0.15, 0.04)), 1)["search"]
    assert found.hypervolume >= 0.99, found
    assert found.part <= 0.25, found
    assert found.same < repeats_itself(grid, 200) < 0.9


def test_seeds_that_agree_repeat_themselves(grid: list[Configuration]) -> None:
    assert repeats_itself([replace(one, runs=one.runs[:1]) for one in grid], 5) == 1
