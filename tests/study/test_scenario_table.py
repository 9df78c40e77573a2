"""The table of scenarios, and what it says of one configuration."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ptychopareto.files import FileError, write_csv, write_json
from ptychopareto.study.runs import Run
from ptychopareto.study.scenario_table import (
    COLUMNS,
    by_scenario,
    in_words,
    read_scenarios,
    read_scores,
    robustness,
    scenario_table,
)
from ptychopareto.study.table import COLUMNS as TABLE
from ptychopareto.study.table import TYPES

RUNS = [Run("fno", "none", 12, width, "teacher", seed) for width in (8, 16) for seed in (0, 1)]
SMALL, LARGE = RUNS[0].configuration, RUNS[2].configuration


def as_trained(*qualities: float | None) -> pd.DataFrame:
    rows = [
        {
            **vars(run),
            "run": run.id,
            "status": "diverged" if quality is None else "ok",
            "ssim_phase": quality,
            "model_params": 10,
        }
        for run, quality in zip(RUNS, qualities, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(TABLE)).astype(TYPES)


def scored(folder: Path, name: str, rpie: float | None, *qualities: float | None) -> Path:
    networks = {
        run.id: {"status": "diverged", "error": "why"}
        if quality is None
        else {"status": "ok", "ssim_phase": quality}
        for run, quality in zip(RUNS, qualities, strict=True)
    }
    path = folder / f"{name}.json"
    write_json(path, {"networks": networks, "classical": {"epochs": 9, "ssim_phase": rpie}})
    return path


@pytest.fixture
def scenarios(tmp_path: Path) -> pd.DataFrame:
    scores = {
        "dim": scored(tmp_path, "dim", 0.5, 0.6, 0.8, None, 0.85),
        "flat": scored(tmp_path, "flat", None, None, None, None, None),
        "not_yet": tmp_path / "not_yet.json",
    }
    steps = [{"epochs": 1, "ssim_phase": 0.3}, {"epochs": 9, "ssim_phase": 0.99}]
    return scenario_table(RUNS, as_trained(0.7, 0.9, None, 0.95), steps, scores)


def test_one_row_for_each_run_and_rpie_in_order(scenarios: pd.DataFrame) -> None:
    assert tuple(scenarios.columns) == COLUMNS
    names = [*(run.id for run in RUNS), "rpie"]
    assert scenarios["scenario"].tolist() == ["as_trained"] * 5 + ["dim"] * 5 + ["flat"] * 5
    assert scenarios["run"].tolist() == 3 * names
    assert scenarios["rpie_epochs"].dropna().tolist() == [9, 9, 9]
    nominal = scenarios[scenarios["scenario"] == "as_trained"]["ssim_phase"]
    assert nominal.dropna().tolist() == [0.7, 0.9, 0.95, 0.99]


def test_a_failed_run_has_its_status_and_no_measures(scenarios: pd.DataFrame) -> None:
    failed = scenarios[scenarios["run"] == RUNS[2].id]
    assert failed["status"].tolist() == ["diverged"] * 3
    assert failed["ssim_phase"].isna().all()


def test_means_over_seeds(scenarios: pd.DataFrame) -> None:
    """Half the interval of 0.6 and 0.8: 12.7062 · √0.02 / √2 = 1.27062."""
    means = by_scenario(scenarios, "ssim_phase").set_index(["scenario", "configuration"])
    assert means.loc[("dim", SMALL)].tolist() == pytest.approx([0.7, 1.27062], rel=1e-5)
    assert means.loc[("dim", LARGE), "mean"] == 0.85
    assert pd.isna(means.loc[("dim", LARGE), "ci95"])
    assert means.loc["flat", "mean"].isna().all()


def test_how_a_configuration_holds_up(scenarios: pd.DataFrame) -> None:
    records = robustness(scenarios, SMALL, "ssim_phase")
    assert [record["scenario"] for record in records] == ["dim", "flat"]
    values = [records[0][key] for key in ("quality", "change", "rpie")]
    assert values == pytest.approx([0.7, -0.1, 0.5])
    keys = ("quality", "change", "rpie", "rpie_at_best", "refined_at_best")
    assert records[1] == {"scenario": "flat", **dict.fromkeys(keys)}
    assert in_words(records, "ssim_phase") == (
        "Its largest loss in 1 scenario is in dim: ssim_phase 0.7, 0.1 less than on the scan "
        "as it is; rPIE from a flat start reaches 0.5."
    )


def test_nothing_lost_and_nothing_known(scenarios: pd.DataFrame) -> None:
    record = {"scenario": "a", "quality": 0.9, "change": 0.0, "rpie": None}
    assert in_words([record], "ssim_phase") == "It loses nothing in any scenario."
    assert in_words([{**record, "change": None}], "ssim_phase") == ""
    assert robustness(scenarios, "unknown", "ssim_phase")[0]["quality"] is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"networks": {}}, "classical is missing"),
        ({"networks": {"a": {}}, "classical": {"epochs": 1}}, "networks.a.status is missing"),
        (
            {"networks": {"a": {"status": "ok", "ssim_amp": "x"}}, "classical": {"epochs": 1}},
            "networks.a.ssim_amp is 'x'; a number is wanted",
        ),
        ({"networks": {}, "classical": {"ssim_amp": 1}}, "classical.epochs is missing"),
    ],
)
def test_damaged_scores_are_named(tmp_path: Path, content: dict[str, Any], said: str) -> None:
    path = tmp_path / "scores.json"
    write_json(path, content)
    with pytest.raises(FileError, match=said):
        read_scores(path)


def at_best(folder: Path, name: str, rpie: float, small: float) -> Path:
    chosen = {"epochs": 7, "alpha": 0.3}
    networks = {
        RUNS[0].id: {"status": "ok", **chosen, "ssim_phase": small},
        RUNS[2].id: {"status": "diverged", "error": "why"},
    }
    path = folder / f"{name}_at_best.json"
    write_json(path, {"networks": networks, "classical": {**chosen, "ssim_phase": rpie}})
    return path


def test_rpie_at_its_best_stands_behind_each_scenario(tmp_path: Path) -> None:
    scores = {"dim": scored(tmp_path, "dim", 0.5, 0.6, 0.8, None, 0.85)}
    files = {
        "as_trained": at_best(tmp_path, "as_trained", 0.98, 0.99),
        "dim": at_best(tmp_path, "dim", 0.65, 0.82),
        "not_yet": tmp_path / "not_yet.json",
    }
    steps = [{"epochs": 9, "ssim_phase": 0.99}]
    table = scenario_table(RUNS, as_trained(0.7, 0.9, None, 0.95), steps, scores, files)
    dim = table[table["scenario"] == "dim"]
    ids = [run.id for run in RUNS]
    assert dim["run"].tolist() == [*ids, "rpie", ids[0], ids[2], "rpie"]
    assert dim["at_best"].tolist() == [False] * 5 + [True] * 3
    assert dim["rpie_epochs"].dropna().tolist() == [9, 7, 7]
    assert dim["alpha"].dropna().tolist() == [0.3, 0.3]
    (record,) = robustness(table, SMALL, "ssim_phase")
    assert (record["rpie"], record["rpie_at_best"], record["refined_at_best"]) == (0.5, 0.65, 0.82)
    assert record["quality"] == pytest.approx(0.7)  # without rows of rPIE at its best
    assert in_words([record], "ssim_phase").endswith(
        "rPIE from a flat start reaches 0.65, stopped by free patterns."
    )
    write_csv(tmp_path / "scenarios.csv", table)
    pd.testing.assert_frame_equal(read_scenarios(tmp_path / "scenarios.csv"), table)


def test_damaged_scores_at_best_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"networks": {}, "classical": {"epochs": 1}})
    with pytest.raises(FileError, match=r"classical\.alpha is missing"):
        scenario_table(RUNS, as_trained(0.7, 0.9, None, 0.95), [], {}, {"as_trained": path})


NAMES_THAT_PANDAS_TAKES_FOR_MISSING = ["nan", "NaN", "null", "NULL", "None", "NA", "na", "n_a"]


def test_scenarios_may_have_names_that_read_as_missing(tmp_path: Path) -> None:
    scores = {
        name: scored(tmp_path, name, 0.5, 0.6, 0.8, None, 0.85)
        for name in NAMES_THAT_PANDAS_TAKES_FOR_MISSING
    }
    steps = [{"epochs": 9, "ssim_phase": 0.99}]
    table = scenario_table(RUNS, as_trained(0.7, 0.9, None, 0.95), steps, scores)
    write_csv(tmp_path / "scenarios.csv", table)
    read = read_scenarios(tmp_path / "scenarios.csv")
    pd.testing.assert_frame_equal(read, table)
    records = robustness(read, SMALL, "ssim_phase")
    assert [record["scenario"] for record in records] == NAMES_THAT_PANDAS_TAKES_FOR_MISSING
    assert [record["quality"] for record in records] == [pytest.approx(0.7)] * len(records)


def test_a_damaged_table_of_scenarios_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "scenarios.csv"
    path.write_text("scenario,run\n")
    with pytest.raises(FileError, match=r"scenarios\.csv"):
        read_scenarios(path)
    write_csv(path, pd.DataFrame([[None] * len(COLUMNS)], columns=list(COLUMNS)))
    with pytest.raises(FileError, match="scenario or at_best is empty"):
        read_scenarios(path)
