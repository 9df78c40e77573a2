"""Time to quality: how long our recipe takes to the loss at which the usual one ends."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import mean, median
from typing import get_args

import torch

from benchmarks.measuring import light_study, simulated_scan, table
from ptychopareto.config import Architecture, StudyConfig, Supervision, Training
from ptychopareto.learning.checkpoint import Checkpoint
from ptychopareto.learning.scales import input_scale, transmission
from ptychopareto.learning.scan_data import ScanData, scan_data
from ptychopareto.learning.stopping import stop_on_signals
from ptychopareto.learning.supervision import make_loss
from ptychopareto.learning.trainer import Trainer
from ptychopareto.memory import keep_freed_memory
from ptychopareto.models.layers import Operator
from ptychopareto.models.registry import NetworkConfig, build
from ptychopareto.physics.registration import input_magnification
from ptychopareto.physics.simulation import simulate
from ptychopareto.reconstruction.teacher import teach

NETWORKS: tuple[tuple[Architecture, int], ...] = (("fno", 16), ("hybrid", 8))
MODES = 12
SEEDS = (0, 1, 2)
USUAL_RATE, USUAL_BATCH = 1e-3, 16


@dataclass(frozen=True)
class Outcome:
    """What a training came to: the smallest validation loss, and the wall time of all of it [s]."""

    loss: float
    seconds: float


class UsualTrainer(Trainer):
    """Adam at a constant rate, gradients as they come."""

    def _learning_rate(self, step: int) -> float:
        return USUAL_RATE


def section() -> str:
    """One row for each supervision and network; every training on one thread, as in a study."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    keep_freed_memory()
    study = light_study()
    rows = []
    for (supervision, data), (architecture, width) in product(scans(study), NETWORKS):
        network = NetworkConfig(
            architecture,
            "none",
            MODES,
            width,
            data.diffraction.shape[-1],
            magnification=input_magnification(data.probe.numpy(), "auto"),
            transmission=transmission(data),
        )
        network = replace(network, input_scale=input_scale(network, data))
        pairs = [compare(network, supervision, seed, study.training, data) for seed in SEEDS]
        rows.append([supervision, f"{architecture}, width {width}", *summary(pairs)])
    torch.set_num_threads(threads)
    return (
        f"Usual: Adam at {USUAL_RATE:g}, batch {USUAL_BATCH}, random start, "
        f"{study.training.epochs} epochs; ours: `config.yaml` with as few epochs as reach the loss "
        "at which the usual one ends. Both with the package's layers and step. Validation loss on "
        "the held-out patterns of the light study. Losses are the mean of the seeds "
        f"{', '.join(map(str, SEEDS))}, seconds their median; one thread.\n\n" + table(HEAD, rows)
    )


HEAD = ["supervision", "network", "usual loss", "usual [s]", "our epochs", "our loss", "ours [s]"]
HEAD += ["time ours / usual, of each seed"]


def summary(pairs: list[tuple[Outcome, int, Outcome]]) -> list[str]:
    usual, ours = [pair[0] for pair in pairs], [pair[2] for pair in pairs]
    ratios = [o.seconds / p.seconds for o, p in zip(ours, usual, strict=True)]
    return [
        f"{mean(p.loss for p in usual):.4g}",
        f"{median(p.seconds for p in usual):.0f}",
        ", ".join(str(epochs) for _, epochs, _ in pairs),
        f"{mean(o.loss for o in ours):.4g}",
        f"{median(o.seconds for o in ours):.0f}",
        ", ".join(f"{ratio:.2f}" for ratio in ratios),
    ]


def scans(study: StudyConfig) -> Iterator[tuple[Supervision, ScanData]]:
    """The training scan of the light study with what each supervision learns from."""
    train, _ = simulate(simulated_scan(study))
    device = torch.device("cpu")
    targets = {
        "physics": None,
        "teacher": teach(train, study.teacher, device),
        "truth": train.objects,
    }
    for supervision in get_args(Supervision):
        yield supervision, scan_data(train, targets[supervision], device)


def compare(
    network: NetworkConfig, supervision: Supervision, seed: int, settings: Training, data: ScanData
) -> tuple[Outcome, int, Outcome]:
    """The usual training, and the shortest of ours that ends no worse, with its epochs.

    Raises ValueError if not even the whole of ours does.
    """
    usual = outcome(UsualTrainer, network, supervision, seed, usual_settings(settings), data)
    for epochs in range(1, settings.epochs + 1):
        chosen = settings.model_copy(update={"epochs": epochs})
        ours = outcome(Trainer, network, supervision, seed, chosen, data)
        print(f"  {supervision}, {network.architecture}, seed {seed}: usual {usual}, ours {ours}")
        if ours.loss <= usual.loss:
            return usual, epochs, ours
    raise ValueError(f"usual training is better: {usual} against {ours}")


def usual_settings(settings: Training) -> Training:
    """Those that `UsualTrainer` and the light study share, and no gradient is ever clipped."""
    return settings.model_copy(update={"batch_size": USUAL_BATCH, "gradient_clip": float("inf")})


def outcome(
    kind: type[Trainer],
    config: NetworkConfig,
    supervision: Supervision,
    seed: int,
    settings: Training,
    data: ScanData,
) -> Outcome:
    """Train a network from scratch."""
    torch.manual_seed(seed)
    network = build(config)
    if kind is UsualTrainer and isinstance(network.body, Operator):
        network.body.head.reset_parameters()
    loss = make_loss(supervision, settings, data)
    with tempfile.TemporaryDirectory() as folder, stop_on_signals() as stop:
        checkpoint = Checkpoint(Path(folder, "checkpoint.pt"), {})
        trainer = kind(network, seed, settings, data, loss, checkpoint)
        trainer.run(stop)
    history = trainer.progress.history
    return Outcome(min(row["val_loss"] for row in history), trainer.progress.seconds)
