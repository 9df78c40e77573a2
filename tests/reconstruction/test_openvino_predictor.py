"""OpenVINO as a predictor: the same bits whatever the threads, its own choices not taken."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ptychopareto.export.onnx_file import write_onnx
from ptychopareto.files import FileError
from ptychopareto.models.registry import NetworkConfig, build
from ptychopareto.reconstruction import openvino_predictor
from ptychopareto.reconstruction.openvino_predictor import has_bfloat16, load_openvino

CONFIG = NetworkConfig(architecture="fno", input_transform="none", modes=6, width=4, N=64)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("openvino") / "model.onnx"
    write_onnx(path, build(CONFIG).eval(), CONFIG, {"status": "ok"})
    return path


@pytest.fixture(scope="module")
def patterns() -> torch.Tensor:
    return torch.rand(45, 1, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_neither_threads_nor_neighbours_change_a_bit(
    precision: openvino_predictor.Precision, exported: Path, patterns: torch.Tensor
) -> None:
    if precision == "bfloat16" and not has_bfloat16():
        pytest.skip("this processor has no bfloat16")
    wanted = load_openvino(exported, precision, threads=1)(patterns)
    predictor = load_openvino(exported, precision, threads=3)
    assert (predictor.batch, predictor.threads) == (8, 3)
    for _ in range(3):
        assert torch.equal(predictor(patterns), wanted)
    for first, last in ((0, 1), (3, 10), (40, 45)):
        assert torch.equal(predictor(patterns[first:last]), wanted[first:last])


def test_the_precision_is_the_one_that_was_asked_for(
    exported: Path, patterns: torch.Tensor
) -> None:
    """OpenVINO takes bfloat16 where nobody says anything, and the processor has it."""
    exact = load_openvino(exported)(patterns)
    assert torch.equal(load_openvino(exported, "float32")(patterns), exact)
    if has_bfloat16():
        coarse = load_openvino(exported, "bfloat16")(patterns)
        assert 1e-6 < float((coarse - exact).abs().max() / exact.abs().max()) < 1e-2


def test_without_openvino_one_line_says_what_to_install(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_predictor, "find_spec", lambda _: None)
    with pytest.raises(FileError, match=r"pip install openvino$"):
        load_openvino(exported)


def test_bfloat16_is_refused_where_the_processor_has_none(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_predictor, "has_bfloat16", lambda: False)
    load_openvino(exported, "float32")
    with pytest.raises(FileError, match=r"does not compute .*float32 is wanted here$"):
        load_openvino(exported, "bfloat16")


def test_nothing_is_reported(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`import openvino` sends an event, and keeps a number of the user for it."""
    load = (
        "import sys; from pathlib import Path; "
        "from ptychopareto.reconstruction.openvino_predictor import load_openvino; "
        "load_openvino(Path(sys.argv[1])); assert 'openvino' in sys.modules; "
        "print([name for name in sys.modules if 'telemetry' in name.partition('.')[0]])"
    )
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", load, exported], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
    assert not (tmp_path / "intel").exists()


def test_a_signal_is_handled_after_networks_have_come_and_gone(exported: Path) -> None:
    script = f"""
import gc, os, signal
from pathlib import Path
from ptychopareto.reconstruction.openvino_predictor import load_openvino
first = load_openvino(Path({str(exported)!r}), threads=1)
second = load_openvino(Path({str(exported)!r}), threads=1)
del first
gc.collect()
del second
gc.collect()
received = []
signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
os.kill(os.getpid(), signal.SIGTERM)
print(received == [signal.SIGTERM])
"""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", script], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip()) == (0, "True"), done.stderr
