"""`ptycho-pareto export`, as a user meets it."""

from pathlib import Path

import onnx
import pytest
import torch

from ptychopareto.command.main import main
from ptychopareto.models.registry import NetworkConfig, build, save_model

CONFIG = NetworkConfig(
    architecture="hybrid", input_transform="sqrt", modes=6, width=4, N=24, head="amp_phase"
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_model(tmp_path / "model.safetensors", build(CONFIG), CONFIG, {"status": "ok"})
    return tmp_path / "model.safetensors"


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line with which a call ends, and leaves nothing behind."""
    assert main(["export", *map(str, arguments)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    return line


def test_export_writes_a_file_and_says_how_near_it_is(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = model.with_name("model.onnx")
    assert main(["export", str(model), str(target), "--describe"]) == 0
    first, *described = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{target}: ")
    deviation = float(first.split("deviates from the network by ")[1].split()[0])
    assert deviation <= 1e-5
    assert [line.split(":")[0].strip() for line in described] == [
        *("input", "output", "inside", "head", "gauge")
    ]
    onnx.checker.check_model(onnx.load(target), full_check=True)
    assert sorted(file.name for file in model.parent.iterdir()) == [
        *("model.onnx", "model.safetensors")
    ]


def test_without_onnxruntime_it_says_that_nothing_was_compared(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert main(["export", str(model), str(model.with_name("model.onnx"))]) == 0
    assert "not compared with the network" in capsys.readouterr().out


def test_what_cannot_be_exported(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = model.with_name("out.onnx")
    assert "no such file" in refused(capsys, model.with_name("none.safetensors"), target)
    assert "ends in .onnx" in refused(capsys, model, model.with_name("out.trt"))
    model.with_name("text.safetensors").write_text("no network" * 50)
    assert "not a complete model file" in refused(
        capsys, model.with_name("text.safetensors"), target
    )
    failed = model.with_name("failed.safetensors")
    save_model(failed, build(CONFIG), CONFIG, {"status": "diverged"})
    assert "ended as diverged" in refused(capsys, failed, target)
    assert not target.exists()


def test_networks_of_another_package_are_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("neuralop")
    config = NetworkConfig(architecture="uno", input_transform="none", modes=6, width=4, N=24)
    save_model(tmp_path / "uno.safetensors", build(config), config, {"status": "ok"})
    line = refused(capsys, tmp_path / "uno.safetensors", tmp_path / "uno.onnx")
    assert "uno cannot be exported" in line


def test_a_folder_that_takes_no_file(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model.with_name("file").write_text("")
    line = refused(capsys, model, model.parent / "file" / "model.onnx")
    assert "file" in line
