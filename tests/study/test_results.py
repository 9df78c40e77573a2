"""What is measured beside the runs, as it is read back."""

from pathlib import Path
from typing import Any

import pytest

from ptychopareto.files import FileError, write_json
from ptychopareto.study.results import NO_TIMING, Results, read_steps, read_timing

ENGINE = {"scored_fraction": 1.0, "stitch_s": 0.1, "setup_s": 0.2, "epoch_s": 0.3}
TIMING: dict[str, Any] = {"machine": {"device": "CPU"}, "models": {}, "engine": ENGINE}


def test_before_anything_is_measured_nothing_is_known(tmp_path: Path) -> None:
    results = Results(tmp_path, ())
    assert results.timing() is NO_TIMING
    assert results.classical_steps() == []
    assert results.best_epochs() is None
    assert results.test_scan() is None


def test_what_was_measured_is_read(tmp_path: Path) -> None:
    timing = {**TIMING, "models": {"a": {"inference_time_s": 0.5, "inference_iqr_s": None}}}
    steps = [{"epochs": 1, "ssim_phase": 0.5}, {"epochs": 2, "ssim_phase": None}]
    write_json(tmp_path / "timing.json", timing)
    write_json(tmp_path / "classical.json", {"steps": steps})
    results = Results(tmp_path, ())
    assert results.timing() == timing
    assert results.classical_steps() == steps
    assert results.best_epochs() is None
    write_json(tmp_path / "classical.json", {"steps": steps, "best_epochs": 20})
    assert results.best_epochs() == 20
    write_json(tmp_path / "classical.json", {"steps": steps, "best_epochs": "few"})
    with pytest.raises(FileError, match="best_epochs is 'few'; a whole number is wanted"):
        results.best_epochs()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"models": []}, "models is []; a section is wanted"),
        ({"models": {"a": 3}}, "models.a is 3; a section is wanted"),
        ({"models": {"a": {"inference_time_s": "x"}}}, "models.a.inference_time_s is 'x'; a numb"),
        ({"engine": {**ENGINE, "epoch_s": None}}, "engine.epoch_s is None; a number is wanted"),
        ({"engine": {**ENGINE, "epoch_s": True}}, "engine.epoch_s is True; a number is wanted"),
    ],
)
def test_another_timing_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "timing.json"
    write_json(path, {**TIMING, **change})
    with pytest.raises(FileError) as caught:
        read_timing(path)
    assert str(caught.value).startswith(f"{path}: {said}")


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (None, "steps is None; a list is wanted"),
        ([3], "steps[0] is 3; a section is wanted"),
        ([{"ssim_phase": 1.0}], "steps[0].epochs is missing"),
        ([{"epochs": -1}], "steps[0].epochs is -1; at least 0 is wanted"),
        ([{"epochs": 1.5}], "steps[0].epochs is 1.5; a whole number is wanted"),
        ([{"epochs": 1, "mae_amp": "x"}], "steps[0].mae_amp is 'x'; a number is wanted"),
        ([{"epochs": 1, "engine": 3}], "steps[0].engine is 3; 'rpie' or 'lsqml' is wanted"),
        ([{"epochs": 1, "engine": "epie"}], "steps[0].engine is 'epie'; 'rpie' or 'lsqml' is w"),
    ],
)
def test_other_steps_are_refused(tmp_path: Path, steps: object, said: str) -> None:
    path = tmp_path / "classical.json"
    write_json(path, {"steps": steps})
    with pytest.raises(FileError) as caught:
        read_steps(path)
    assert str(caught.value).startswith(f"{path}: {said}")
