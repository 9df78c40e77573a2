"""A GPU computes what the CPU does: the same functions, trainings that go on, jobs that find it.

Skipped where there is none. `python -m pytest tests/gpu` needs pytest, and
neuraloperator for two architectures.
"""

import copy
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import pytest
import torch
import yaml
from torch import Tensor

from ptychopareto.assessment.cost import peak_memory_mb
from ptychopareto.assessment.timing import time_models
from ptychopareto.command.main import main
from ptychopareto.config import ARCHITECTURES, Architecture, Supervision, Teacher, Training
from ptychopareto.files import Dataset, write_dataset
from ptychopareto.learning.scales import input_scale, transmission
from ptychopareto.learning.scan_data import ScanData, scan_data
from ptychopareto.learning.stopping import Stopped
from ptychopareto.learning.trainer import Trainer
from ptychopareto.learning.training import Trained, train
from ptychopareto.models.registry import NetworkConfig, build, save_model
from ptychopareto.physics.groups import group
from ptychopareto.reconstruction.object_scan import ObjectScan
from ptychopareto.reconstruction.predict import predict
from ptychopareto.reconstruction.stitch import stitch
from ptychopareto.reconstruction.teacher import teach

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no CUDA device: what a GPU computes is not tested"
)
ROOT = Path(__file__).resolve().parents[2]
CPU, GPU = torch.device("cpu"), torch.device("cuda")
CONFIG = NetworkConfig("fno", "none", modes=4, width=16, N=32, skips=True)
SETTINGS = Training(epochs=3, batch_size=8, learning_rate=3e-3, validation_fraction=0.1)
# cuDNN convolves in TF32, whose mantissa has 10 bits.
TF32 = 5e-3


def difference(one: Tensor, other: Tensor) -> float:
    one, other = one.detach().cpu(), other.detach().cpu()
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_networks_and_their_gradients_agree(architecture: Architecture) -> None:
    here = build(replace(CONFIG, architecture=architecture))
    there = copy.deepcopy(here).to(GPU)
    x, like = torch.rand(4, 1, 32, 32), torch.randn(4, 1, 32, 32, dtype=torch.complex64)
    made, made_there = here(x), there(x.to(GPU))
    assert difference(made_there, made) < TF32
    (made - like).abs().square().mean().backward()
    (made_there - like.to(GPU)).abs().square().mean().backward()
    gradients = [
        torch.cat([p.grad.flatten().cpu() for p in network.parameters() if p.grad is not None])
        for network in (here, there)
    ]
    assert difference(gradients[1], gradients[0]) < 4 * TF32


def run(
    scan: ScanData, folder: Path, settings: Training = SETTINGS, supervision: Supervision = "truth"
) -> Trained:
    config = replace(
        CONFIG,
        channels=scan.groups.size,
        input_scale=input_scale(CONFIG, scan),
        transmission=transmission(scan),
    )
    path = folder / "checkpoint.pt"
    trained = train(config, supervision, 0, settings, scan, path)
    path.unlink(missing_ok=True)
    return trained


@pytest.mark.parametrize("gridsize", [1, 2])
@pytest.mark.parametrize("supervision", ["truth", "physics"])
def test_trainings_agree(
    supervision: Supervision, gridsize: int, small_scan: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    train_scan = small_scan[0]
    losses = []
    for device in (CPU, GPU):
        scan = scan_data(train_scan, train_scan.objects, device, gridsize)
        trained = run(scan, tmp_path, supervision=supervision)
        assert trained.status == "ok"
        losses.append([row["val_loss"] for row in trained.history])
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


@pytest.fixture
def scan(small_scan: tuple[Dataset, Dataset]) -> ScanData:
    return scan_data(small_scan[0], small_scan[0].objects, GPU)


def test_bfloat16_trains(scan: ScanData, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 8, "precision": "bfloat16"})
    losses = [row["val_loss"] for row in run(scan, tmp_path, settings).history]
    assert losses[-1] < 0.95 * losses[0]


def test_a_stopped_training_goes_on(
    scan: ScanData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(scan, tmp_path)
    updates, update = [], Trainer.update

    def signalled(self: Trainer, batch: Tensor) -> Tensor:
        updates.append(batch)
        if len(updates) == 14:
            os.kill(os.getpid(), signal.SIGTERM)
        return update(self, batch)

    monkeypatch.setattr(Trainer, "update", signalled)
    with pytest.raises(Stopped):
        run(scan, tmp_path)
    continued = run(scan, tmp_path)
    assert len(updates) == 3 * 10  # nothing repeated, nothing left out
    # Sums on a GPU come in any order.
    for one, other in zip(whole.history, continued.history, strict=True):
        assert other["val_loss"] == pytest.approx(one["val_loss"], rel=0.01)


def test_divergence_is_a_result(scan: ScanData, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"learning_rate": 1e30})
    assert run(scan, tmp_path, settings).status == "diverged"


def test_exhausted_memory_is_a_result(
    scan: ScanData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(self: Trainer, batch: Tensor) -> Tensor:
        return torch.empty(2**45, device=GPU)

    monkeypatch.setattr(Trainer, "update", greedy)
    trained = run(scan, tmp_path)
    assert trained.status == "out_of_memory"
    assert "CUDA out of memory" in trained.error


def test_classical_reconstructions_agree(small_scan: tuple[Dataset, Dataset]) -> None:
    test = small_scan[1]
    here, there = (teach(test, Teacher(epochs=5), device) for device in (CPU, GPU))
    assert difference(torch.from_numpy(there), torch.from_numpy(here)) < 1e-3


def test_predictions_are_stitched_alike(small_scan: tuple[Dataset, Dataset]) -> None:
    test, network = small_scan[1], build(CONFIG).eval()
    objects = []
    for device in (CPU, GPU):
        scan = ObjectScan.of(test.scored(), device)
        groups = group(scan.corners, test.object_index[: len(scan)], test.N, 1, device)
        patches = predict(network.to(device), scan.diffraction, scan.probe, groups)
        objects.append(stitch(patches, scan.probe, scan.corners, scan.shape))
    assert difference(objects[1], objects[0]) < TF32


def test_the_command_reconstructs_on_it(
    small_scan: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    scan = small_scan[1]
    write_dataset(tmp_path / "scan.npz", scan)
    config = NetworkConfig("fno", "sqrt", modes=4, width=4, N=scan.N, input_scale=0.1)
    save_model(tmp_path / "model.safetensors", build(config), config, {"status": "ok"})
    files = [str(tmp_path / name) for name in ("model.safetensors", "scan.npz")]
    found = {}
    for device in ("cpu", "cuda", "auto"):
        out = tmp_path / f"{device}.cxi"
        arguments = [*files, "-o", str(out), "--device", device, "--refine", "2"]
        assert main(["reconstruct", *arguments]) == 0
        with h5py.File(out) as file:
            found[device] = file["entry_1/image_1/data"][()]
    assert difference(*(torch.from_numpy(found[name]) for name in ("cuda", "cpu"))) < TF32
    assert difference(*(torch.from_numpy(found[name]) for name in ("auto", "cuda"))) < 1e-5


def test_latencies_and_memory_are_the_gpus(scan: ScanData, tmp_path: Path) -> None:
    model = tmp_path / "model.safetensors"
    save_model(model, build(CONFIG), CONFIG, {"status": "ok"})
    timing = time_models({"one": model}, scan.diffraction, scan.probe, scan.groups)["one"]
    assert 0 < timing.single_pattern_s < timing.inference_time_s < 10
    assert 1 < peak_memory_mb(GPU) < 4000


def test_a_study_runs_on_it(tmp_path: Path) -> None:
    study = {
        "dataset": {"N": 32, "size": 96, "scan_step_train": 8, "scan_step_test": 16},
        "teacher": {"epochs": 2},
        "sweep": [
            {
                "architecture": ["fno", "hybrid"],
                "input_transform": ["none"],
                "modes": [4],
                "width": [4],
                "supervision": ["teacher", "physics"],
            }
        ],
        "seeds": [0],
        "training": {"epochs": 1},
        "device": "cuda",
    }
    config = tmp_path / "study.yaml"
    config.write_text(yaml.safe_dump(study))
    command = ["-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "4"]
    command += ["--profile", str(ROOT / "gpu"), "--configfile", str(config)]
    done = subprocess.run(
        [sys.executable, *command, "--directory", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "results/pareto_plot.png").exists()
    records = [
        json.loads(metrics.read_text()) for metrics in tmp_path.glob("results/runs/*/metrics.json")
    ]
    assert [record["status"] for record in records] == ["ok"] * 4
    assert {record["device"] for record in records} == {torch.cuda.get_device_name()}
