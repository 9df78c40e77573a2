"""What is said about R-free: refinement that makes it worse, and what classical engines reach."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ptychopareto.files import read_json
from ptychopareto.study.against_time import refinement_table
from ptychopareto.study.pareto import pareto_front
from ptychopareto.study.prediction import (
    classical_best,
    epochs_to_refine,
    in_words,
    refinements,
)
from ptychopareto.study.purposes import purposes
from ptychopareto.study.recommended import write_recommendation
from ptychopareto.study.results import Results
from ptychopareto.study.runs import Run
from ptychopareto.study.table import COLUMNS, TYPES

RUNS = [Run("fno", "sqrt", 16, 8, "teacher", seed) for seed in range(3)]
NAME = RUNS[0].configuration
AXES = {"cost": "model_params", "quality": "r_free"}
NOT_REFINED = refinement_table([], {}, {})


def after(*by_epochs: tuple[int, list[float]]) -> pd.DataFrame:
    rows = [
        (NAME, seed, epochs, r_free)
        for epochs, values in by_epochs
        for seed, r_free in enumerate(values)
    ]
    other = ("another", 0, 0, 0.5)
    return pd.DataFrame(
        [other, *rows], columns=["configuration", "seed", "refine_epochs", "r_free"]
    )


WORSE = after((0, [0.150, 0.152, 0.151]), (1, [0.163, 0.164, 0.165]), (5, [0.166, 0.167, 0.169]))


def table(r_free: list[float], flat: float = 0.527) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {**vars(run), "run": run.id, "status": "ok", "r_free": value}
        | {"model_params": 1000, "r_free_flat": flat}
        for run, value in zip(RUNS, r_free, strict=False)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)


CLASSICAL = pd.DataFrame(
    [
        (1, 0.204, "rpie", False),
        (5, 0.197, "rpie", True),
        (20, 0.195, "rpie", False),
        (60, 0.164, "lsqml", False),
        (100, 0.162, "lsqml", False),
    ],
    columns=["epochs", "r_free", "engine", "early_stop"],
)


def test_changes_are_those_of_the_same_seed() -> None:
    """Changes of 1 epoch 0.013, 0.012, 0.014: half width 4.302653 · 0.001 / √3 = 0.00248."""
    alone, one, five = refinements(WORSE, NAME)
    assert (alone.epochs, alone.change) == (0, 0)
    assert one.change == pytest.approx(0.013)
    assert one.half_width == pytest.approx(0.00248, rel=0.01)
    assert one.r_free == pytest.approx(0.164)
    assert five.epochs == 5
    assert refinements(WORSE, "missing") == []
    assert refinements(after((1, [0.1])), NAME) == []


def test_a_seed_that_was_not_refined_is_not_compared() -> None:
    alone, one = refinements(after((0, [0.150, 0.9]), (1, [0.160])), NAME)
    assert one.change == pytest.approx(0.01)
    assert math.isnan(one.half_width)
    assert alone.r_free == pytest.approx(0.525)


def test_harm_is_said_and_not_recommended() -> None:
    assert epochs_to_refine(refinements(WORSE, NAME)) == 0
    assert in_words(table([0.15]), NAME, WORSE, CLASSICAL) == (
        "r_free is the R-factor of patterns that no reconstruction has used, smaller is better; a "
        "flat object has 0.527. The classical engines reach rPIE 0.197 after 5 passes (early "
        "stopping), LSQML 0.162 after 100 passes. LSQML finds the probe too, from all patterns but "
        "the free ones. Refining it by rPIE makes r_free worse: 0.151 alone, 0.164 after 1 pass "
        "(+0.013 ± 0.0025), 0.167 after 5 passes (+0.016 ± 0.0038). It predicts "
        "better than the classical engines."
    )


def test_a_better_classical_engine_is_named_and_so_is_a_better_network() -> None:
    weak = after((0, [0.2, 0.21, 0.22]), (1, [0.3, 0.31, 0.32]))
    assert in_words(table([0.2]), NAME, weak, CLASSICAL).endswith(" LSQML predicts better than it.")
    strong = pd.concat([weak, weak.assign(configuration="wide", r_free=weak["r_free"] / 2)])
    assert in_words(table([0.2]), NAME, strong, CLASSICAL).endswith(
        " LSQML predicts better than it; wide predicts better than both, 0.141."
    )


def test_help_is_recommended() -> None:
    better = after((0, [0.2, 0.21, 0.22]), (1, [0.18, 0.19, 0.2]), (5, [0.17, 0.18, 0.19]))
    assert epochs_to_refine(refinements(better, NAME)) == 5
    assert in_words(table([0.2]), NAME, better, None).endswith(
        "Refining it by rPIE makes r_free better: 0.210 alone, 0.190 after 1 pass (−0.02 ± "
        f"{refinements(better, NAME)[1].half_width:.2g}), 0.180 after 5 passes (−0.03 ± "
        f"{refinements(better, NAME)[2].half_width:.2g})."
    )


def test_luck_is_not_recommended() -> None:
    """A change whose interval has 0 in it; one seed has no interval, and its change counts."""
    lucky = after((0, [0.2, 0.2, 0.2]), (1, [0.15, 0.21, 0.22]))
    assert epochs_to_refine(refinements(lucky, NAME)) == 0
    assert "does not surely make r_free better" in in_words(table([0.2]), NAME, lucky, None)
    alone = after((0, [0.2]), (1, [0.19]))
    assert epochs_to_refine(refinements(alone, NAME)) == 1


def test_one_row_of_each_classical_engine() -> None:
    best = classical_best(CLASSICAL)
    assert {engine: row["epochs"] for engine, row in best.items()} == {"rpie": 5, "lsqml": 100}
    never_stopped = CLASSICAL.iloc[:3].assign(early_stop=False)
    best = classical_best(never_stopped)
    assert {engine: row["epochs"] for engine, row in best.items()} == {"rpie": 20}
    assert classical_best(never_stopped.assign(r_free=None)) == {}


@pytest.fixture
def results(tmp_path: Path) -> Results:
    results = Results(tmp_path, tuple(RUNS))
    for path in results.of_runs("model.safetensors").values():
        path.parent.mkdir(parents=True)
        path.write_bytes(b"weights")
    return results


def written(results: Results, quality: str = "r_free", flat: float = 0.527) -> dict[str, Any]:
    axes = {**AXES, "quality": quality}
    runs = table([0.150, 0.152, 0.151], flat).assign(ssim_phase=0.9)
    front = pareto_front(runs, **axes)
    answers = purposes(runs, front, NOT_REFINED, **axes)
    write_recommendation(
        results, runs, front, answers, axes, results.folder, None, WORSE, CLASSICAL
    )
    return read_json(results.folder / "recommendation.json")


def test_recommendation_says_all_that(results: Results) -> None:
    chosen = written(results)
    assert chosen["configuration"] == NAME
    assert chosen["run"] == RUNS[2].id
    assert chosen["refine_epochs"] == 0
    assert [step["epochs"] for step in chosen["refinement"]] == [0, 1, 5]
    assert chosen["classical"]["lsqml"] == {"epochs": 100, "r_free": 0.162}
    assert "makes r_free worse" in chosen["reason"]
    assert "no better than" not in chosen["reason"]


def test_recommendation_warns_of_a_flat_object(results: Results) -> None:
    assert (
        "no better than a flat object, whose r_free is 0.151"
        in (written(results, flat=0.151)["reason"])
    )


def test_a_study_of_another_quality_says_what_it_said(results: Results) -> None:
    chosen = written(results, "ssim_phase")
    assert "r_free" not in chosen["reason"]
    assert "refine_epochs" not in chosen
