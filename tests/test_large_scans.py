"""A scan that stays in its file gives the same bits as one in memory, wherever it is used."""

import math
import threading
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from ptychopareto.assessment.evaluation import evaluate_run
from ptychopareto.config import Joint, Training
from ptychopareto.files import Dataset, StoredPatterns, read_dataset, stored, write_dataset
from ptychopareto.learning.scales import input_scale, transmission
from ptychopareto.learning.scan_data import scan_data
from ptychopareto.learning.training import Trained, train
from ptychopareto.models.registry import NetworkConfig, build, save_model
from ptychopareto.physics.on_device import Streamed
from ptychopareto.physics.read_ahead import Index
from ptychopareto.reconstruction.object_scan import ObjectScan
from ptychopareto.reconstruction.reconstruct import reconstruct
from ptychopareto.reconstruction.rpie import flat_start

CPU = torch.device("cpu")
CONFIG = NetworkConfig("fno", "sqrt", modes=4, width=4, N=32, blocks=1)
RECORD = {"architecture": "fno", "seed": 0, "status": "ok", "error": "", "train_time_s": 1.5}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any scan is a large one, and looked at in pieces of ten patterns."""
    monkeypatch.setattr(stored, "LARGE", 0)
    monkeypatch.setattr(stored, "PIECE", 10 * 4 * 32**2)


@pytest.fixture(params=["simulated", "measured"])
def scans(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    small_scan: tuple[Dataset, Dataset],
    measured_scan: tuple[Dataset, np.ndarray],
) -> tuple[Dataset, Dataset]:
    """A scan in memory and in a file: on whole pixels, or between them with masks and modes."""
    scan = small_scan[1]
    if request.param == "measured":
        scan, image = measured_scan
        scan = replace(scan, objects=image[None], shape=None)
        assert scan.valid is not None
        of_each = np.array(np.broadcast_to(scan.valid, scan.diffraction.shape))
        of_each[::3, 4, 5] = False
        scan = replace(scan, valid=of_each)
    write_dataset(tmp_path / "scan.npz", scan)
    whole, there = (read_dataset(tmp_path / "scan.npz", held=held) for held in (math.inf, 0))
    assert isinstance(whole.diffraction, np.ndarray)
    assert isinstance(there.diffraction, StoredPatterns)
    return whole, there


def trained(scan: Dataset, supervision: str, gridsize: int, folder: Path) -> Trained:
    data = scan_data(scan, scan.objects, CPU, gridsize)
    assert isinstance(data.diffraction, Streamed) is isinstance(scan.diffraction, StoredPatterns)
    config = replace(CONFIG, channels=gridsize**2)
    config = replace(config, input_scale=input_scale(config, data), transmission=transmission(data))
    settings = Training(epochs=2, batch_size=8, validation_fraction=0.2)
    path = folder / "checkpoint.pt"
    weight = 0.0 if supervision == "physics" else 0.5
    found = train(config, supervision, 0, settings, data, path, physics_weight=weight)
    path.unlink()
    return found


@pytest.mark.parametrize(
    ("supervision", "gridsize"), [("teacher", 1), ("physics", 1), ("truth", 2)]
)
def test_training(
    supervision: str, gridsize: int, scans: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    whole, there = (trained(scan, supervision, gridsize, tmp_path) for scan in scans)
    for (name, one), other in zip(
        whole.network.state_dict().items(), there.network.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other), name
    assert whole.network.input_scale == there.network.input_scale
    columns = ("train_loss", "val_loss")
    assert [[row[key] for key in columns] for row in whole.history] == [
        [row[key] for key in columns] for row in there.history
    ]


def test_batches_are_read_ahead(
    scans: tuple[Dataset, Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is read once, by a thread, while the one before it is trained."""
    by_thread: list[bytes] = []
    by_loop: list[bytes] = []
    read = Streamed._read

    def noted(self: Streamed, index: Index) -> torch.Tensor:
        if isinstance(self._array, StoredPatterns) and not isinstance(index, slice):
            here = threading.current_thread() is threading.main_thread()
            (by_loop if here else by_thread).append(index.tobytes())
        return read(self, index)

    monkeypatch.setattr(Streamed, "_read", noted)
    trained(scans[1], "physics", 1, tmp_path)
    patterns = len(scans[1].diffraction)
    steps = math.ceil((patterns - round(0.2 * patterns)) / 8)
    assert len(by_thread) == len(set(by_thread)) == 2 * (steps - 1) - 1
    # Before the first batch nobody knows what will be asked for. Besides it and the second one, the
    # first of the other epoch and each validation, in one piece, are asked for when they are
    # wanted: twice, by the network and by the loss.
    assert len(by_loop) == 2 * 5
    assert not set(by_loop) & set(by_thread)


def test_a_checkpoint_belongs_to_the_data_of_a_file(scans: tuple[Dataset, Dataset]) -> None:
    _, there = scans
    objects = there.objects
    assert objects is not None
    prints = {
        scan_data(there, objects, CPU).fingerprint(),
        scan_data(there, objects, CPU).fingerprint(),
        scan_data(there, objects, CPU, 2).fingerprint(),
        scan_data(there, 1.1 * objects, CPU).fingerprint(),
        scan_data(there, None, CPU).fingerprint(),
        scan_data(replace(there, corners=there.corners[::-1]), objects, CPU).fingerprint(),
        scan_data(there.part(np.arange(50)), objects, CPU).fingerprint(),
    }
    assert len(prints) == 6


def test_engines(scans: tuple[Dataset, Dataset]) -> None:
    one, other = (ObjectScan.of(scan.scored(), CPU) for scan in scans)
    start = flat_start(one.shape, CPU)
    assert one.r_factor(start) == other.r_factor(start)
    for (image, misfit), (image_too, misfit_too) in islice(
        zip(one.rpie(start, 0.5), other.rpie(start, 0.5), strict=False), 3
    ):
        assert torch.equal(image, image_too)
        assert misfit == misfit_too
    settings = Joint(modes=2, refine_positions=True)  # from the third pass on
    for state, too in islice(zip(one.joint(settings), other.joint(settings), strict=False), 4):
        assert torch.equal(state.image, too.image)
        assert torch.equal(state.probe, too.probe)
        assert state.misfit == too.misfit


@pytest.mark.parametrize("gridsize", [1, 2])
def test_reconstruction(gridsize: int, scans: tuple[Dataset, Dataset], tmp_path: Path) -> None:
    config = replace(CONFIG, channels=gridsize**2)
    network = build(config)
    one, other = (reconstruct(network, scan, gridsize) for scan in scans)
    np.testing.assert_array_equal(one, other)

    save_model(tmp_path / "model.safetensors", network, config, RECORD)
    found, found_too = (evaluate_run(tmp_path / "model.safetensors", scan, CPU) for scan in scans)
    np.testing.assert_array_equal(found.reconstruction, found_too.reconstruction)
    assert found.wholes is not None
    assert found_too.wholes is not None
    assert torch.equal(found.wholes.without_free, found_too.wholes.without_free)
    for name in ("r_work", "r_free", "frc50_halves"):
        np.testing.assert_equal(found.metrics[name], found_too.metrics[name])
