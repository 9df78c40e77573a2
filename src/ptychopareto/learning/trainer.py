"""The training loop."""

import logging
import math
import time
from collections.abc import Iterator, Sequence
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

from ptychopareto.config import Training
from ptychopareto.learning.checkpoint import Checkpoint, State
from ptychopareto.learning.progress import Progress, Reporter
from ptychopareto.learning.scan_data import ScanData
from ptychopareto.learning.schedule import learning_rate
from ptychopareto.learning.stopping import Stopped, StopRequest
from ptychopareto.learning.supervision import Loss
from ptychopareto.models.network import Network

log = logging.getLogger(__name__)

# Steps between two looks for a non-finite loss: each look makes the host wait for the device.
CHECK_STEPS = 20
# Patterns that are validated at once; where they are larger than `VALIDATION_SIDE` [px], so many
# steps' worth of them, which take no more memory than the step.
VALIDATION_BATCH, VALIDATION_SIDE, VALIDATION_STEPS = 256, 128, 8


class Diverged(ArithmeticError):
    """The loss is no longer finite."""


class Trainer:
    """One network on one scan: `run` is the whole story, the other methods are its steps.

    Parameters
    ----------
    network : Network
        The network, on the device of the scan.
    seed : int
        Seed of the order of patterns.
    settings : Training
        The settings of the training.
    scan : ScanData
        The training scan.
    loss : Loss
        The loss, as `make_loss` returns it.
    checkpoint : Checkpoint
        Where the training is saved, and goes on from.
    """

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
        # An epoch sees as many patterns as there are to train on, though each is in several groups.
        trained_on = len(scan.groups.members[self.train_index].unique())
        self.per_epoch = min(len(self.train_index), math.ceil(trained_on / scan.groups.size))
        self.batch = max(1, settings.batch_size // scan.groups.size)
        self.steps = math.ceil(self.per_epoch / self.batch)
        self.state = State(network, self.optimizer, settings.epochs, self.steps)

    @property
    def progress(self) -> Progress:
        """How far the training is."""
        return self.state.progress

    @property
    def patterns_seen(self) -> int:
        """Number of patterns seen, again in each epoch."""
        epoch, step = self.progress.epoch, self.progress.step
        groups = epoch * self.per_epoch + min(step * self.batch, self.per_epoch)
        return groups * self.scan.groups.size

    def run(self, stop: StopRequest, until: int | None = None) -> None:
        """Train all epochs, or those up to `until`, from wherever the checkpoint left off.

        Parameters
        ----------
        stop : StopRequest
            The request of a signal, which is looked at after each step.
        until : int, optional
            The epoch to stop at; None for all epochs.

        Raises
        ------
        Stopped
            A signal asked to stop, and a checkpoint is written.
        Diverged
            The loss is no longer finite.
        """
        self.state.restore(self.checkpoint)
        progress, epochs = self.progress, self.settings.epochs
        began = time.perf_counter() - progress.seconds
        reporter = Reporter(progress, epochs, self.steps, self.batch * self.scan.groups.size)
        while progress.epoch < min(epochs, until or epochs):
            running = torch.zeros((), device=self.scan.probe.device) + progress.loss_sum
            for batch in self._expecting(self._batches(progress.epoch)[progress.step :]):
                running += self.update(batch)
                progress.step += 1
                progress.seconds = time.perf_counter() - began
                if progress.step % CHECK_STEPS == 0 or progress.step == self.steps:
                    progress.loss_sum = self._finite(float(running))
                    reporter.step()
                    if self.checkpoint.due:
                        self.state.save(self.checkpoint)
                if stop.signal is not None:
                    progress.loss_sum = float(running)
                    self._stop(stop.signal)
            self._end_epoch(began)
            reporter.epoch()

    def _batches(self, epoch: int) -> list[Tensor]:
        """Return batches of groups; seed and epoch alone decide: a resumed epoch repeats them."""
        order = np.random.default_rng([self.seed, epoch]).permutation(self.train_index)
        drawn = torch.from_numpy(order[: self.per_epoch]).to(self.scan.probe.device)
        return list(drawn.split(self.batch))

    def _expecting(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """Yield batches, and let the next one be read while each is used, if it is in a file."""
        for number, batch in enumerate(batches, start=1):
            if number < len(batches):
                self.scan.expect(batches[number])
            yield batch

    def update(self, batch: Tensor) -> Tensor:
        """Do one step on the groups `batch` (g,); return the loss, still on the device."""
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate(self.progress.step)
        self.optimizer.zero_grad(set_to_none=True)
        bfloat16 = self.settings.precision == "bfloat16"
        with torch.autocast(batch.device.type, torch.bfloat16, enabled=bfloat16):
            predicted = self.network(self.scan.patterns(batch))
        loss = self.loss(self.scan.merge(predicted, batch), batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.gradient_clip)
        self.optimizer.step()
        return loss.detach()

    def _learning_rate(self, step: int) -> float:
        """Return the learning rate of a step of this epoch."""
        step += self.progress.epoch * self.steps
        return learning_rate(step, self.settings.epochs * self.steps, self.settings)

    def _stop(self, number: int) -> NoReturn:
        """End the training because of a signal, with one more checkpoint."""
        self.state.save(self.checkpoint)
        progress = self.progress
        log.warning(
            "stopped by signal %d: epoch %d, step %d", number, progress.epoch + 1, progress.step
        )
        raise Stopped(128 + number)

    def _end_epoch(self, began: float) -> None:
        progress = self.progress
        train_loss = progress.loss_sum / self.steps
        validation = self._finite(self._validate())
        progress.seconds = time.perf_counter() - began
        row = {
            "epoch": progress.epoch + 1,
            "train_loss": train_loss,
            "val_loss": validation,
            "learning_rate": self._learning_rate(self.steps - 1),
            "seconds": progress.seconds - sum(row["seconds"] for row in progress.history),
        }
        progress.history.append(row)
        progress.step, progress.loss_sum = 0, 0.0
        if progress.best_epoch == progress.epoch:
            self.state.best = self.state.weights()
        self.state.save(self.checkpoint)

    @torch.no_grad()
    def _validate(self) -> float:
        """Return the mean loss on the groups of the held-out patterns."""
        total = torch.zeros((), device=self.scan.probe.device)
        held_out = torch.from_numpy(self.held_out).to(self.scan.probe.device)
        for which in self._expecting(held_out.split(self._validation_batch())):
            predicted = self.scan.merge(self.network(self.scan.patterns(which)), which)
            total += self.loss(predicted, which) * len(which)
        return float(total) / len(self.held_out)

    def _validation_batch(self) -> int:
        """Return the number of groups that are validated at once."""
        n_patterns = VALIDATION_BATCH
        if self.scan.probe.shape[-1] > VALIDATION_SIDE:
            n_patterns = min(n_patterns, VALIDATION_STEPS * self.settings.batch_size)
        return max(1, n_patterns // self.scan.groups.size)

    def _finite(self, loss: float) -> float:
        if not math.isfinite(loss):
            raise Diverged(
                f"non-finite loss in epoch {self.progress.epoch + 1}, by step {self.progress.step}"
            )
        return loss
