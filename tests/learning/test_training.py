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

from ptychopareto.config import ConfigError, SimulatedDataset, Training
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
from ptychopareto.physics.simulation import simulate

SETTINGS = Training(epochs=3, batch_size=8, learning_rate=5e-3, validation_fraction=0.1)
CONFIG = NetworkConfig("fno", "none", modes=4, width=4, N=16, blocks=1)
PATTERNS, TRAINED_ON = 49, 44  # the last batch of an epoch has 4, the others 8
STEPS = math.ceil(TRAINED_ON / SETTINGS.batch_size)  # of an epoch
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """49 patterns of 16² each: a training takes a quarter of the time that `small_scan` takes."""
    sizes = {"N": 16, "size": 64, "scan_step_train": 8, "scan_step_test": 8}
    kinds = {"object": {"kind": "lines", "segments": 30}, "probe": {"kind": "zone_plate"}}
    return simulate(SimulatedDataset.model_validate(sizes | kinds))[0]


@pytest.fixture(scope="module")
def scan(dataset: Dataset) -> ScanData:
    return scan_data(dataset, dataset.objects, CPU)


@pytest.fixture(scope="module")
def whole(scan: ScanData, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The training that nothing interrupts. Tests only read it."""
    return run(scan, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def after_an_epoch(scan: ScanData, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The checkpoint that the training leaves when it is killed after its first epoch."""

    def killed(self: Checkpoint, state: dict) -> None:
        save(self, state)
        raise KeyboardInterrupt

    folder, save = tmp_path_factory.mktemp("interrupted"), Checkpoint.save
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            run(scan, folder)
    return (folder / "checkpoint.pt").read_bytes()


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
    settings = SETTINGS.model_copy(update={"epochs": 6})
    trained = run(scan, tmp_path, settings, config=config, supervision=supervision)
    losses = [row["val_loss"] for row in trained.history]
    assert trained.status == "ok"
    assert losses[-1] < 0.95 * losses[0]
    assert [row["epoch"] for row in trained.history] == [*range(1, 7)]
    assert trained.patterns_seen == 6 * TRAINED_ON
    assert not list(tmp_path.iterdir())


def test_losses_are_added_by_their_weight(scan: ScanData) -> None:
    predicted, which = torch.randn(4, 1, 16, 16, dtype=torch.complex64), torch.arange(4)
    teacher = make_loss("teacher", SETTINGS, scan)(predicted, which)
    physics = make_loss("physics", SETTINGS, scan)(predicted, which)
    both = make_loss("teacher", SETTINGS, scan, physics_weight=10)(predicted, which)
    torch.testing.assert_close(both, teacher + 10 * physics)


@pytest.mark.parametrize("supervision", ["physics", "truth"])
def test_amplitude_and_phase_train(supervision, scan: ScanData, tmp_path: Path) -> None:
    config = replace(CONFIG, head="amp_phase")
    settings = SETTINGS.model_copy(update={"epochs": 6})
    trained = run(scan, tmp_path, settings, config=config, supervision=supervision)
    losses = [row["val_loss"] for row in trained.history]
    assert losses[-1] < 0.95 * losses[0]


@pytest.mark.parametrize("loss", ["amplitude", "poisson"])
def test_physics_losses_train(loss, scan: ScanData, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"physics_loss": loss, "epochs": 6})
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


def test_same_configuration_same_bits(scan: ScanData, whole: Trained, tmp_path: Path) -> None:
    assert torch.equal(weights(whole), weights(run(scan, tmp_path)))
    assert not torch.equal(weights(whole), weights(run(scan, tmp_path, seed=1)))


@pytest.mark.parametrize("stop_at", [1, STEPS - 1, STEPS, STEPS + 3, 3 * STEPS - 2])
def test_stopped_and_continued_gives_the_same_bits(
    stop_at: int,
    scan: ScanData,
    whole: Trained,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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
    assert len(updates) == 3 * STEPS  # nothing repeated, nothing left out
    assert torch.equal(weights(whole), weights(continued))
    assert whole.patterns_seen == continued.patterns_seen
    for one, other in zip(whole.history, continued.history, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_a_kill_between_checkpoints_gives_the_same_bits(
    scan: ScanData,
    whole: Trained,
    after_an_epoch: bytes,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(after_an_epoch)
    with caplog.at_level(logging.INFO):
        assert torch.equal(weights(whole), weights(run(scan, tmp_path)))
    assert "continuing from the checkpoint: epoch 2" in caplog.text


@pytest.mark.parametrize("damage", ["truncated", "empty", "garbage", "other config"])
def test_an_unusable_checkpoint_is_refused_and_training_starts_over(
    damage: str, scan: ScanData, after_an_epoch: bytes, tmp_path: Path, caplog
) -> None:
    content, seed = after_an_epoch, 0
    match damage:
        case "truncated":
            content = content[:-1000]
        case "empty":
            content = b""
        case "garbage":
            content = b"not a checkpoint" * 100
        case "other config":
            seed = 1
    (tmp_path / "checkpoint.pt").write_bytes(content)
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
    assert len(held_out) == PATTERNS - TRAINED_ON
    assert sorted([*train_index, *held_out]) == list(range(PATTERNS))
    np.testing.assert_array_equal(scan.split(0.1)[1], held_out)


@pytest.mark.parametrize(
    "supervision", ["physics", pytest.param("teacher", marks=pytest.mark.long)]
)
def test_groups_of_patterns_train_at_equal_patterns_seen(
    supervision, dataset: Dataset, tmp_path: Path
) -> None:
    grouped = scan_data(dataset, dataset.objects, CPU, gridsize=2)
    assert len(grouped.groups) == 36
    config = replace(CONFIG, channels=4, width=12, blocks=None)
    settings = SETTINGS.model_copy(update={"epochs": 8})
    trained = run(grouped, tmp_path, settings, config=config, supervision=supervision)
    losses = [row["val_loss"] for row in trained.history]
    assert losses[-1] < 0.95 * losses[0]
    # Of 49 patterns 5 are held out, and a few more are in no group without one of these.
    train_index, _ = grouped.split(settings.validation_fraction)
    trained_on = len(np.unique(grouped.groups.members.numpy()[train_index]))
    assert 30 < trained_on <= TRAINED_ON
    assert trained.patterns_seen == 8 * 4 * math.ceil(trained_on / 4)
    again = run(grouped, tmp_path, settings, config=config, supervision=supervision)
    assert torch.equal(weights(trained), weights(again))


def test_groups_with_a_held_out_pattern_are_never_trained_on(dataset: Dataset) -> None:
    grouped = scan_data(dataset, None, CPU, gridsize=2)
    train_index, validation = grouped.split(0.05)
    assert sorted([*train_index, *validation]) == list(range(36))
    alone = scan_data(dataset, None, CPU)
    members = grouped.groups.members.numpy()
    assert np.isin(members[validation], alone.split(0.05)[1]).any(axis=1).all()
    assert not np.isin(members[train_index], alone.split(0.05)[1]).any()


def test_too_much_held_out_for_groups(dataset: Dataset) -> None:
    grouped = scan_data(dataset, None, CPU, gridsize=4)
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
    uniform = 0.7 * diffraction_amplitude(torch.ones(16, 16), scan.probe)
    data = replace(scan, diffraction=uniform.expand(5, 16, 16))
    assert transmission(data) == pytest.approx(0.7, rel=1e-5)
    assert 0.3 < transmission(scan) < 1


def test_target_patches_come_from_their_object(dataset: Dataset) -> None:
    two = replace(dataset, object_index=np.arange(PATTERNS, dtype=np.int32) % 2)
    objects = np.stack([dataset.objects[0], 2 * dataset.objects[0]])
    target = scan_data(two, objects, CPU).target
    factor = torch.tensor([1 + n % 2 for n in range(PATTERNS)])[:, None, None]
    torch.testing.assert_close(target, factor * torch.from_numpy(dataset.patches))


def test_target_patches_lie_at_any_positions(round_scan: Dataset) -> None:
    target = scan_data(round_scan, round_scan.objects, CPU).target
    assert target is not None
    torch.testing.assert_close(target, torch.from_numpy(round_scan.patches))
