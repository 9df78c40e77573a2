"""Progress of a training, in numbers and in the lines of its log."""

import logging
import time
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

REPORT_SECONDS = 10.0

# One epoch in the history.
ROW = {"epoch": 0, "train_loss": 0.0, "val_loss": 0.0, "learning_rate": 0.0, "seconds": 0.0}


@dataclass
class Progress:
    """Where a training stands: the finished epochs and the steps of the one after them.

    Attributes
    ----------
    history : list of dict of float
        A row for each finished epoch, with the keys of `ROW`.
    step : int
        Steps done in the epoch after them.
    loss_sum : float
        Sum of the losses of these steps.
    seconds : float
        Time of the training so far [s], over all its parts.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    step: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0

    @property
    def epoch(self) -> int:
        """The number of finished epochs."""
        return len(self.history)

    @property
    def best_epoch(self) -> int:
        """The first epoch with the smallest validation loss, from 1; 0 before there is one."""
        losses = [row["val_loss"] for row in self.history]
        return losses.index(min(losses)) + 1 if losses else 0


class Reporter:
    """Progress lines for a terminal and a log file: one per epoch, and some during long ones.

    Parameters
    ----------
    progress : Progress
        The training to report on, where it begins or goes on.
    epochs, steps : int
        Number of epochs of the training, and of steps in an epoch.
    patterns_per_step : int
        Number of patterns in a step.
    """

    def __init__(self, progress: Progress, epochs: int, steps: int, patterns_per_step: int) -> None:
        self.progress, self.epochs, self.steps = progress, epochs, steps
        self.patterns_per_step = patterns_per_step
        self.began = self.last = time.perf_counter()
        self.first_step = self._steps_done()

    def step(self) -> None:
        """Report on a step, if the last line is older than `REPORT_SECONDS`."""
        if time.perf_counter() - self.last >= REPORT_SECONDS:
            loss = self.progress.loss_sum / self.progress.step
            self._line(f"step {self.progress.step}/{self.steps}  loss {loss:.5f}", ahead=1)

    def epoch(self) -> None:
        """Report on the epoch that has just ended."""
        row = self.progress.history[-1]
        best = "  best so far" if row["epoch"] == self.progress.best_epoch else ""
        self._line(f"loss {row['train_loss']:.5f}  validation {row['val_loss']:.5f}{best}", ahead=0)

    def _line(self, text: str, ahead: int) -> None:
        self.last = time.perf_counter()
        done, speed = self._steps_done(), ""
        if done > self.first_step:  # else it was resumed at the very end of an epoch
            rate = (done - self.first_step) / (self.last - self.began)
            left = (self.epochs * self.steps - done) / rate / 60
            speed = f"{rate * self.patterns_per_step:.0f} patterns/s, {left:.1f} min left"
        log.info("epoch %d/%d  %s  %s", self.progress.epoch + ahead, self.epochs, text, speed)

    def _steps_done(self) -> int:
        return self.progress.epoch * self.steps + self.progress.step
