"""The request to stop that a signal makes: a training answers it with a last checkpoint."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(SystemExit):
    """A signal asked to stop, and a checkpoint is written; the exit code is 128 + its number."""


class StopRequest:
    """The signal that asked this process to stop; None if there was none."""

    signal: int | None = None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Keep the number of a signal; this is its handler."""
        self.signal = number


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn SIGTERM and SIGINT into a request that the training loop answers at its next step."""
    request = StopRequest()
    previous = {
        number: signal.signal(number, request) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
