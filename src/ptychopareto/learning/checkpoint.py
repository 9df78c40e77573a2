"""The state of an unfinished training, and the file that keeps it."""

import hashlib
import json
import logging
import math
import pickle
import time
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor, nn

from ptychopareto.files import atomic
from ptychopareto.files.errors import DAMAGE
from ptychopareto.learning.progress import ROW, Progress

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
            self.refuse("is damaged")
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


Weights = dict[str, Tensor]


class State:
    """All that the rest of a training depends on, and how it is saved and restored.

    Parameters
    ----------
    network : torch.nn.Module
        The network, before its first step.
    optimizer : torch.optim.Optimizer
        AdamW, over all parameters of the network.
    epochs, steps : int
        Number of epochs of the training, and of steps in an epoch.

    Attributes
    ----------
    progress : Progress
        How far the training is.
    best : dict of Tensor
        The weights of the best epoch so far.
    """

    def __init__(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, epochs: int, steps: int
    ) -> None:
        self.network, self.optimizer, self.epochs, self.steps = network, optimizer, epochs, steps
        self.device = next(network.parameters()).device
        self.progress = Progress()
        self.best = self.weights()
        self.generators = generators(self.device)

    def weights(self) -> Weights:
        """Return a copy of the network's weights; it has no other state."""
        return {name: value.clone() for name, value in self.network.state_dict().items()}

    def save(self, checkpoint: Checkpoint) -> None:
        """Save the state, unless it is no longer finite: the loss shows that a few steps later.

        Raises
        ------
        OSError
            The checkpoint cannot be written, as on a full disk.
        """
        stored = {
            "progress": asdict(self.progress),
            "network": self.network.state_dict(),
            "best": self.best,
            "optimizer": self.optimizer.state_dict()["state"],
            "random": {name: source.get_state() for name, source in self.generators.items()},
        }
        if self._fits(stored):
            checkpoint.save(stored)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take the state that was saved, if there is one that this training can be in.

        If not, nothing is changed, and the log has one line that says why.
        """
        stored = checkpoint.load()
        if stored is None:
            return
        try:
            fits = self._fits(stored)
        except (TypeError, LookupError, AttributeError, RuntimeError):
            fits = False
        if not fits:
            checkpoint.refuse("is damaged: this training cannot be in such a state")
            return
        self.progress = Progress(**stored["progress"])
        self.network.load_state_dict(stored["network"])
        self.best = {name: value.to(self.device) for name, value in stored["best"].items()}
        settings = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": stored["optimizer"], "param_groups": settings})
        for name in self.generators.keys() & stored["random"].keys():
            self.generators[name].set_state(stored["random"][name])
        epoch, step = self.progress.epoch + 1, self.progress.step
        if epoch > self.epochs:
            epoch, step = self.epochs, self.steps
        log.info("continuing from the checkpoint: epoch %d, step %d", epoch, step)

    def _fits(self, stored: Mapping[str, Any]) -> bool:
        """Tell whether this training could be in a state.

        A state of another form raises TypeError, LookupError, AttributeError or RuntimeError.
        """
        progress, weights = Progress(**stored["progress"]), self.network.state_dict()
        form = {
            "progress": asdict(Progress([ROW] * progress.epoch)),
            "network": weights,
            "best": weights,
            "optimizer": {
                number: {"step": torch.zeros(()), "exp_avg": weight, "exp_avg_sq": weight}
                for number, weight in enumerate(self.network.parameters())
            },
        }
        for name in self.generators.keys() & stored["random"].keys():
            torch.Generator(self.generators[name].device).set_state(stored["random"][name])
        if not all(agrees(stored[part], like) for part, like in form.items()):
            return False
        epochs, steps = self.epochs, self.steps
        return (
            [row["epoch"] for row in progress.history] == [*range(1, progress.epoch + 1)]
            and 0 <= progress.step <= steps
            and 0 < progress.epoch * steps + progress.step <= epochs * steps
            and progress.seconds >= 0
        )


def generators(device: torch.device) -> dict[str, torch.Generator]:
    """Return the sources of random numbers of a training on a device, by their names."""
    sources = {"cpu": torch.default_generator}
    if device.type == "cuda":
        index = torch.cuda.current_device() if device.index is None else device.index
        sources["cuda"] = torch.cuda.default_generators[index]
    return sources


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
