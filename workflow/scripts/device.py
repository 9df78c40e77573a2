"""Choose where a job computes, and share the GPUs of one machine among the jobs of a study."""

import gc
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from joblog import GARBAGE_THRESHOLDS

if TYPE_CHECKING:
    import torch


class Gpu(NamedTuple):
    """A GPU that this process sees.

    Attributes
    ----------
    uuid : str
        Its name for all processes of the machine.
    memory_mb : int
        Its memory [MiB].
    """

    uuid: str
    memory_mb: int


class Reservation(NamedTuple):
    """The part of a GPU that a process takes, for as long as it lives.

    Attributes
    ----------
    pid : int
        The process.
    started : int
        When it started [clock ticks since the boot], which tells it from a later one with its id.
    uuid : str
        The GPU.
    memory_mb : int
        The memory it takes [MiB].
    """

    pid: int
    started: int
    uuid: str
    memory_mb: int


def prepare(job: Any) -> "torch.device":
    """Set up torch's threads and this process' memory for the job, and choose its device.

    Raises
    ------
    ConfigError
        A GPU is demanded where there is none.
    """
    import torch

    from ptychopareto.memory import keep_freed_memory

    torch.set_num_threads(job.threads)
    keep_freed_memory()
    gc.freeze()  # what was imported is no garbage
    gc.set_threshold(*GARBAGE_THRESHOLDS)  # from here on garbage may hold large arrays
    return choose_device(job)


def choose_device(job: Any) -> "torch.device":
    """Turn the config's `device` (auto, cpu, cuda) into what this machine has.

    A job that sees several GPUs is pinned to the one of which the study's other jobs of this moment
    leave most; there it reserves the memory of its resource `gpu_mem_mb`.

    Raises
    ------
    ConfigError
        A GPU is demanded where there is none.
    """
    import torch

    from ptychopareto.config import ConfigError

    name = job.params.device
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device: 'cuda' is not available on this machine; allowed: auto, cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu" or torch.cuda.device_count() == 1:
        return torch.device(name)
    seen = [torch.cuda.get_device_properties(n) for n in range(torch.cuda.device_count())]
    gpus = [Gpu(str(gpu.uuid), gpu.total_memory >> 20) for gpu in seen]
    table = Path("results") / f".gpu_reservations_{platform.node()}.json"
    device = torch.device("cuda", reserve(table, gpus, job.resources.get("gpu_mem_mb", 0)))
    torch.cuda.set_device(device)
    return device


def reserve(table: Path, gpus: Sequence[Gpu], memory_mb: int) -> int:
    """Reserve memory for this process on the GPU with most memory left.

    A reservation ends with its process, however that ends: the next process drops it.

    Parameters
    ----------
    table : Path
        The file with the reservations on this machine.
    gpus : sequence of Gpu
        The GPUs to choose from.
    memory_mb : int
        How much this process will need [MiB], as far as is known.

    Returns
    -------
    int
        The GPU's index in `gpus`.
    """
    import fcntl  # here, since Windows has none

    table.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(table, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        others = [
            entry
            for entry in _read(file)
            if entry.pid != os.getpid() and _started(entry.pid) == entry.started
        ]
        index = _emptiest(gpus, others)
        mine = Reservation(os.getpid(), _started(os.getpid()) or 0, gpus[index].uuid, memory_mb)
        _write(file, [*others, mine])
    finally:
        os.close(file)
    return index


def _emptiest(gpus: Sequence[Gpu], reservations: Sequence[Reservation]) -> int:
    """Return the index of the GPU with most memory left; among equals, of fewest processes."""

    def room(index: int) -> tuple[int, int]:
        taken = [entry.memory_mb for entry in reservations if entry.uuid == gpus[index].uuid]
        return gpus[index].memory_mb - sum(taken), -len(taken)

    return max(range(len(gpus)), key=room)


def _started(pid: int) -> int | None:
    """When a process started [clock ticks since the boot]; None if it does not run."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else int(fields[18])


def _read(file: int) -> list[Reservation]:
    """Read the first line; anything after it is the rest of a longer one, see `_write`."""
    line = os.pread(file, os.fstat(file).st_size, 0).partition(b"\n")[0]
    try:
        return [Reservation(*entry) for entry in json.loads(line)]
    except (ValueError, TypeError):  # new, or damaged: as if nobody had reserved anything
        return []


def _write(file: int, reservations: Sequence[Reservation]) -> None:
    """Write all at once: there is no moment at which a kill would leave half a line."""
    line = json.dumps(reservations).encode() + b"\n"
    os.pwrite(file, line, 0)
    os.ftruncate(file, len(line))
