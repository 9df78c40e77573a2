"""Which file of a network runs, and by what."""

from pathlib import Path

import pytest
import torch

from ptychopareto.command.networks import choose_device, load_network
from ptychopareto.command.subcommand import CommandError
from ptychopareto.export.onnx_file import write_onnx
from ptychopareto.files import FileError
from ptychopareto.models.registry import NetworkConfig, build, save_model
from ptychopareto.reconstruction.onnx_predictor import OnnxPredictor
from ptychopareto.reconstruction.openvino_predictor import OpenvinoPredictor
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
        ("", "openvino", "model.onnx", OpenvinoPredictor),
        ("model.safetensors", "openvino", "model.safetensors", OpenvinoPredictor),
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


def test_a_folder_may_hold_an_onnx_file_only(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert isinstance(load_network(folder, CPU).predictor, OnnxPredictor)
    with pytest.raises(FileError, match="is a folder without model"):
        load_network(folder, CPU, "torch")
    (folder / "model.onnx").unlink()
    with pytest.raises(FileError, match="is a folder without model"):
        load_network(folder, CPU)


def test_torch_runs_no_onnx_file(folder: Path) -> None:
    with pytest.raises(CommandError, match="torch does not run"):
        load_network(folder / "model.onnx", CPU, "torch")


@pytest.mark.parametrize("runtime", ["auto", "torch", "onnxruntime"])
def test_only_openvino_computes_in_bfloat16(folder: Path, runtime: str) -> None:
    with pytest.raises(CommandError, match="--runtime openvino is wanted"):
        load_network(folder, CPU, runtime, "bfloat16")


def test_on_another_device_than_the_cpu_a_folder_runs_with_torch(folder: Path) -> None:
    elsewhere = torch.device("meta")  # stands for a GPU: it is not the CPU
    loaded = load_network(folder, elsewhere)
    assert isinstance(loaded.predictor, TorchPredictor)
    assert {weight.device for weight in loaded.predictor.network.parameters()} == {elsewhere}
    assert loaded.predictor.device == elsewhere
    for name, runtime in (("model.onnx", "auto"), ("", "onnxruntime"), ("", "openvino")):
        with pytest.raises(CommandError, match="onnx runs on the CPU"):
            load_network(folder / name, elsewhere, runtime)


@pytest.mark.parametrize(
    ("there", "name", "chosen"),
    [
        (set(), "auto", "cpu"),
        (set(), "cpu", "cpu"),
        ({"cuda"}, "auto", "cuda"),
        ({"cuda"}, "cpu", "cpu"),
        ({"mps"}, "auto", "cpu"),
        ({"mps"}, "mps", "mps"),
        ({"cuda", "mps"}, "mps", "mps"),
        ({"cuda"}, "mps", "'mps' is not available on this machine; allowed: auto, cpu, cuda"),
        (set(), "cuda", "'cuda' is not available on this machine; allowed: auto, cpu"),
    ],
)
def test_the_device_is_one_that_the_machine_has(
    there: set[str], name: str, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, module in (("cuda", torch.cuda), ("mps", torch.backends.mps)):
        monkeypatch.setattr(module, "is_available", lambda kind=kind: kind in there)
    if "not available" not in chosen:
        assert choose_device(name) == torch.device(chosen)
        return
    with pytest.raises(CommandError) as refused:
        choose_device(name)
    assert str(refused.value).endswith(chosen)
