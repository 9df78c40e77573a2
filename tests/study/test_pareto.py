"""The front: hand-made cases, and agreement with the definition on random ones."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptychopareto.study.pareto import configuration_means, front, pareto_front
from ptychopareto.study.runs import Run
from ptychopareto.study.table import COLUMNS, TYPES


def table_of(*rows: tuple[int, int, str, float | None, float | None]) -> pd.DataFrame:
    """A table of runs from their (width, seed, status, parameters, phase SSIM)."""
    return pd.DataFrame(
        [
            {
                "run": Run("fno", "none", 12, width, "teacher", seed).id,
                "architecture": "fno",
                "input_transform": "none",
                "modes": 12,
                "width": width,
                "supervision": "teacher",
                "seed": seed,
                "status": status,
                "model_params": parameters,
                "ssim_phase": ssim,
            }
            for width, seed, status, parameters, ssim in rows
        ],
        columns=list(COLUMNS),
    ).astype(TYPES)


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
    def dominates(a: tuple[float, float], b: tuple[float, float]) -> bool:
        return a[0] <= b[0] and a[1] >= b[1] and (a[0] < b[0] or a[1] > b[1])

    expected = [
        not any(map(math.isnan, point)) and not any(dominates(other, point) for other in points)
        for point in points
    ]
    assert front([c for c, _ in points], [q for _, q in points]).tolist() == expected


def test_means_are_over_the_seeds_that_are_ok() -> None:
    means = configuration_means(
        table_of(
            (32, 0, "ok", 100, 0.6),
            (32, 1, "ok", 100, 0.8),
            (32, 2, "diverged", 100, 0.1),
            (16, 0, "missing", None, None),
            (16, 1, "out_of_memory", 50, None),
        )
    )
    assert means["configuration"].tolist() == [
        "fno_tnone_m12_w32_teacher",
        "fno_tnone_m12_w16_teacher",
    ]
    assert means["width"].tolist() == [32, 16]
    assert means["ssim_phase"].iloc[0] == pytest.approx(0.7)
    assert means["model_params"].iloc[0] == 100
    assert means[["ssim_phase", "model_params"]].iloc[1].isna().all()
    assert means["n_ok"].tolist() == [2, 0]
    assert means["n_failed"].tolist() == [1, 2]


def test_front_of_a_study() -> None:
    table = table_of(
        (64, 0, "ok", 400, 0.9),
        (48, 0, "ok", 300, 0.6),
        (32, 0, "ok", 200, 0.7),
        (16, 0, "diverged", 10, 0.99),
        (8, 0, "ok", 5, 0.3),
        (4, 0, "missing", None, None),
    )
    selected = pareto_front(table, "model_params", "ssim_phase")
    assert selected["width"].tolist() == [8, 32, 64]
    assert selected.index.tolist() == [0, 1, 2]


def test_front_of_a_study_without_results() -> None:
    table = table_of((8, 0, "missing", None, None))
    assert pareto_front(table, "model_params", "ssim_phase").empty
    assert pareto_front(table.iloc[:0], "model_params", "ssim_phase").empty
