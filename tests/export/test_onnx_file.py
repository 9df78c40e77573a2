"""The exported network is the same function, and its file says what it is."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from ptychopareto.config import ARCHITECTURES
from ptychopareto.export import real_network
from ptychopareto.export.description import INPUT, OUTPUTS
from ptychopareto.export.onnx_file import OPSET, ExportError, as_onnx, write_onnx
from ptychopareto.files import FileError
from ptychopareto.models.network import Network
from ptychopareto.models.registry import NetworkConfig, build
from ptychopareto.reconstruction.onnx_predictor import load_onnx
from ptychopareto.reconstruction.openvino_predictor import has_bfloat16, load_openvino
from ptychopareto.reconstruction.predictor import Predictor, TorchPredictor
from ptychopareto.reconstruction.stream import ObjectStream

OWN = [name for name in ARCHITECTURES if name not in ("uno", "tfno")]
RECORD = {"status": "ok", "gauge": "free", "epochs": 3, "settings": "abc"}
# Each architecture meets each value of each of them: N, transform, head, magnification, channels.
CASES = [
    (24, "none", "real_imag", 1.0, 1),
    (25, "log1p", "amp_phase", -0.8, 1),
    (24, "sqrt", "amp_phase", 1.3, 4),
    (25, "none", "real_imag", -1.21, 4),
]
# In `make test` each architecture meets half of them, and its neighbour the others.
PAIRS = [
    pytest.param(name, case, marks=[] if (row + column) % 2 == 0 else pytest.mark.long)
    for row, name in enumerate(OWN)
    for column, case in enumerate(CASES)
]

# Each with the largest deviation from torch, as a part of the output's scale.
RUNTIMES: dict[str, tuple[Callable[..., Predictor], float]] = {
    "onnxruntime": (load_onnx, 1e-5),
    "openvino": (load_openvino, 1e-5),
}
if has_bfloat16():  # 8 bits of a number: 4e-3 of it
    RUNTIMES["openvino, bfloat16"] = (partial(load_openvino, precision="bfloat16"), 1e-2)
# Nothing leads past its layers, so that their errors add up: in float32 too it deviates most.
CNN_FACTOR = 3


def config_of(
    architecture: str, case: tuple = CASES[0], blocks: int | None = None
) -> NetworkConfig:
    size, transform, head, magnification, channels = case
    keys = ARCHITECTURES[architecture]
    return NetworkConfig(
        architecture=architecture,
        input_transform=transform,
        modes=6 if "modes" in keys else None,
        width=4,
        N=size,
        head=head,
        magnification=magnification,
        channels=channels,
        input_scale=1.5,
        transmission=0.8,
        skips=True if "skips" in keys else None,
        blocks=blocks if "blocks" in keys else None,
    )


def trained(config: NetworkConfig) -> Network:
    """A network all of whose weights matter, as training leaves them."""
    torch.manual_seed(0)
    network = build(config).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.03 * torch.randn(weight.shape)
        made = network.body(amplitudes(config, 2).clamp_min(0))
        network.body.head.weight /= made.abs().mean()
    return network


def amplitudes(config: NetworkConfig, batch: int) -> torch.Tensor:
    """Patterns with a bright centre and negative noise, as backgrounds subtracted leave it."""
    generator = torch.Generator().manual_seed(batch)
    shape = (batch, config.channels, config.N, config.N)
    return 4 * torch.rand(shape, generator=generator) ** 3 - 0.1


def assert_runtimes_agree(config: NetworkConfig, path: Path) -> None:
    """Export a network of this config; both runtimes give its patches in float32."""
    network = trained(config)
    write_onnx(path, network, config, RECORD)
    patterns = amplitudes(config, 3)
    with torch.inference_mode():
        wanted = network(patterns)
    for load in (load_onnx, load_openvino):
        found = load(path, threads=1)(patterns)
        assert float((found - wanted).abs().max()) <= 1e-5 * float(wanted.abs().max())


@pytest.mark.parametrize(("architecture", "case"), PAIRS)
def test_runtimes_compute_the_same(architecture: str, case: tuple, tmp_path: Path) -> None:
    config = config_of(architecture, case, blocks=1)  # two come below
    network = trained(config)
    write_onnx(tmp_path / "model.onnx", network, config, RECORD)
    for name, (load, largest) in RUNTIMES.items():
        largest *= CNN_FACTOR if architecture == "cnn" and "bfloat16" in name else 1
        predictor = load(tmp_path / "model.onnx", threads=2)
        for batch in (1, 7, 64):
            patterns = amplitudes(config, batch)
            with torch.inference_mode():
                wanted = network(patterns)
            found = predictor(patterns)
            assert found.dtype == torch.complex64
            scale = float(wanted.abs().max())
            assert float((found - wanted).abs().max()) <= largest * scale, name
            # and no constant patch stands for all
            assert float((wanted - wanted.mean()).abs().max()) > 0.002 * scale


@pytest.mark.parametrize(
    "architecture",
    [
        # `cnn` has neither, so that it is the one above
        pytest.param(name, marks=[] if "modes" in ARCHITECTURES[name] else pytest.mark.long)
        for name in OWN
    ],
)
def test_blocks_and_more_modes_than_a_level_holds(architecture: str, tmp_path: Path) -> None:
    config = config_of(architecture, blocks=2)
    if "modes" in ARCHITECTURES[architecture]:
        config = replace(config, modes=12)
    assert_runtimes_agree(config, tmp_path / "model.onnx")


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=[] if number in (1, 2) else pytest.mark.long)
        for number, case in enumerate(CASES)
    ],
)
@pytest.mark.parametrize("architecture", [name for name in OWN if "skips" in ARCHITECTURES[name]])
def test_without_skips(architecture: str, case: tuple, tmp_path: Path) -> None:
    """Nothing of the size of the patterns leads past the levels then, so their size is stated."""
    config = replace(config_of(architecture, case, blocks=1), skips=False)
    assert_runtimes_agree(config, tmp_path / "model.onnx")


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    config = config_of("hybrid", CASES[1])
    write_onnx(tmp_path / "here.onnx", trained(config), config, RECORD, weights_sha256="f00d")
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.move(tmp_path / "here.onnx", tmp_path / "elsewhere" / "alone.onnx")
    model = onnx.load(moved)
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(said["network"])["magnification"] == -0.8
    assert json.loads(said["training"]) == RECORD
    assert json.loads(said["versions"])["opset"] == OPSET == model.opset_import[0].version
    assert said["weights_sha256"] == "f00d"
    assert "sqrt(counts) / intensity_scale" in said["input"]
    assert "sigmoid(a)" in said["head"]
    assert "free" in said["gauge"]
    (given,) = model.graph.input
    shape = [size.dim_param or size.dim_value for size in given.type.tensor_type.shape.dim]
    assert (given.name, shape) == (INPUT, ["batch", 1, 25, 25])
    assert tuple(output.name for output in model.graph.output) == OUTPUTS
    assert given.doc_string == said["input"]
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    assert list(moved.parent.iterdir()) == [moved]
    predictor = load_onnx(moved, threads=1)
    assert (predictor.config, predictor.training) == (config, RECORD)
    assert (predictor.N, predictor.gridsize) == (25, 1)


def test_equal_networks_give_equal_bytes_and_stay_as_they_are() -> None:
    config = config_of("fno")
    network = trained(config)
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    first = as_onnx(network, config, RECORD)
    assert first == as_onnx(network, config, RECORD)
    after = network.state_dict()
    assert all(torch.equal(weight, after[name]) for name, weight in before.items())
    weights = sum(4 * weight.numel() for weight in before.values())
    assert len(first) < weights + 200_000


def test_an_exported_network_stitches_the_same_object(tmp_path: Path) -> None:
    config = config_of("fno", CASES[2])
    network = trained(config)
    write_onnx(tmp_path / "model.onnx", network, config, RECORD)
    rng = np.random.default_rng(0)
    corners = np.array([(row, column) for row in range(0, 30, 6) for column in range(0, 30, 6)])
    patterns = rng.random((len(corners), 24, 24), np.float32)
    probe = np.ones((24, 24), np.complex64)
    objects = []
    for predictor in (
        load_onnx(tmp_path / "model.onnx", threads=2),
        TorchPredictor(network, 24, 2, torch.device("cpu")),
    ):
        stream = ObjectStream(predictor, probe, (48, 48))
        stream.add(patterns, corners)
        objects.append(stream.object())
    assert np.abs(objects[0] - objects[1]).max() <= 1e-5 * np.abs(objects[1]).max()


def test_networks_of_another_package_are_refused_by_name() -> None:
    config = config_of("fno")
    for name in ("uno", "tfno"):
        with pytest.raises(ExportError, match=rf"^{name} cannot be exported: .*allowed are fno"):
            as_onnx(trained(config), replace(config, architecture=name), RECORD)


def test_another_function_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As an architecture of one's own may be, whose real form is not what it should be."""
    config = config_of("fno")
    wrong = {kind: lambda *_: nn.Identity() for kind in real_network.REAL_LAYERS}
    monkeypatch.setattr(real_network, "REAL_LAYERS", wrong)
    with pytest.raises(ExportError, match="in real arithmetic it deviates by"):
        write_onnx(tmp_path / "model.onnx", trained(config), config, RECORD)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def exported() -> bytes:
    config = config_of("cnn")
    return as_onnx(trained(config), config, RECORD)


def with_metadata(content: bytes, **changes: str | None) -> bytes:
    model = onnx.load_model_from_string(content)
    metadata = {entry.key: entry.value for entry in model.metadata_props} | changes
    del model.metadata_props[:]
    kept = {key: value for key, value in metadata.items() if value is not None}
    onnx.helper.set_model_props(model, kept)
    changed: bytes = model.SerializeToString()
    return changed


@pytest.mark.parametrize("load", [load_onnx, load_openvino])
def test_damaged_and_foreign_files_end_in_one_line(
    load: Callable[[Path], Predictor], tmp_path: Path, exported: bytes
) -> None:
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["x"], ["y"])],
        "foreign",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])],
    )
    opset = [onnx.helper.make_opsetid("", OPSET)]
    foreign = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    described = onnx.load_model_from_string(foreign)
    ours = onnx.load_model_from_string(exported)
    described.metadata_props.extend(ours.metadata_props)
    network = next(entry.value for entry in ours.metadata_props if entry.key == "network")
    bad = {
        "": b"",
        "truncated": exported[: len(exported) // 2],
        "text": b"no network" * 100,
        "foreign": foreign,
        "other tensors": described.SerializeToString(),
        "no record": with_metadata(exported, training=None),
        "other size": with_metadata(exported, network=network.replace('"N": 24', '"N": 26')),
        "no JSON": with_metadata(exported, network="{"),
        "unknown status": with_metadata(exported, training='{"status": "fine"}'),
    }
    for name, content in bad.items():
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(content)
        with pytest.raises(FileError) as raised:
            load(path)
        assert str(raised.value).startswith(f"{path}: "), name
        assert len(str(raised.value).splitlines()) == 1, name
    with pytest.raises(FileError, match="no such file"):
        load(tmp_path / "missing.onnx")


def test_without_onnxruntime_one_line_says_what_to_install(
    tmp_path: Path, exported: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.onnx").write_bytes(exported)
    monkeypatch.setattr("ptychopareto.reconstruction.onnx_predictor.find_spec", lambda _: None)
    with pytest.raises(FileError, match="pip install onnxruntime"):
        load_onnx(tmp_path / "model.onnx")


def test_nothing_is_reported(tmp_path: Path) -> None:
    """Left alone, onnxruntime keeps events and a number of the device, to send them."""
    write_onnx(tmp_path / "model.onnx", build(config_of("cnn")), config_of("cnn"), RECORD)
    load = (
        "import sys; from pathlib import Path; "
        "from ptychopareto.reconstruction.onnx_predictor import load_onnx; "
        "load_onnx(Path(sys.argv[1])); assert 'onnxruntime' in sys.modules"
    )
    home = tmp_path / "home"
    home.mkdir()
    said = ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
    kept = {name: value for name, value in os.environ.items() if name not in said}
    subprocess.run(
        [sys.executable, "-c", load, tmp_path / "model.onnx"],
        env=kept | {"HOME": str(home), "USERPROFILE": str(home)},
        check=True,
        timeout=300,
    )
    assert list(home.rglob("*")) == []
