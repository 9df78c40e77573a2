"""`ptycho-pareto export`, as a user meets it."""

import errno
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


def test_a_folder_stands_for_the_model_in_it(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named, found = model.with_name("named.onnx"), model.with_name("found.onnx")
    assert main(["export", str(model), str(named)]) == 0
    assert main(["export", str(model.parent), str(found)]) == 0
    assert named.read_bytes() == found.read_bytes()
    capsys.readouterr()
    model.unlink()
    target = model.with_name("out.onnx")
    assert "model.safetensors: no such file" in refused(capsys, model.parent, target)
    assert "is an ONNX file already" in refused(capsys, named, target)
    assert not target.exists()


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


def test_a_disk_that_takes_no_file(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line names the file that was asked for, not the one that it is written as first."""
    target = model.with_name("out.onnx")

    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    line = refused(capsys, model, target)
    assert line.endswith(f"{target}: No space left on device; it was not written")
    monkeypatch.undo()

    def read_only(self: Path, *, exist_ok: bool) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "touch", read_only)
    line = refused(capsys, model, target)
    assert line.endswith(f" {target.parent}: Read-only file system")
