"""Checkpoints inside a training, and the request to stop that makes one more."""

import hashlib
import json
import logging
import math
import pickle
import signal
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any

import torch
from torch import Tensor

from ptychopareto.files import atomic
from ptychopareto.files.errors import DAMAGE

log = logging.getLogger(__name__)

FORMAT = 2

# Errors that `torch.load` raises besides, if the bytes are whole but not those of a checkpoint.
_DAMAGE = (*DAMAGE, AttributeError, AssertionError, pickle.UnpicklingError)


class Checkpoint:
    """The state of an unfinished training in one file, bound to its config, data and code.

    The file is one line of JSON (format, key, CRC-32 of the rest) and the bytes that `torch.save`
    writes.

    Parameters
    ----------
    path : Path
        The file; its folder is made where it is missing.
    identity : dict
        Values that JSON knows; they must be the same for a training to continue.
    minutes : float
        Minutes after a checkpoint, or after the start, from which on the next one is `due`.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any], minutes: float = 5.0) -> None:
        self.path, self.minutes = path, minutes
        self.key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        self._saved = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether the last checkpoint, or the start, is more than `minutes` ago."""
        return time.monotonic() - self._saved >= 60 * self.minutes

    def save(self, state: Mapping[str, Any]) -> None:
        """Write the state atomically: a kill at any moment leaves the last checkpoint or this one.

        Raises
        ------
        OSError
            The file cannot be written, as on a full disk.
        """
        with atomic(self.path) as temporary, temporary.open("w+b") as file:
            content = file.write(self._header(0))
            try:
                torch.save(dict(state), file)
            except RuntimeError as error:  # torch wonders why nothing was written; the disk knows
                raise error.__context__ or error from None
            file.seek(content)
            checksum = _checksum(file)
            file.seek(0)
            file.write(self._header(checksum))
        self._saved = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """Read the saved state, on the CPU; None if there is none that fits: the log says why."""
        self._remove_leftovers()
        if not self.path.exists():
            return None
        try:
            with self.path.open("rb") as file:
                header = json.loads(file.readline(1000))
                if header["format"] != FORMAT:
                    self.refuse(f"has the format {header['format']!r}, and {FORMAT} is wanted")
                    return None
                if header["key"] != self.key:
                    self.refuse("belongs to another config, other data or other code")
                    return None
                content = file.tell()
                if header["crc32"] != f"{_checksum(file):08x}":
                    raise ValueError("checksum")
                file.seek(content)
                return dict(torch.load(file, map_location="cpu", weights_only=True))
        except _DAMAGE:
            self.refuse(f"is damaged, or older than the format {FORMAT}")
            return None

    def refuse(self, reason: str) -> None:
        """Say in the log why the training does not continue from here; the next save overwrites."""
        log.warning("%s %s; the training starts over", self.path, reason)

    def _header(self, checksum: int) -> bytes:
        """Return the first line; it is as long for any checksum, so that it can be written last."""
        header = {"format": FORMAT, "key": self.key, "crc32": f"{checksum:08x}"}
        return json.dumps(header).encode() + b"\n"

    def _remove_leftovers(self) -> None:
        """Remove the temporary files of trainings that were killed while they saved."""
        for file in self.path.parent.glob(f".{'[0-9a-f]' * 32}{self.path.suffix}"):
            file.unlink(missing_ok=True)


def _checksum(file: IO[bytes]) -> int:
    """Return the CRC-32 from here to the end."""
    checksum = 0
    while block := file.read(1 << 20):
        checksum = zlib.crc32(block, checksum)
    return checksum


def agrees(value: Any, form: Any) -> bool:
    """Tell whether a value has the keys, types and shapes of another one, and is finite throughout.

    Parameters
    ----------
    value : object
        Tensors and numbers in mappings and lists.
    form : object
        A value of the wanted form.

    Returns
    -------
    bool
    """
    match form:
        case Tensor():
            return (
                isinstance(value, Tensor)
                and (value.layout, value.dtype, value.shape)
                == (form.layout, form.dtype, form.shape)
                and value.stride() == form.stride()
                and bool(value.isfinite().all())
            )
        case Mapping():
            return (
                isinstance(value, Mapping)
                and value.keys() == form.keys()
                and all(agrees(value[key], item) for key, item in form.items())
            )
        case list():
            return (
                isinstance(value, list)
                and len(value) == len(form)
                and all(agrees(*pair) for pair in zip(value, form, strict=True))
            )
        case _:
            return type(value) is type(form) and math.isfinite(value)


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
