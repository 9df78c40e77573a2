"""The training loop."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ptychopareto.config import Supervision, Training
from ptychopareto.learning.checkpoint import Checkpoint, Stopped, StopRequest, stop_on_signals
from ptychopareto.learning.losses import amplitude_loss, object_loss, poisson_loss
from ptychopareto.learning.scan_data import ScanData
from ptychopareto.models.network import Network, transform
from ptychopareto.models.registry import NetworkConfig, build

log = logging.getLogger(__name__)

REPORT_SECONDS = 10.0
# A non-finite loss is looked for this often: each look makes the host wait for the device.
CHECK_STEPS = 20
VALIDATION_BATCH = 256

Loss = Callable[[Tensor, Tensor], Tensor]
Weights = dict[str, Tensor]


@dataclass
class Progress:
    """Where a training stands; with the tensors beside it, all that a checkpoint holds."""

    epoch: int = 0
    step: int = 0
    patterns: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0
    seconds_before_epoch: float = 0.0
    best_epoch: int = 0
    best_loss: float = math.inf
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Trained:
    """A finished training: the network with the weights of its best epoch, and what became of it.

    `history` has one row per epoch: epoch, train_loss, val_loss, learning_rate, seconds.
    `patterns` counts those seen, again in each epoch.
    `status` is ok, diverged or out_of_memory, with the reason in `error`.
    """

    network: Network
    history: list[dict[str, float]]
    status: str
    error: str
    best_epoch: int
    seconds: float
    patterns: int


class Diverged(ArithmeticError):
    """The loss is no longer finite."""


def input_scale(network: NetworkConfig, scan: ScanData) -> float:
    """RMS of the transformed training patterns; a network's input is divided by it."""
    x = transform(scan.diffraction, network.input_transform)
    return float(x.double().square().mean().sqrt())


def transmission(scan: ScanData) -> float:
    """RMS transmission of the training object: √(mean Σ I / Σ |P|²), as no light is lost."""
    power = scan.diffraction.double().square().sum((-2, -1)).mean()
    return float((power / scan.probe.abs().double().square().sum()).sqrt())


def learning_rate(step: int, steps: int, settings: Training) -> float:
    """Linear warm-up over the first `warmup` of all steps, then half a cosine down to zero."""
    warm = max(1, round(settings.warmup * steps))
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    return (
        settings.learning_rate
        * 0.5
        * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
    )


def train(
    config: NetworkConfig,
    supervision: Supervision,
    seed: int,
    settings: Training,
    scan: ScanData,
    checkpoint_path: Path,
) -> Trained:
    """Train one network, from its checkpoint if there is one that belongs to this very training.

    A numerical failure (non-finite loss, exhausted GPU memory) is returned as a status. SIGTERM
    and SIGINT save a checkpoint and raise `Stopped`. The checkpoint is removed at the end.
    """
    identity = {
        "network": asdict(config),
        "supervision": supervision,
        "seed": seed,
        "training": settings.model_dump(mode="json"),
        "data": scan.fingerprint(),
    }
    checkpoint = Checkpoint(checkpoint_path, identity)
    torch.manual_seed(seed)
    network = build(config).to(scan.diffraction.device)
    trainer = Trainer(
        network, seed, settings, scan, make_loss(supervision, settings, scan), checkpoint
    )
    status, error = "ok", ""
    try:
        with stop_on_signals() as stop:
            trainer.run(stop)
    except Diverged as failure:
        status, error = "diverged", str(failure)
    except torch.OutOfMemoryError as failure:
        status, error = "out_of_memory", str(failure).splitlines()[0]
    network.load_state_dict(trainer.best)
    checkpoint.remove()
    progress = trainer.progress
    return Trained(
        network=network.eval(),
        history=progress.history,
        status=status,
        error=error,
        best_epoch=progress.best_epoch,
        seconds=progress.seconds,
        patterns=progress.patterns,
    )


def make_loss(supervision: Supervision, settings: Training, scan: ScanData) -> Loss:
    """The loss as a function of (predicted patches, indices of their patterns)."""
    if supervision == "physics":
        measure = amplitude_loss if settings.physics_loss == "amplitude" else poisson_loss
        return lambda predicted, index: measure(predicted, scan.diffraction[index], scan.probe)
    if scan.target is None:
        raise ValueError(f"supervision '{supervision}' needs target objects")
    target, weight, free = scan.target, scan.probe.abs(), settings.gauge == "free"
    return lambda predicted, index: object_loss(predicted, target[index], weight, free)


class Trainer:
    """One network on one scan: `run` is the whole story, the other methods are its steps."""

    def __init__(
        self,
        network: Network,
        seed: int,
        settings: Training,
        scan: ScanData,
        loss: Loss,
        checkpoint: Checkpoint,
    ) -> None:
        self.network, self.seed, self.settings, self.scan = network, seed, settings, scan
        self.loss, self.checkpoint = loss, checkpoint
        self.optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self.train_index, self.held_out = scan.split(settings.validation_fraction)
        self.steps = math.ceil(len(self.train_index) / settings.batch_size)
        self.best = self._weights()
        self.progress = Progress()

    def run(self, stop: StopRequest) -> None:
        """All epochs, from wherever the checkpoint left off."""
        self._restore()
        progress, began = self.progress, time.perf_counter() - self.progress.seconds
        reporter = Reporter(self)
        while progress.epoch < self.settings.epochs:
            batches = self._batches(progress.epoch)
            running = torch.zeros((), device=self.scan.probe.device) + progress.loss_sum
            for batch in batches[progress.step :]:
                running += self._update(batch)
                progress.step += 1
                progress.patterns += len(batch)
                progress.seconds = time.perf_counter() - began
                if progress.step % CHECK_STEPS == 0 or progress.step == self.steps:
                    progress.loss_sum = self._finite(float(running))
                    reporter.step()
                if stop.signal is not None:
                    progress.loss_sum = self._finite(float(running))
                    self._save()
                    log.warning(
                        "stopped by signal %d in epoch %d; state saved",
                        stop.signal,
                        progress.epoch + 1,
                    )
                    raise Stopped(128 + stop.signal)
            self._end_epoch(began)
            reporter.epoch()

    def _batches(self, epoch: int) -> list[Tensor]:
        """Batches of pattern indices, decided by seed and epoch alone: resuming repeats them."""
        order = np.random.default_rng([self.seed, epoch]).permutation(self.train_index)
        return list(
            torch.from_numpy(order).to(self.scan.probe.device).split(self.settings.batch_size)
        )

    def _update(self, batch: Tensor) -> Tensor:
        """One optimiser step; returns the loss, still on the device."""
        progress = self.progress
        step = progress.epoch * self.steps + progress.step
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(step, self.settings.epochs * self.steps, self.settings)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.network(self.scan.diffraction[batch]), batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.gradient_clip)
        self.optimizer.step()
        return loss.detach()

    def _end_epoch(self, began: float) -> None:
        progress = self.progress
        train_loss = progress.loss_sum / self.steps
        validation = self._finite(self._validate())
        progress.seconds = time.perf_counter() - began
        row = {
            "epoch": progress.epoch + 1,
            "train_loss": train_loss,
            "val_loss": validation,
            "learning_rate": self.optimizer.param_groups[0]["lr"],
            "seconds": progress.seconds - progress.seconds_before_epoch,
        }
        progress.history.append(row)
        if validation < progress.best_loss:
            progress.best_loss, progress.best_epoch = validation, progress.epoch + 1
            self.best = self._weights()
        progress.epoch, progress.step, progress.loss_sum = progress.epoch + 1, 0, 0.0
        progress.seconds_before_epoch = progress.seconds
        if progress.epoch < self.settings.epochs:
            self._save()

    @torch.no_grad()
    def _validate(self) -> float:
        """Mean loss on the held-out patterns."""
        total = torch.zeros((), device=self.scan.probe.device)
        for index in (
            torch.from_numpy(self.held_out).to(self.scan.probe.device).split(VALIDATION_BATCH)
        ):
            total += self.loss(self.network(self.scan.diffraction[index]), index) * len(index)
        return float(total) / len(self.held_out)

    def _weights(self) -> Weights:
        """A copy of the network's weights; it has no other state."""
        return {name: value.clone() for name, value in self.network.state_dict().items()}

    def _finite(self, loss: float) -> float:
        if not math.isfinite(loss):
            raise Diverged(
                f"non-finite loss in epoch {self.progress.epoch + 1}, by step {self.progress.step}"
            )
        return loss

    def _save(self) -> None:
        state: dict[str, Any] = {
            "progress": asdict(self.progress),
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
        }
        self.checkpoint.save(state)

    def _restore(self) -> None:
        state = self.checkpoint.load(self.scan.probe.device)
        if state is None:
            return
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best = state["best"]
        self.progress = Progress(**state["progress"])
        log.info(
            "continuing from the checkpoint: epoch %d, step %d",
            self.progress.epoch + 1,
            self.progress.step,
        )


class Reporter:
    """Progress lines for a terminal and a log file: one per epoch, and some during long ones."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.began = self.last = time.perf_counter()
        self.first_step = self._steps_done()

    def step(self) -> None:
        if time.perf_counter() - self.last >= REPORT_SECONDS:
            progress = self.trainer.progress
            loss = progress.loss_sum / progress.step
            self._line(f"step {progress.step}/{self.trainer.steps}  loss {loss:.5f}", ahead=1)

    def epoch(self) -> None:
        row = self.trainer.progress.history[-1]
        best = "  best so far" if row["epoch"] == self.trainer.progress.best_epoch else ""
        self._line(f"loss {row['train_loss']:.5f}  validation {row['val_loss']:.5f}{best}", ahead=0)

    def _line(self, text: str, ahead: int) -> None:
        self.last = time.perf_counter()
        trainer, progress = self.trainer, self.trainer.progress
        done, steps = self._steps_done(), trainer.settings.epochs * trainer.steps
        speed = ""
        if done > self.first_step:  # else it was resumed at the very end of an epoch
            rate = (done - self.first_step) / (self.last - self.began)
            left = (steps - done) / rate / 60
            speed = f"{rate * trainer.settings.batch_size:.0f} patterns/s, {left:.1f} min left"
        log.info(
            "epoch %d/%d  %s  %s", progress.epoch + ahead, trainer.settings.epochs, text, speed
        )

    def _steps_done(self) -> int:
        return self.trainer.progress.epoch * self.trainer.steps + self.trainer.progress.step
