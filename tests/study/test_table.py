"""The table: one row per run, in grid order, whatever became of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ptychopareto.files import FileError, write_csv, write_json
from ptychopareto.study.runs import Run
from ptychopareto.study.table import COLUMNS, TYPES, gather, read_table

RUNS = [
    Run("hybrid", "none", 12, 32, "teacher", 0),
    Run("fno", "sqrt", 12, 32, "teacher", 0),
    Run("fno", "log1p", 8, 16, "physics", 3),
]


def write_metrics(folder: Path) -> dict[str, Path]:
    """The results of three runs: one ok, one diverged, one that has not been made."""
    paths = {run.id: folder / run.id / "metrics.json" for run in RUNS}
    ok = {
        "architecture": "hybrid",
        "status": "ok",
        "epochs": 20,
        "ssim_phase": 0.85,
        "psnr_phase": float("inf"),
        "model_params": 1_234_567,
        "device": "cpu",
        "history": [1, 2],
    }
    write_json(paths[RUNS[0].id], ok)
    failed = {"status": "diverged", "error": "loss is nan, in epoch 2", "model_params": 100}
    write_json(paths[RUNS[1].id], failed)
    return paths


def test_columns_are_in_the_order_of_the_contract() -> None:
    assert COLUMNS[:10] == (
        *("run", "architecture", "input_transform", "modes", "width", "supervision", "seed"),
        *("epochs", "status", "error"),
    )
    measures = ["ssim_phase", "psnr_phase", "mae_phase", "ssim_amp", "psnr_amp", "mae_amp"]
    measures += ["frc50_phase", "frc50_amp", "model_params", "model_params_real"]
    measures += ["inference_time_s", "patterns_per_s", "inference_iqr_s", "single_pattern_s"]
    measures += ["peak_memory_mb", "train_time_s", "patterns_trained"]
    measures += ["published_mae_amp", "published_mae_phase"]
    measures += ["published_ssim_amp", "published_ssim_phase", "device"]
    measures += ["max_channels", "skips", "head", "gauge", "physics_weight"]  # came later
    measures += ["blocks", "learning_rate", "batch_size", "train_patterns"]
    measures += ["r_work", "r_free", "r_free_flat", "frc50_halves", "reference"]
    measures += ["read_s", "transform_s", "stitch_s", "end_to_end_s", "end_to_end_pattern_s"]
    measures += ["single_pattern_p99_s", "batch64_s", "batch64_p99_s"]
    measures += ["onnx_inference_time_s", "onnx_end_to_end_s"]
    measures += ["contrast_phase", "contrast_amp", "warning"]
    assert [name for name in COLUMNS[10:] if not name.endswith("_floor")] == measures
    assert COLUMNS[COLUMNS.index("ssim_phase") + 1] == "ssim_phase_floor"


def test_one_row_per_run_in_order(tmp_path: Path) -> None:
    table = gather(RUNS, write_metrics(tmp_path))
    assert tuple(table.columns) == COLUMNS
    assert {name: str(kind) for name, kind in table.dtypes.items()} == TYPES
    assert table["run"].tolist() == [run.id for run in RUNS]
    assert table["status"].tolist() == ["ok", "diverged", "missing"]
    assert table["seed"].tolist() == [0, 0, 3]
    assert table["model_params"].tolist()[:2] == [1_234_567, 100]
    assert table["ssim_phase"].notna().tolist() == [True, False, False]
    assert table.loc[1, "error"] == "loss is nan, in epoch 2"
    assert table.loc[0, ["error", "psnr_phase", "train_time_s"]].isna().all()


def test_a_run_without_a_path_is_missing() -> None:
    assert gather(RUNS, {})["status"].tolist() == ["missing"] * 3
    assert tuple(gather([], {}).columns) == COLUMNS


def test_csv_there_and_back(tmp_path: Path) -> None:
    """In particular the transform 'none' stays a word, and integers stay integers."""
    table = gather(RUNS, write_metrics(tmp_path))
    write_csv(tmp_path / "table.csv", table)
    assert "1234567,," in (tmp_path / "table.csv").read_text()
    again = read_table(tmp_path / "table.csv")
    assert again.equals(table)
    assert again.loc[0, "input_transform"] == "none"


def test_settings_that_an_architecture_does_not_have_are_missing(tmp_path: Path) -> None:
    own = Run("cnn", "none", None, 8, "teacher", 0, max_channels=64, skips=False, head="amp_phase")
    table = gather([RUNS[0], own], {})
    write_csv(tmp_path / "table.csv", table)
    again = read_table(tmp_path / "table.csv")
    assert again.equals(table)
    assert {name: str(kind) for name, kind in again.dtypes.items()} == TYPES
    settings = again[["modes", "max_channels", "skips", "head"]]
    assert settings.isna().values.tolist() == [[False, True, True, False], [True] + [False] * 3]
    assert settings.loc[1, ["max_channels", "skips", "head"]].tolist() == [64, False, "amp_phase"]


@pytest.mark.parametrize("name", ["supervision", "head"])
def test_settings_that_every_run_has_are_wanted(tmp_path: Path, name: str) -> None:
    table = gather(RUNS, {})
    table.loc[1, name] = None
    table.to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(FileError):
        read_table(tmp_path / "table.csv")


@pytest.mark.parametrize("content", ["[]", '{"status": "fine"}', "{}", '{"status": "ok"'])
def test_refuses_metrics_that_are_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(content)
    with pytest.raises(FileError, match=r"metrics\.json"):
        gather(RUNS[:1], {RUNS[0].id: path})


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("ssim_phase", "0.8", "ssim_phase is '0.8'; a number is wanted"),
        ("ssim_phase", True, "ssim_phase is True; a number is wanted"),
        ("model_params", 1.5, "model_params is 1.5; a whole number is wanted"),
        ("device", ["cpu"], "device is ['cpu']; one line of text is wanted"),
        ("error", "a\nb", "error is 'a\\nb'; one line of text is wanted"),
        (
            "status",
            "fine",
            "status is 'fine'; 'ok', 'diverged', 'out_of_memory', 'stopped' or 'missing' is",
        ),
    ],
)
def test_a_value_of_another_type_is_named(
    tmp_path: Path, key: str, value: object, said: str
) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, {"status": "ok", key: value})
    with pytest.raises(FileError) as caught:
        gather(RUNS[:1], {RUNS[0].id: path})
    assert str(caught.value).startswith(f"{path}: {said}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[:-9], "truncated"),
        (lambda text: text.replace(",ok,", ",ok,,"), "line 2 has not"),
        (lambda text: text.replace(",ok,", ",fine,"), "an unknown status"),
        (lambda text: text.replace(",0.85,", ",inf,"), "ssim_phase holds infinite values"),
        (lambda text: text + text.splitlines(keepends=True)[1], "has a run twice"),
    ],
)
def test_a_damaged_table_is_refused(
    tmp_path: Path, change: Callable[[str], str], said: str
) -> None:
    path = tmp_path / "table.csv"
    write_csv(path, gather(RUNS, write_metrics(tmp_path)))
    path.write_text(change(path.read_text()))
    with pytest.raises(FileError, match=said) as caught:
        read_table(path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("content", ["", "run,status\na,ok\n", "run,modes\na,many\n"])
def test_refuses_tables_that_are_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(content)
    with pytest.raises(FileError, match=r"table\.csv"):
        read_table(path)
    with pytest.raises(FileError, match="nowhere"):
        read_table(tmp_path / "nowhere.csv")


def test_results_of_other_settings_are_missing(tmp_path: Path) -> None:
    run = Run("fno", "none", 4, 4, "teacher", 0)
    path = tmp_path / "metrics.json"
    write_json(path, {"status": "ok", "settings": "before", "ssim_phase": 0.9})
    assert gather([run], {run.id: path})["status"].tolist() == ["ok"]
    assert gather([run], {run.id: path}, {run.id: "before"})["status"].tolist() == ["ok"]
    changed = gather([run], {run.id: path}, {run.id: "after"})
    assert changed["status"].tolist() == ["missing"]
    assert changed["ssim_phase"].isna().all()
