"""Which file of a network runs, and by what."""

from pathlib import Path

import pytest
import torch

from ptychopareto.command.networks import load_network
from ptychopareto.command.subcommand import CommandError
from ptychopareto.export.onnx_file import write_onnx
from ptychopareto.models.registry import NetworkConfig, build, save_model
from ptychopareto.reconstruction.onnx_predictor import OnnxPredictor
from ptychopareto.reconstruction.predictor import TorchPredictor

CPU = torch.device("cpu")
CONFIG = NetworkConfig(architecture="fno", input_transform="none", modes=4, width=4, N=16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recommendation."""
    torch.manual_seed(0)
    network = build(CONFIG).eval()
    save_model(tmp_path / "model.safetensors", network, CONFIG, {"status": "ok"})
    write_onnx(tmp_path / "model.onnx", network, CONFIG, {"status": "ok"})
    return tmp_path


@pytest.mark.parametrize(
    ("name", "runtime", "file", "kind"),
    [
        ("", "auto", "model.onnx", OnnxPredictor),
        ("", "onnxruntime", "model.onnx", OnnxPredictor),
        ("", "torch", "model.safetensors", TorchPredictor),
        ("model.safetensors", "auto", "model.safetensors", TorchPredictor),
        ("model.safetensors", "onnxruntime", "model.safetensors", OnnxPredictor),
        ("model.onnx", "auto", "model.onnx", OnnxPredictor),
    ],
)
def test_runtime_and_file(folder: Path, name: str, runtime: str, file: str, kind: type) -> None:
    loaded = load_network(folder / name, CPU, runtime)
    assert (loaded.path, loaded.config) == (folder / file, CONFIG)
    assert isinstance(loaded.predictor, kind)
    patterns = torch.rand(3, 1, 16, 16)
    wanted = load_network(folder, CPU, "torch").predictor(patterns)
    assert torch.allclose(loaded.predictor(patterns), wanted, atol=1e-5)


def test_without_onnxruntime_a_folder_runs_with_torch(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ptychopareto.command.networks.find_spec", lambda _: None)
    assert isinstance(load_network(folder, CPU).predictor, TorchPredictor)


def test_torch_runs_no_onnx_file(folder: Path) -> None:
    with pytest.raises(CommandError, match="torch does not run"):
        load_network(folder / "model.onnx", CPU, "torch")
