"""Configurations: means, deviations and intervals against closed forms."""

import math
from pathlib import Path

import pandas as pd
import pytest

from ptychopareto.files import FileError, write_csv
from ptychopareto.study.configurations import (
    CONFIGURATION,
    configurations,
    read_configurations,
    read_front,
)
from ptychopareto.study.pareto import pareto_front
from ptychopareto.study.runs import Run
from ptychopareto.study.table import COLUMNS, MEASURES, TYPES

# Student t, 97.5 %, of one, two and three degrees of freedom, from a printed table.
T = {2: 12.706205, 3: 4.302653, 4: 3.182446}


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
                "head": "real_imag",
                "seed": seed,
                "status": status,
                "model_params": parameters,
                "ssim_phase": ssim,
            }
            for width, seed, status, parameters, ssim in rows
        ],
        columns=list(COLUMNS),
    ).astype(TYPES)


def test_is_read_as_it_was_made(tmp_path: Path) -> None:
    rows = [(8, seed, "ok", 10 + seed, 0.1 * seed) for seed in range(3)]
    table = table_of(*rows, (16, 0, "diverged", None, None), (32, 0, "ok", 20, 0.7))
    means = configurations(table)
    write_csv(tmp_path / "configurations.csv", means)
    pd.testing.assert_frame_equal(read_configurations(tmp_path / "configurations.csv"), means)
    front = pareto_front(table, "model_params", "ssim_phase")
    write_csv(tmp_path / "pareto_front.csv", front)
    pd.testing.assert_frame_equal(read_front(tmp_path / "pareto_front.csv"), front)


def test_an_empty_front_is_read(tmp_path: Path) -> None:
    front = pareto_front(table_of(), "model_params", "ssim_phase")
    write_csv(tmp_path / "pareto_front.csv", front)
    pd.testing.assert_frame_equal(
        read_front(tmp_path / "pareto_front.csv"), front, check_dtype=False
    )


def test_a_damaged_front_is_refused(tmp_path: Path) -> None:
    front = pareto_front(table_of((8, 0, "ok", 1, 0.5)), "model_params", "ssim_phase")
    write_csv(tmp_path / "pareto_front.csv", front.assign(recommended=None))
    with pytest.raises(FileError, match="recommended is empty in a row"):
        read_front(tmp_path / "pareto_front.csv")
    write_csv(tmp_path / "pareto_front.csv", front.drop(columns="p_front"))
    with pytest.raises(FileError, match="0 columns p_front"):
        read_front(tmp_path / "pareto_front.csv")


def test_columns() -> None:
    summary = configurations(table_of((8, 0, "ok", 1, 0.5)))
    head = ["configuration", *CONFIGURATION[:-4], "n_ok", "n_failed", "n_missing"]
    measures = [name + end for name in MEASURES for end in ("", "_std", "_ci95")]
    late = measures.index("r_work")
    settings = ["blocks", "learning_rate", "batch_size", "epochs"]
    expected = head + measures[:late] + settings + measures[late:] + ["n_collapsed"]
    assert summary.columns.tolist() == expected
    assert configurations(table_of()).columns.tolist() == expected
    assert len(configurations(table_of())) == 0


def test_each_configuration_is_counted_once_in_the_order_of_the_table() -> None:
    summary = configurations(
        table_of(
            (32, 0, "ok", 100, 0.6),
            (32, 1, "ok", 100, 0.8),
            (32, 2, "diverged", 100, 0.1),
            (16, 0, "missing", None, None),
            (16, 1, "out_of_memory", 50, None),
            (16, 2, "diverged", 50, None),
        )
    )
    names = ["fno_tnone_m12_w32_teacher", "fno_tnone_m12_w16_teacher"]
    assert summary["configuration"].tolist() == names
    assert summary["width"].tolist() == [32, 16]
    assert summary["n_ok"].tolist() == [2, 0]
    assert summary["n_failed"].tolist() == [1, 2]
    assert summary["n_missing"].tolist() == [0, 1]
    assert summary.iloc[1][list(MEASURES)].isna().all()


def test_configurations_may_have_different_settings() -> None:
    """Those without modes are apart from each other, and from those with modes."""
    runs = [
        Run("fno", "none", modes, 8, "teacher", seed, max_channels=cap, skips=skips)
        for modes, cap, skips in [(12, None, None), (None, 64, None), (None, None, False)]
        for seed in (0, 1)
    ]
    rows = [{**vars(run), "run": run.id, "status": "ok", "ssim_phase": run.seed} for run in runs]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)
    summary = configurations(table)
    assert summary["configuration"].tolist() == [run.configuration for run in runs[::2]]
    assert summary["n_ok"].tolist() == [2, 2, 2]
    assert summary["ssim_phase"].tolist() == [0.5, 0.5, 0.5]
    assert summary["modes"].isna().tolist() == [False, True, True]
    assert summary["max_channels"].isna().tolist() == [True, False, True]
    assert {axis: str(summary[axis].dtype) for axis in CONFIGURATION} == {
        axis: TYPES[axis] for axis in CONFIGURATION
    }


@pytest.mark.parametrize("n", [2, 3, 4])
def test_interval_of_the_mean_is_that_of_student(n: int) -> None:
    values = [0.5, 0.8, 0.2, 0.4][:n]
    rows = [(8, seed, "ok", 100, value) for seed, value in enumerate(values)]
    summary = configurations(table_of(*rows, (8, 4, "diverged", 100, 0.9))).iloc[0]
    mean = sum(values) / n
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (n - 1))
    assert summary["ssim_phase"] == pytest.approx(mean, rel=1e-12)
    assert summary["ssim_phase_std"] == pytest.approx(deviation, rel=1e-12)
    assert summary["ssim_phase_ci95"] == pytest.approx(T[n] * deviation / math.sqrt(n), rel=1e-6)


def test_what_does_not_vary_has_an_interval_of_no_width() -> None:
    summary = configurations(table_of(*[(8, seed, "ok", 123_457, 0.7) for seed in range(3)]))
    assert summary["model_params"].tolist() == [123_457]
    assert str(summary["model_params"].dtype) == "Int64"
    assert summary["ssim_phase"].tolist() == pytest.approx([0.7], rel=1e-14)
    spread = [f"{name}_{end}" for name in ("model_params", "ssim_phase") for end in ("std", "ci95")]
    assert summary.iloc[0][spread].tolist() == pytest.approx([0, 0, 0, 0], abs=1e-14)


@pytest.mark.parametrize("status", ["diverged", "missing"])
def test_one_run_has_no_interval(status: str) -> None:
    summary = configurations(table_of((8, 0, "ok", 10, 0.1), (8, 1, status, 10, None))).iloc[0]
    assert summary["ssim_phase"] == 0.1
    assert summary[["ssim_phase_std", "ssim_phase_ci95"]].isna().all()


def test_each_measure_counts_the_runs_that_have_it() -> None:
    """As while a study runs: of some runs the time is not yet taken."""
    table = table_of(*[(8, seed, "ok", 10, 0.5) for seed in range(3)])
    table["inference_time_s"] = [1.0, None, 3.0]
    table["train_time_s"] = [None, 7.0, None]
    summary = configurations(table).iloc[0]
    assert summary["n_ok"] == 3
    assert summary["inference_time_s"] == 2.0
    # n = 2: the deviation is √2, so √2 / √2 = 1 is left beside t.
    assert summary["inference_time_s_ci95"] == pytest.approx(T[2], rel=1e-6)
    assert summary["train_time_s"] == 7.0
    assert math.isnan(summary["train_time_s_ci95"])


def test_a_mean_between_whole_numbers_is_kept() -> None:
    table = table_of((8, 0, "ok", 10, 0.5), (8, 1, "ok", 11, 0.5), (16, 0, "missing", None, None))
    assert configurations(table)["model_params"].iloc[0] == 10.5


def test_neither_the_index_nor_the_order_of_the_runs_matters() -> None:
    table = table_of(*[(w, s, "ok", w, 0.1 * s + 0.01 * w) for w in (8, 16) for s in range(3)])
    usual = configurations(table)
    # from 16 to 8, the seeds mixed, under an index that says nothing
    other = configurations(table.iloc[[4, 0, 5, 2, 3, 1]].set_axis([0] * 6))
    pd.testing.assert_frame_equal(usual.iloc[::-1].reset_index(drop=True), other)
