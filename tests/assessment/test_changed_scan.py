"""All networks on a changed scan, and rPIE beside them."""

from pathlib import Path

import pytest
import torch

from ptychopareto.assessment.changed_scan import evaluate_all
from ptychopareto.assessment.classical import classical, scores
from ptychopareto.assessment.evaluation import evaluate_run
from ptychopareto.files import Dataset
from ptychopareto.models.registry import NetworkConfig, build, save_model

CPU = torch.device("cpu")
CONFIG = NetworkConfig("fno", "none", modes=4, width=4, N=32)


def model(folder: Path, status: str) -> Path:
    torch.manual_seed(0)
    path = folder / f"{status}.safetensors"
    record = {"seed": 0, "status": status, "error": "", "train_time_s": 1.5}
    save_model(path, build(CONFIG), CONFIG, record)
    return path


def test_each_network_and_rpie(tmp_path: Path, small_scan: tuple[Dataset, Dataset]) -> None:
    test = small_scan[1]
    models = {status: model(tmp_path, status) for status in ("ok", "diverged")}
    found = evaluate_all(models, test, 2, 0.1, CPU)
    assert list(found["networks"]) == ["ok", "diverged"]
    own = evaluate_run(models["ok"], test, CPU).metrics
    assert found["networks"]["ok"]["ssim_phase"] == own["ssim_phase"]
    assert found["networks"]["ok"]["status"] == "ok"
    assert "train_time_s" not in found["networks"]["ok"]
    assert found["networks"]["diverged"] == {"status": "diverged", "error": ""}
    assert found["classical"] == scores(classical(test, [2], 0.1, CPU), test)[0]
    assert found["classical"]["epochs"] == 2


def test_progress_is_told(
    tmp_path: Path, small_scan: tuple[Dataset, Dataset], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    evaluate_all({"only": model(tmp_path, "ok")}, small_scan[1], 1, 0.1, CPU)
    assert "1 of 1 networks evaluated" in caplog.text
