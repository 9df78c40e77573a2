"""The recommendation: which one, which of its runs, and why in words."""

import json
from pathlib import Path

import pandas as pd
import pytest

from ptychopareto.files import read_json, write_json
from ptychopareto.study.pareto import pareto_front
from ptychopareto.study.recommendation import recommend
from ptychopareto.study.runs import Run
from ptychopareto.study.table import COLUMNS, TYPES

Row = tuple[int, int, str, float | None, float | None]


def recommended(*rows: Row) -> dict[str, object]:
    """What is recommended of runs, given as (width, seed, status, parameters, phase SSIM)."""
    table = pd.DataFrame(
        [
            {
                "run": name(width, seed),
                **vars(Run("fno", "none", 12, width, "teacher", seed)),
                "status": status,
                "model_params": parameters,
                "ssim_phase": ssim,
            }
            for width, seed, status, parameters, ssim in rows
        ],
        columns=list(COLUMNS),
    ).astype(TYPES)
    return chosen(table)


def chosen(table: pd.DataFrame, quality: str = "ssim_phase") -> dict[str, object]:
    """What is recommended of the front of a table of runs."""
    axes = ("model_params", quality)
    return recommend(table, pareto_front(table, *axes), *axes)


def name(width: int, seed: int) -> str:
    return Run("fno", "none", 12, width, "teacher", seed).id


KNEE: list[Row] = [
    (8, 0, "ok", 1_000, 0.5),
    (16, 0, "ok", 10_000, 0.85),
    (32, 0, "ok", 1_000_000, 0.9),
    (64, 0, "diverged", 10, 1.0),
]


def test_knee() -> None:
    assert recommended(*KNEE) == {
        "configuration": "fno_tnone_m12_w16_teacher",
        "run": name(16, 0),
        "cost": 10_000,
        "quality": 0.85,
        "p_front": None,
        "axes": {"cost": "model_params", "quality": "ssim_phase"},
        "reason": "The knee of a front of 3 configurations: ssim_phase 0.85 for model_params "
        "10000. The best one has 0.05 more and costs 100 times as much; the cheapest one has 0.35 "
        "less and costs 10 times less. One seed, so its spread is not known.",
    }


def test_several_seeds() -> None:
    """Half width of the interval of 0.8, 0.9, 0.7: 4.302653 · 0.1 / √3 = 0.248."""
    rows = [(16, seed, "ok", 10, ssim) for seed, ssim in enumerate([0.8, 0.9, 0.7])]
    choice = recommended(*rows)
    assert choice["p_front"] == 1.0
    assert choice["reason"] == (
        "The only configuration on the front, none is cheaper and none better: ssim_phase "
        "0.8 ± 0.25 for model_params 10. Mean of 3 seeds; on the front in 100 % of the resamples "
        "of the seeds."
    )


@pytest.mark.parametrize(
    ("qualities", "seed"),
    [
        ([0.8], 0),
        ([0.9, 0.7, 0.8], 2),
        ([0.9, 0.7], 1),  # of two in the middle the lower
        ([0.9, 0.6, 0.8, 0.7], 3),
        ([0.9, 0.7, 0.7, 0.7], 1),  # of equals the lowest seed
        ([None, 0.9, 0.7, 0.8], 3),
        ([None, 0.7], 1),
    ],
)
def test_run_of_median_quality(qualities: list[float | None], seed: int) -> None:
    rows = [
        (8, number, "diverged" if quality is None else "ok", 10, quality)
        for number, quality in enumerate(qualities)
    ]
    worse = (16, 0, "ok", 20, 0.1)
    assert recommended(worse, *rows)["run"] == name(8, seed)
    assert recommended(*rows[::-1], worse)["run"] == name(8, seed)


def test_best_of_a_front_without_a_knee() -> None:
    choice = recommended((8, 0, "ok", 100, 0.5), (16, 0, "ok", 1000, 0.9))
    assert choice["run"] == name(16, 0)
    assert choice["reason"] == (
        "The best of a front of 2 configurations without a knee (none lies above the line from "
        "its cheapest to its best): ssim_phase 0.9 for model_params 1000; the cheapest one has "
        "0.4 less and costs 10 times less. One seed, so its spread is not known."
    )


def test_first_of_configurations_that_are_alike() -> None:
    choice = recommended((16, 0, "ok", 100, 0.5), (8, 0, "ok", 100, 0.5))
    assert choice["run"] == name(16, 0)
    assert "first of 2 configurations that are alike" in str(choice["reason"])


def test_nothing_to_recommend() -> None:
    choice = recommended((8, 0, "diverged", 5, None), (8, 1, "missing", None, None))
    assert [choice[key] for key in ("configuration", "run", "cost", "quality", "p_front")] == [
        None
    ] * 5
    assert choice["reason"] == (
        "No run has both model_params and ssim_phase: of 2 configured, 0 are ok, 1 failed, "
        "1 are missing."
    )
    assert "of 0 configured" in str(recommended()["reason"])
    assert "1 are ok, 0 failed" in str(recommended((8, 0, "ok", 5, None))["reason"])


def test_run_of_a_configuration_that_has_no_modes() -> None:
    """What is missing equals nothing, not even what is missing in another row."""
    runs = [Run("cnn", "none", None, 8, "teacher", seed) for seed in (0, 1, 2)]
    rows = [
        {**vars(run), "run": run.id, "status": "ok", "model_params": 10, "ssim_phase": quality}
        for run, quality in zip(runs, [0.9, 0.7, 0.8], strict=True)
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)
    choice = chosen(table)
    assert choice["configuration"] == "cnn_tnone_w8_teacher"
    assert choice["run"] == runs[2].id


@pytest.mark.parametrize("rows", [KNEE, KNEE[3:], [(8, s, "ok", 10 + s, 0.5) for s in (0, 1)]])
def test_can_be_written_as_json(rows: list[Row], tmp_path: Path) -> None:
    choice = recommended(*rows)
    write_json(tmp_path / "recommendation.json", choice)
    assert read_json(tmp_path / "recommendation.json") == json.loads(json.dumps(choice))


def of_quality(quality: str, **measures: float) -> str:
    """The reason for the only run of a study, which has these measures."""
    run = {"run": name(8, 0), **vars(Run("fno", "none", 12, 8, "teacher", 0)), "status": "ok"}
    table = pd.DataFrame([{**run, "model_params": 10, **measures}], columns=list(COLUMNS))
    return str(chosen(table.astype(TYPES), quality)["reason"])


@pytest.mark.parametrize("part", ["phase", "amp"])
@pytest.mark.parametrize("measure", ["ssim", "psnr", "frc50"])
def test_a_network_that_gives_a_constant_is_not_praised(measure: str, part: str) -> None:
    """Measures without a floor go by the SSIM of the same part."""
    measures = {f"psnr_{part}": 12.0, f"frc50_{part}": 0.02, f"ssim_{part}_floor": 0.2345678}
    constant = of_quality(f"{measure}_{part}", **measures, **{f"ssim_{part}": 0.2345679})
    assert constant.endswith(
        f"It is no better than a constant image, whose ssim_{part} is 0.2346: the network has "
        "learned nothing that can be used."
    )
    better = of_quality(f"{measure}_{part}", **measures, **{f"ssim_{part}": 0.25})
    assert "constant" not in better


def test_a_floor_that_is_not_known_warns_of_nothing() -> None:
    assert "constant" not in of_quality("ssim_phase", ssim_phase=0.2)
