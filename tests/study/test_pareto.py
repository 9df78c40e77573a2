"""The front, the knee and the probabilities: known answers, and agreement with the definitions."""

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counts import EXAMPLES
from ptychopareto.study import pareto
from ptychopareto.study.configurations import configurations
from ptychopareto.study.pareto import front, fronts_of_pairs, knee, pareto_front
from ptychopareto.study.runs import Run
from ptychopareto.study.table import COLUMNS, TYPES

Outcomes = list[tuple[float, float] | str]  # cost and quality, or a status
Results = dict[int, Outcomes]


def table_of(results: Results) -> pd.DataFrame:
    """A table of runs: for each width, the (cost, quality) or the status of its seeds."""
    rows = []
    for width, runs in results.items():
        for seed, result in enumerate(runs):
            run = Run("fno", "none", 12, width, "teacher", seed)
            row = {"run": run.id, **vars(run)}
            if isinstance(result, str):
                # a failed run may know its numbers; they must not count
                row |= {"status": result, "train_time_s": 1e-3, "ssim_phase": 0.999}
            else:
                row |= {"status": "ok", "train_time_s": result[0], "ssim_phase": result[1]}
            rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)


def front_of(results: Results) -> pd.DataFrame:
    return pareto_front(table_of(results), "train_time_s", "ssim_phase")


def mean_of(runs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """To 12 digits, so that a tie is one whatever the order of the seeds."""
    c, q = (float(f"{math.fsum(values) / len(runs):.12g}") for values in zip(*runs, strict=True))
    return c, q


def dominates(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a[0] <= b[0] and a[1] >= b[1] and (a[0] < b[0] or a[1] > b[1])


def by_enumeration(results: Results) -> dict[int, float]:
    """The probability of each width, by listing all resamples of the whole study."""
    runs = {width: [r for r in seeds if not isinstance(r, str)] for width, seeds in results.items()}
    runs = {width: seeds for width, seeds in runs.items() if seeds}
    times_on_front = dict.fromkeys(runs, 0)
    choices = [list(product(seeds, repeat=len(seeds))) for seeds in runs.values()]
    n_resamples = 0
    for resample in product(*choices):
        n_resamples += 1
        means = [mean_of(seeds) for seeds in resample]
        for width, mean in zip(runs, means, strict=True):
            times_on_front[width] += not any(dominates(other, mean) for other in means)
    return {width: times / n_resamples for width, times in times_on_front.items()}


# ---------------------------------------------------------------------------------------------
# The front
# ---------------------------------------------------------------------------------------------


def test_front_of_a_known_set() -> None:
    nan = math.nan
    points = [
        (1.0, 0.5, True),  # the cheapest
        (1.0, 0.4, False),  # as cheap, worse
        (2.0, 0.5, False),  # as good, more expensive
        (2.0, 0.7, True),
        (2.0, 0.7, True),  # its duplicate
        (3.0, 0.6, False),
        (4.0, 0.9, True),  # the best
        (9.0, 0.9, False),
        (0.1, nan, False),
        (nan, 1.0, False),
    ]
    cost, quality, expected = zip(*points, strict=True)
    np.testing.assert_array_equal(front(cost, quality), expected)


def test_front_of_few() -> None:
    assert front([], []).tolist() == []
    assert front([3.0], [0.1]).tolist() == [True]
    assert front([math.nan], [0.1]).tolist() == [False]
    with pytest.raises(ValueError, match=r"cost \(2,\) and quality \(1,\)"):
        front([1, 2], [1])


coordinate = st.integers(0, 5).map(float) | st.just(math.nan) | st.just(math.inf)


@given(st.lists(st.tuples(coordinate, coordinate), max_size=20))
def test_front_is_what_the_definition_says(points: list[tuple[float, float]]) -> None:
    expected = [
        not any(map(math.isnan, point)) and not any(dominates(other, point) for other in points)
        for point in points
    ]
    assert front([c for c, _ in points], [q for _, q in points]).tolist() == expected


def test_front_of_a_study() -> None:
    selected = front_of(
        {
            64: [(400, 0.9)],
            48: [(300, 0.6)],
            32: [(200, 0.7)],
            16: ["diverged"],
            8: [(5, 0.3)],
            4: ["missing"],
        }
    )
    assert selected["width"].tolist() == [8, 32, 64]
    assert selected.index.tolist() == [0, 1, 2]
    assert selected["n_ok"].tolist() == [1, 1, 1]


def test_front_is_that_of_the_means_of_the_runs_that_are_ok() -> None:
    selected = front_of(
        {
            8: [(1, 0.4), (3, 0.6), "diverged"],  # (2, 0.5)
            16: [(2, 0.8), (2, 0.1), (2, 0.3)],  # (2, 0.4): the best run of all, a worse mean
            32: [(4, 0.6), "missing", "out_of_memory"],
        }
    )
    assert selected["width"].tolist() == [8, 32]
    assert selected["ssim_phase"].tolist() == pytest.approx([0.5, 0.6])
    assert selected["n_failed"].tolist() == [1, 1]


def test_duplicates_are_on_the_front_together_whatever_the_order_of_their_seeds() -> None:
    """In floating point the sum 0.1 + 0.2 + 0.3 depends on the order; a tie must not."""
    values: Outcomes = [(1, 0.1), (1, 0.2), (1, 0.3)]
    same: Outcomes = [(1, 0.2)] * 3
    selected = front_of({8: values, 16: values[::-1], 32: same, 64: [(2, 0.2)] * 3})
    assert selected["width"].tolist() == [8, 16, 32]
    assert selected["recommended"].tolist() == [True, False, False]


@pytest.mark.parametrize("results", [{}, {8: ["missing"]}, {8: ["diverged"] * 2, 16: ["missing"]}])
def test_front_of_a_study_without_results(results: Results) -> None:
    selected = front_of(results)
    assert len(selected) == 0
    assert selected.columns.tolist()[-2:] == ["p_front", "recommended"]


def test_a_cost_of_nothing_is_no_cost() -> None:
    assert front_of({8: [(0, 0.9)], 16: [(1, 0.5)]})["width"].tolist() == [16]


point = st.tuples(st.integers(1, 4).map(float), st.integers(0, 4).map(lambda i: i / 4))
outcome = point | st.sampled_from(["diverged", "missing"])


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.lists(outcome, min_size=1, max_size=3), max_size=8))
def test_front_of_random_studies_is_what_the_definition_says(
    studies: list[Outcomes],
) -> None:
    results = dict(enumerate(studies, start=1))
    means: dict[int, tuple[float, float]] = {}
    for width, seeds in results.items():
        ok = [result for result in seeds if not isinstance(result, str)]
        if ok:
            means[width] = mean_of(ok)
    expected = [
        w for w, mean in means.items() if not any(dominates(o, mean) for o in means.values())
    ]
    selected = front_of(results)
    assert selected["width"].tolist() == sorted(expected, key=lambda width: means[width][0])
    assert selected["recommended"].sum() == min(1, len(expected))


# ---------------------------------------------------------------------------------------------
# The knee
# ---------------------------------------------------------------------------------------------


def test_knee_is_farthest_above_the_chord() -> None:
    # log10 of the costs: 0, 1, 2, 3, 4; scaled 0, ¼, ½, ¾, 1. Scaled qualities minus these:
    # 0, 0.45, 0.4, 0.2, 0
    assert knee([1, 10, 100, 1000, 10_000], [0.0, 0.70, 0.90, 0.95, 1.0]) == 1
    # the same, with another unit of cost and another range of quality
    assert knee([5, 50, 500, 5000, 50_000], [0.5, 0.57, 0.59, 0.595, 0.6]) == 1
    # not what the distance would be without the logarithm: there it is the point at 100
    assert knee([1, 100, 1000, 10_000], [0.0, 0.5, 0.95, 1.0]) == 2


def test_knee_of_equals_is_the_cheapest() -> None:
    assert knee([1, 10, 100, 1000], [0.0, 0.5, 0.8333333333333334, 1.0]) == 1
    assert knee([1, 10, 10, 100], [0.0, 0.9, 0.9, 1.0]) == 1


@pytest.mark.parametrize(
    ("cost", "quality"),
    [
        ([], []),
        ([3], [0.5]),
        ([3, 3], [0.5, 0.5]),
        ([1, 100], [0.1, 0.9]),
        ([1, 1, 100, 100], [0.1, 0.1, 0.9, 0.9]),
        ([1, 10, 100], [0.1, 0.5, 0.9]),  # on the chord, but for the rounding
        ([1, 10, 1000], [0.7, 0.8, 1.0]),
        ([1, 10, 100], [0.1, 0.2, 0.9]),  # below it
    ],
)
def test_front_without_a_knee(cost: list[float], quality: list[float]) -> None:
    assert knee(cost, quality) is None


def test_knee_is_recommended_or_else_the_best() -> None:
    with_knee = front_of({8: [(1, 0.1)], 16: [(10, 0.8)], 32: [(100, 0.9)], 64: [(5, 0.05)]})
    assert with_knee["width"].tolist() == [8, 16, 32]
    assert with_knee["recommended"].tolist() == [False, True, False]
    without = front_of({8: [(1, 0.1)], 16: [(10, 0.2)], 32: [(100, 0.9)], 64: [(100, 0.9)]})
    assert without["recommended"].tolist() == [False, False, True, False]
    assert front_of({8: [(1, 0.1)]})["recommended"].tolist() == [True]


# ---------------------------------------------------------------------------------------------
# The fronts of all pairs of columns
# ---------------------------------------------------------------------------------------------


def test_fronts_of_pairs() -> None:
    """Worse on a rising diagonal, better towards few parameters, a large SSIM and a small MAE."""
    table = table_of({8: [(1, 0.5)], 16: [(2, 0.7)], 32: [(3, 0.6)], 64: [(0, 0.9)]})
    means = configurations(table.assign(mae_phase=[0.4, 0.3, 0.2, 0.2 + 1e-15]))
    fronts = fronts_of_pairs(means, ["ssim_phase", "mae_phase", "train_time_s"])
    assert {a: list(pairs) for a, pairs in fronts.items()} == {
        "ssim_phase": ["ssim_phase", "mae_phase", "train_time_s"],
        "mae_phase": ["mae_phase", "train_time_s"],
        "train_time_s": ["train_time_s"],
    }
    assert fronts["ssim_phase"]["ssim_phase"] == [3]
    assert fronts["ssim_phase"]["mae_phase"] == [3]  # the two MAE differ by rounding only
    assert fronts["ssim_phase"]["train_time_s"] == [1, 0]  # no logarithm of 0: no place on the axis
    assert fronts["mae_phase"]["mae_phase"] == [2, 3]
    assert fronts["mae_phase"]["train_time_s"] == [2, 1, 0]


def test_the_fronts_of_pairs_are_those_of_the_study() -> None:
    rng = np.random.default_rng(0)
    table = table_of({width: [(rng.random(), rng.random())] * 2 for width in range(1, 60)})
    selected = pareto_front(table, "train_time_s", "ssim_phase")
    means = configurations(table)
    rows = fronts_of_pairs(means, ["train_time_s", "ssim_phase"])["train_time_s"]["ssim_phase"]
    assert means["configuration"][rows].tolist() == selected["configuration"].tolist()
    assert len(rows) > 2


# ---------------------------------------------------------------------------------------------
# The probability to be on the front
# ---------------------------------------------------------------------------------------------


def test_probability_by_hand() -> None:
    """Two seeds, equal costs: the front is the better one, or both in a tie.

    Means of the resamples of {0.6, 0.8} are 0.6, 0.7, 0.7, 0.8; those of {0.7} are 0.7. The
    first is on the front for 0.7 and 0.8 (3 of 4), the second for 0.6 and 0.7 (3 of 4).
    """
    selected = front_of({8: [(1, 0.6), (1, 0.8)], 16: [(1, 0.7), (1, 0.7)]})
    assert selected["width"].tolist() == [8, 16]
    assert selected["p_front"].tolist() == [0.75, 0.75]


def test_probability_of_a_lucky_seed() -> None:
    """Width 16 beats width 8 only if its lucky seed is drawn at least once: 1 − (2/3)³."""
    selected = front_of({8: [(1, 0.5)] * 3, 16: [(2, 0.4), (2, 0.4), (2, 0.9)]})
    assert selected["width"].tolist() == [8, 16]
    assert selected["p_front"].tolist() == pytest.approx([1, 19 / 27], abs=1e-15)


def test_cost_and_quality_of_a_run_are_drawn_together() -> None:
    """Width 16: (1, 0.2) or (3, 0.8), each ¼, or (2, 0.5), ½; only the first is dominated."""
    selected = front_of({8: [(1, 0.3), (1, 0.3)], 16: [(1, 0.2), (3, 0.8)]})
    assert selected["p_front"].tolist() == [1, 0.75]


def test_failed_seeds_are_not_drawn() -> None:
    some = front_of(
        {
            8: ["diverged", (1, 0.6), (1, 0.8)],
            16: ["missing", (1, 0.7), (1, 0.7)],
            32: ["missing"],
        }
    )
    assert some["p_front"].tolist() == [0.75, 0.75]


def test_a_time_not_yet_taken_is_that_of_the_other_seeds() -> None:
    table = table_of({8: [(1, 0.3)], 16: [(1, 0.2), (3, 0.8)]})
    table.loc[2, "train_time_s"] = None
    selected = pareto_front(table, "train_time_s", "ssim_phase")
    assert selected["width"].tolist() == [16]
    assert selected["p_front"].tolist() == [0.75]


def test_without_a_second_seed_there_is_no_probability() -> None:
    assert front_of({8: [(1, 0.3)], 16: [(2, 0.5), "diverged"]})["p_front"].isna().all()
    some = front_of({8: [(1, 0.6), (1, 0.8)], 16: [(1, 0.7), "diverged"]})
    assert some["p_front"].tolist() == pytest.approx([0.75, math.nan], nan_ok=True)


def test_one_configuration_is_always_on_the_front() -> None:
    assert front_of({8: [(1, 0.3), (2, 0.1), (3, 0.9)]})["p_front"].tolist() == [1]


study = st.lists(st.lists(outcome, min_size=1, max_size=3), min_size=1, max_size=3)


@settings(max_examples=EXAMPLES, deadline=None)
@given(study)
def test_probabilities_are_those_of_all_resamples(
    studies: list[Outcomes],
) -> None:
    results = dict(enumerate(studies, start=1))
    selected = front_of(results)
    if selected["p_front"].notna().any():
        expected = by_enumeration(results)
        wanted = [
            expected[width]
            if sum(isinstance(one, tuple) for one in results[width]) > 1
            else math.nan
            for width in selected["width"]
        ]
        assert selected["p_front"].tolist() == pytest.approx(wanted, abs=1e-12, nan_ok=True)


def test_many_seeds_are_drawn_and_give_the_same_each_time() -> None:
    """Eight seeds, half of them lucky, against a rival in between: P(at least half are lucky)."""
    lucky: Outcomes = [(1, 1.0)] * 4
    results: Results = {8: [(1, 0.0)] * 4 + lucky, 16: [(1, 0.5)]}
    selected = front_of(results)
    expected = sum(math.comb(8, k) for k in range(4, 9)) / 2**8
    standard_error = math.sqrt(expected * (1 - expected) / pareto.MOST_RESAMPLES)
    assert selected["p_front"].iloc[0] == pytest.approx(expected, abs=4 * standard_error)
    pd.testing.assert_frame_equal(selected, front_of(results))


def test_the_rows_are_those_of_the_configurations() -> None:
    table = table_of({8: [(1, 0.3), (1, 0.4)], 16: [(2, 0.5), (2, 0.7)]})
    selected = pareto_front(table, "train_time_s", "ssim_phase")
    everything = configurations(table)
    pd.testing.assert_frame_equal(selected[everything.columns], everything)
