"""What the command works on: scans, and networks that were hardly trained."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ptychopareto.files import Dataset, write_dataset
from ptychopareto.models.registry import NetworkConfig, build, save_model
from ptychopareto.models.trained_on import TrainedOn

RECORD = {"status": "ok", "error": "", "settings": "", "epochs": 1}
MakeNetwork = Callable[..., Path]


@pytest.fixture
def make_network(tmp_path: Path) -> MakeNetwork:
    """A function that writes the file of a small network."""

    def make(
        N: int = 32,
        name: str = "model.safetensors",
        trained_on: TrainedOn | None = None,
        **given: object,
    ) -> Path:
        settings = {"architecture": "cnn", "input_transform": "none", "modes": None, "width": 4}
        config = NetworkConfig(**{**settings, "N": N, **given})
        torch.manual_seed(0)
        path = tmp_path / name
        known = {} if trained_on is None else trained_on.record()
        save_model(path, build(config), config, {**RECORD, **known})
        return path

    return make


@pytest.fixture(scope="session")
def simulated(
    small_scan: tuple[Dataset, Dataset], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The file of a simulated scan with its truth."""
    path = tmp_path_factory.mktemp("scans") / "test.npz"
    write_dataset(path, small_scan[1])
    return path


@pytest.fixture
def network(make_network: MakeNetwork, small_scan: tuple[Dataset, Dataset]) -> Path:
    """A network for the patterns of `simulated`, with the scales that a training would measure."""
    train = small_scan[0]
    light = np.square(train.diffraction, dtype=np.float64)
    power = np.square(np.abs(train.probe), dtype=np.float64).sum()
    transmission = float(np.sqrt(light.sum((1, 2)).mean() / power))
    return make_network(input_scale=float(np.sqrt(light.mean())), transmission=transmission)
