import logging
import math
import os
import signal
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from ptychopareto.config import ConfigError, Training
from ptychopareto.files import Dataset
from ptychopareto.learning.checkpoint import Checkpoint
from ptychopareto.learning.scales import input_scale, transmission
from ptychopareto.learning.scan_data import ScanData, scan_data
from ptychopareto.learning.schedule import learning_rate
from ptychopareto.learning.stopping import Stopped
from ptychopareto.learning.supervision import make_loss
from ptychopareto.learning.trainer import Trainer
from ptychopareto.learning.training import Trained, train
from ptychopareto.models import network
from ptychopareto.models.layers import SpectralConv
from ptychopareto.models.network import Network
from ptychopareto.models.registry import NetworkConfig
from ptychopareto.physics.forward import diffraction_amplitude

SETTINGS = Training(epochs=3, batch_size=8, learning_rate=3e-3, validation_fraction=0.1)
CONFIG = NetworkConfig("fno", "none", modes=4, width=4, N=32)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def scan(small_scan: tuple[Dataset, Dataset]) -> ScanData:
    return scan_data(small_scan[0], small_scan[0].objects, CPU)


def run(scan: ScanData, folder: Path, settings: Training = SETTINGS, **changes) -> Trained:
    arguments = {"config": CONFIG, "supervision": "truth", "seed": 0, **changes}
    arguments["config"] = replace(
        arguments["config"],
        input_scale=input_scale(arguments["config"], scan),
        transmission=transmission(scan),
    )
    path = folder / "checkpoint.pt"
    trained = train(settings=settings, scan=scan, checkpoint_path=path, **arguments)
    path.unlink(missing_ok=True)
    return trained


def weights(trained: Trained) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in trained.network.parameters()])


@pytest.mark.parametrize(
    ("architecture", "supervision"),
    [
        *(("fno", "physics"), ("fno", "teacher"), ("fno", "truth"), ("hybrid", "physics")),
        pytest.param("hybrid", "teacher", marks=pytest.mark.long),
        pytest.param("hybrid", "truth", marks=pytest.mark.long),
    ],
)
def test_loss_falls(architecture, supervision, scan: ScanData, tmp_path: Path) -> None:
    config = replace(CONFIG, architecture=architecture)
    settings = SETTINGS.model_copy(update={"epochs": 8})
    trained = run(scan, tmp_path, settings, config=config, supervision=supervision)
    losses = [row["val_loss"] for row in trained.history]
    assert trained.status == "ok"
    assert losses[-1] < 0.95 * losses[0]
    assert [row["epoch"] for row in trained.history] == [*range(1, 9)]
    assert trained.patterns_seen == 8 * 73
    assert not list(tmp_path.iterdir())


def test_losses_are_added_by_their_weight(scan: ScanData) -> None:
    predicted, which = torch.randn(4, 1, 32, 32, dtype=torch.complex64), torch.arange(4)
    teacher = make_loss("teacher", SETTINGS, scan)(predicted, which)
    physics = make_loss("physics", SETTINGS, scan)(predicted, which)
    both = make_loss("teacher", SETTINGS, scan, physics_weight=10)(predicted, which)
    torch.testing.assert_close(both, teacher + 10 * physics)


@pytest.mark.parametrize("supervision", ["physics", "truth"])
def test_amplitude_and_phase_train(supervision, scan: ScanData, tmp_path: Path) -> None:
    config = replace(CONFIG, head="amp_phase")
    settings = SETTINGS.model_copy(update={"epochs": 8})
    trained = run(scan, tmp_path, settings, config=config, supervision=supervision)
    losses = [row["val_loss"] for row in trained.history]
    assert losses[-1] < 0.95 * losses[0]


@pytest.mark.parametrize("loss", ["amplitude", "poisson"])
def test_physics_losses_train(loss, scan: ScanData, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"physics_loss": loss})
    losses = [
        row["val_loss"] for row in run(scan, tmp_path, settings, supervision="physics").history
    ]
    assert losses[-1] < 0.95 * losses[0]


def test_bfloat16_is_for_convolutions_only(scan: ScanData, tmp_path: Path) -> None:
    seen: dict[type, set[torch.dtype]] = {}

    def note(layer: torch.nn.Module, given: object, made: torch.Tensor) -> None:
        if torch.is_grad_enabled():
            seen.setdefault(type(layer), set()).add(made.dtype)

    settings = SETTINGS.model_copy(update={"precision": "bfloat16", "epochs": 1})
    with torch.nn.modules.module.register_module_forward_hook(note):
        rounded = run(scan, tmp_path, settings)
    assert seen[torch.nn.Conv2d] == {torch.bfloat16}
    assert seen[SpectralConv] == {torch.float32}
    assert seen[Network] == {torch.complex64}
    assert {p.dtype for p in rounded.network.parameters()} == {torch.float32}
    exact = run(scan, tmp_path, SETTINGS.model_copy(update={"epochs": 1}))
    assert not torch.equal(weights(rounded), weights(exact))
    assert rounded.history[0]["val_loss"] == pytest.approx(exact.history[0]["val_loss"], rel=0.05)


def test_same_configuration_same_bits(scan: ScanData, tmp_path: Path) -> None:
    first, second = run(scan, tmp_path), run(scan, tmp_path)
    assert torch.equal(weights(first), weights(second))
    assert not torch.equal(weights(first), weights(run(scan, tmp_path, seed=1)))


@pytest.mark.parametrize("stop_at", [1, 9, 10, 13, 25])
def test_stopped_and_continued_gives_the_same_bits(
    stop_at: int, scan: ScanData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(scan, tmp_path)
    updates, update = [], Trainer.update

    def signalled(self: Trainer, batch: torch.Tensor) -> torch.Tensor:
        updates.append(batch)
        if len(updates) == stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return update(self, batch)

    monkeypatch.setattr(Trainer, "update", signalled)
    with pytest.raises(Stopped) as stopped:
        run(scan, tmp_path)
    assert stopped.value.code == 128 + signal.SIGTERM
    assert (tmp_path / "checkpoint.pt").exists()
    continued = run(scan, tmp_path)
    assert len(updates) == 3 * math.ceil(73 / 8)  # nothing repeated, nothing left out
    assert torch.equal(weights(whole), weights(continued))
    assert whole.patterns_seen == continued.patterns_seen
    for one, other in zip(whole.history, continued.history, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


def interrupted(scan: ScanData, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Leave the checkpoint of a training that was killed after its first epoch."""

    def killed(self: Trainer, state: dict) -> None:
        save(self, state)
        raise KeyboardInterrupt

    save = Checkpoint.save
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            run(scan, folder)
    return folder / "checkpoint.pt"


def test_a_kill_between_checkpoints_gives_the_same_bits(
    scan: ScanData,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole = run(scan, tmp_path)
    interrupted(scan, tmp_path, monkeypatch)
    with caplog.at_level(logging.INFO):
        assert torch.equal(weights(whole), weights(run(scan, tmp_path)))
    assert "continuing from the checkpoint: epoch 2" in caplog.text


@pytest.mark.parametrize("damage", ["truncated", "empty", "garbage", "other config"])
def test_an_unusable_checkpoint_is_refused_and_training_starts_over(
    damage: str, scan: ScanData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    path = interrupted(scan, tmp_path, monkeypatch)
    seed = 0
    match damage:
        case "truncated":
            path.write_bytes(path.read_bytes()[:-1000])
        case "empty":
            path.write_bytes(b"")
        case "garbage":
            path.write_bytes(b"not a checkpoint" * 100)
        case "other config":
            seed = 1
    trained = run(scan, tmp_path, seed=seed)
    assert "the training starts over" in caplog.text
    assert len(trained.history) == 3


def test_divergence_is_a_result(scan: ScanData, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"learning_rate": 1e30})
    trained = run(scan, tmp_path, settings, supervision="physics")
    assert trained.status == "diverged"
    assert "non-finite loss in epoch 1" in trained.error
    assert torch.isfinite(weights(trained)).all()


def test_exhausted_gpu_memory_is_a_result(
    scan: ScanData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(self: Trainer, batch: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore")

    monkeypatch.setattr(Trainer, "update", exhausted)
    trained = run(scan, tmp_path)
    assert (trained.status, trained.error) == (
        "out_of_memory",
        "CUDA out of memory. Tried to allocate 2 GiB",
    )


def test_best_epoch_is_kept(
    scan: ScanData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([0.5, 0.1, 0.3])
    seen = []

    def scripted(self: Trainer) -> float:
        seen.append(torch.cat([p.detach().flatten() for p in self.network.parameters()]))
        return next(losses)

    monkeypatch.setattr(Trainer, "_validate", scripted)
    trained = run(scan, tmp_path)
    assert trained.best_epoch == 2
    assert torch.equal(weights(trained), seen[1])


def test_held_out_patterns_are_never_trained_on(scan: ScanData) -> None:
    train_index, held_out = scan.split(0.1)
    assert len(held_out) == 8
    assert sorted([*train_index, *held_out]) == list(range(81))
    np.testing.assert_array_equal(scan.split(0.1)[1], held_out)


@pytest.mark.parametrize(
    "supervision", ["physics", pytest.param("teacher", marks=pytest.mark.long)]
)
def test_groups_of_patterns_train_at_equal_patterns_seen(
    supervision, small_scan: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    grouped = scan_data(small_scan[0], small_scan[0].objects, CPU, gridsize=2)
    assert len(grouped.groups) == 64
    config = replace(CONFIG, channels=4, width=12)
    settings = SETTINGS.model_copy(update={"epochs": 8})
    trained = run(grouped, tmp_path, settings, config=config, supervision=supervision)
    losses = [row["val_loss"] for row in trained.history]
    assert losses[-1] < 0.95 * losses[0]
    # Of 81 patterns 8 are held out, and a few more are in no group without one of these.
    train_index, _ = grouped.split(settings.validation_fraction)
    trained_on = len(np.unique(grouped.groups.members.numpy()[train_index]))
    assert 60 < trained_on <= 73
    assert trained.patterns_seen == 8 * 4 * math.ceil(trained_on / 4)
    again = run(grouped, tmp_path, settings, config=config, supervision=supervision)
    assert torch.equal(weights(trained), weights(again))


def test_groups_with_a_held_out_pattern_are_never_trained_on(
    small_scan: tuple[Dataset, Dataset],
) -> None:
    grouped = scan_data(small_scan[0], None, CPU, gridsize=2)
    train_index, validation = grouped.split(0.05)
    assert sorted([*train_index, *validation]) == list(range(64))
    alone = scan_data(small_scan[0], None, CPU)
    members = grouped.groups.members.numpy()
    assert np.isin(members[validation], alone.split(0.05)[1]).any(axis=1).all()
    assert not np.isin(members[train_index], alone.split(0.05)[1]).any()


def test_too_much_held_out_for_groups(small_scan: tuple[Dataset, Dataset]) -> None:
    grouped = scan_data(small_scan[0], None, CPU, gridsize=4)
    with pytest.raises(ConfigError, match=r"training\.validation_fraction: each group"):
        grouped.split(0.5)


def test_learning_rate_warms_up_and_decays() -> None:
    settings = Training(learning_rate=1.0, warmup=0.1)
    rates = [learning_rate(step, 100, settings) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == pytest.approx(1.0)
    assert rates[-1] < 0.001
    assert all(a > b for a, b in pairwise(rates[10:]))


@pytest.mark.parametrize("transform", ["none", "log1p", "sqrt"])
def test_input_scale_is_the_rms_of_the_transformed_patterns(transform, scan: ScanData) -> None:
    config = replace(CONFIG, input_transform=transform)
    values = network.transform(scan.diffraction, transform)
    assert input_scale(config, scan) == pytest.approx(
        float(values.square().mean().sqrt()), rel=1e-5
    )


def test_transmission_is_that_of_a_uniform_object(scan: ScanData) -> None:
    uniform = 0.7 * diffraction_amplitude(torch.ones(32, 32), scan.probe)
    data = replace(scan, diffraction=uniform.expand(5, 32, 32))
    assert transmission(data) == pytest.approx(0.7, rel=1e-5)
    assert 0.3 < transmission(scan) < 1


def test_target_patches_come_from_their_object(small_scan: tuple[Dataset, Dataset]) -> None:
    data = small_scan[0]
    two = replace(data, object_index=np.arange(81, dtype=np.int32) % 2)
    objects = np.stack([data.objects[0], 2 * data.objects[0]])
    target = scan_data(two, objects, CPU).target
    factor = torch.tensor([1 + n % 2 for n in range(81)])[:, None, None]
    torch.testing.assert_close(target, factor * torch.from_numpy(data.patches))


def test_target_patches_lie_at_any_positions(round_scan: Dataset) -> None:
    target = scan_data(round_scan, round_scan.objects, CPU).target
    assert target is not None
    torch.testing.assert_close(target, torch.from_numpy(round_scan.patches))
