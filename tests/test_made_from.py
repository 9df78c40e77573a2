"""What a model says it was made from."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ptychopareto.files import read_made_from
from ptychopareto.models.registry import NetworkConfig, build, load_model, save_model

MADE_FROM = {"run": "cnn_s0", "settings": "1", "code": "2"}
CONFIG = NetworkConfig(architecture="cnn", input_transform="none", modes=None, width=4, N=32)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_model(path, build(CONFIG), CONFIG, {"status": "ok"}, MADE_FROM)
    return path


def test_a_model_says_what_it_was_made_from(model: Path) -> None:
    assert read_made_from(model) == MADE_FROM
    assert load_model(model)[2] == {"status": "ok"}


@pytest.mark.parametrize("length", [0, 4, 8, 100])
def test_damaged_file_says_nothing(length: int, model: Path) -> None:
    model.write_bytes(model.read_bytes()[:length])
    assert read_made_from(model) is None


def test_files_that_do_not_say_it(model: Path, tmp_path: Path) -> None:
    assert read_made_from(tmp_path / "missing.safetensors") is None
    save_model(model, build(CONFIG), CONFIG, {"status": "ok"})
    assert read_made_from(model) is None
    for said in ("{", "[]", "3"):
        save_file({"x": torch.zeros(1)}, model, {"made_from": said})
        assert read_made_from(model) is None
    model.write_bytes((2**40).to_bytes(8, "little"))
    assert read_made_from(model) is None
