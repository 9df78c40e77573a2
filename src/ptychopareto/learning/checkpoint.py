"""Checkpoints inside a training, and the request to stop that makes one more."""

import hashlib
import json
import logging
import pickle
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from zipfile import BadZipFile

import torch

from ptychopareto.files import atomic

log = logging.getLogger(__name__)

FORMAT = 1


class Checkpoint:
    """The state of an unfinished training in one file, bound to the config and data it belongs to.

    `identity` is anything JSON-serialisable that must be the same for a training to continue.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path = path
        text = json.dumps({"format": FORMAT, **identity}, sort_keys=True)
        self.key = hashlib.sha256(text.encode()).hexdigest()

    def save(self, state: Mapping[str, Any]) -> None:
        """Write atomically: a kill at any moment leaves the previous checkpoint or this one."""
        with atomic(self.path) as temporary, temporary.open("wb") as file:
            torch.save({"key": self.key, "state": dict(state)}, file)

    def load(self, device: torch.device) -> dict[str, Any] | None:
        """The saved state, or None where there is none that fits; the log says why."""
        if not self.path.exists():
            return None
        try:
            content = torch.load(self.path, map_location=device, weights_only=True)
            key, state = content["key"], content["state"]
        except (
            OSError,
            EOFError,
            RuntimeError,
            KeyError,
            TypeError,
            ValueError,
            BadZipFile,
            pickle.UnpicklingError,
        ):
            log.warning("%s is damaged; the training starts over", self.path)
            return None
        if key != self.key:
            log.warning(
                "%s belongs to another config or other data; the training starts over", self.path
            )
            return None
        return dict(state)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


class Stopped(SystemExit):
    """A signal asked to stop, and the state is saved; the exit code is 128 + its number."""


class StopRequest:
    """Whether a signal has asked this process to stop, and which."""

    signal: int | None = None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
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
