"""A scan larger than the memory that a job may take: from its file, and all in memory."""

import json
import math
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measuring import ROOT, table

SIDE, N, STEP = 128, 256, 16  # positions a side, px of a pattern, px between two positions
STEPS, BATCH, ROUNDS = 48, 4, 3
RECONSTRUCTED = 512  # patterns
HELD_OUT = 0.005
WIDTH, MODES = 8, 12
ALLOWED_MB, ALLOWED_SPEED = 1500, 0.9
WAYS = ("from its file", "all in memory")
NEEDED_GB = (
    18  # free memory, for the scan in memory: 4.3 of patterns, 8.6 of patches, 2.1 of counts
)


def section() -> str:
    """Train and reconstruct in processes of their own, in turns: from the file, and in memory."""
    free = available()
    if free < NEEDED_GB:
        raise SystemExit(f"{free:.0f} GB of memory are free; the scan in memory wants {NEEDED_GB}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.npz"
        make_scan(path)
        size, count = path.stat().st_size / 1e9, SIDE**2
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for number in range(ROUNDS):
            # What the one before leaves behind, such as a full cache of files, hits both ways.
            for way in WAYS if number % 2 == 0 else WAYS[::-1]:
                found[way].append(_in_its_process(path, way))
                print(way, found[way][-1], flush=True)
    median = {
        way: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for way, runs in found.items()
    }
    columns = {
        "beyond torch's own, peak [MB]": ("anonymous_mb", "{:.0f}"),
        "the same, with pages of files [MB]": ("resident_mb", "{:.0f}"),
        "until the first step [s]": ("start_s", "{:.1f}"),
        "training [patterns/s]": ("training", "{:.1f}"),
        "reconstruction [patterns/s]": ("reconstruction", "{:.1f}"),
    }
    rows = [
        [way, *(form.format(median[way][key]) for key, form in columns.values())] for way in WAYS
    ]
    there, whole = (median[way] for way in WAYS)
    ratios = [there[key] / whole[key] for key in ("training", "reconstruction")]
    return (
        f"{count:,} patterns of {N}² uint16 counts, {size:.1f} GB; fno of width {WIDTH} that "
        f"learns objects, batches of {BATCH}, {STEPS} steps and a validation; then "
        f"{RECONSTRUCTED:,} patterns are reconstructed. Medians of {ROUNDS} runs each, in turns, "
        f"each in a process of its own:\n\n"
        f"{table(['patterns', *columns], rows)}\n"
        f"From its file the scan takes {there['anonymous_mb']:.0f} MB (aim: below {ALLOWED_MB}) at "
        f"{ratios[0]:.2f} and {ratios[1]:.2f} times the speed (aim: at least {ALLOWED_SPEED})."
    )


def make_scan(path: Path) -> None:
    """Write a scan of Poisson counts, some patterns drawn and then tiled, in a beam like a disc."""
    from ptychopareto.files import Dataset, StoredPatterns, write_dataset
    from ptychopareto.preparation.spool import Spool

    rng = np.random.default_rng(0)
    axis = np.arange(N) - N // 2
    distance = np.hypot(axis[:, None], axis)
    mean = 50 * np.exp(-((distance / (N / 5)) ** 2))
    drawn = rng.poisson(mean, (64, N, N)).astype(np.uint16)
    spool = Spool(path.parent, (N, N), drawn.dtype)
    for _ in range(SIDE**2 // len(drawn)):
        spool.add(np.roll(drawn, int(rng.integers(8)), axis=0))
    corners = np.stack(np.divmod(np.arange(SIDE**2), SIDE), axis=1) * STEP
    shape = (SIDE - 1) * STEP + N
    noise = rng.random((shape // 8 + 1, shape // 8 + 1)).astype(np.float32)
    phase = np.kron(noise, np.ones((8, 8), np.float32))[:shape, :shape]
    power = mean.sum() / (distance < N / 4).sum()
    dataset = Dataset(
        diffraction=StoredPatterns(spool.array(), 1.0),
        probe=(np.sqrt(power) * (distance < N / 4)).astype(np.complex64),
        corners=corners,
        object_index=np.zeros(SIDE**2, np.int32),
        objects=np.exp(1j * phase).astype(np.complex64)[None],
        intensity_scale=1.0,
    )
    write_dataset(path, dataset)


def _in_its_process(path: Path, way: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.large_scan", str(path), way]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


class Memory(threading.Thread):
    """The memory of this process at its peak beyond that when this thread was made [MB].

    Pages of files count as resident, though the system can take them back at any moment. Anonymous
    memory it cannot; its peak the kernel does not tell, so it is looked at 50 times a second.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._begin, self._resident = status("RssAnon"), status("VmRSS")
        self._most = self._begin
        self.start()

    def run(self) -> None:
        while True:
            self._most = max(self._most, status("RssAnon"))
            time.sleep(0.02)

    def peaks(self) -> dict[str, float]:
        """What was taken beyond the beginning."""
        return {
            "anonymous_mb": self._most - self._begin,
            "resident_mb": status("VmHWM") - self._resident,
        }


def available() -> float:
    """The memory that the system has for new programs [GB]."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("MemAvailable:"))
    return int(line.split()[1]) * 1024 / 1e9


def status(name: str) -> float:
    """A line of /proc/self/status [MB]."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024 / 1e6


def main(path: Path, way: str) -> None:
    """Train and reconstruct, and print the figures as JSON."""
    from dataclasses import replace

    from ptychopareto.config import Training
    from ptychopareto.files import read_dataset
    from ptychopareto.learning.checkpoint import Checkpoint
    from ptychopareto.learning.scales import input_scale, transmission
    from ptychopareto.learning.scan_data import scan_data
    from ptychopareto.learning.supervision import make_loss
    from ptychopareto.learning.trainer import Trainer
    from ptychopareto.memory import keep_freed_memory
    from ptychopareto.models.registry import NetworkConfig, build
    from ptychopareto.reconstruction.reconstruct import reconstruct

    keep_freed_memory()
    _warm_up()
    memory, began = Memory(), time.perf_counter()
    scan = read_dataset(path, held=math.inf if way == WAYS[1] else None)
    data = scan_data(scan, scan.objects, torch.device("cpu"))
    config = NetworkConfig("fno", "sqrt", modes=MODES, width=WIDTH, N=N)
    config = replace(config, input_scale=input_scale(config, data), transmission=transmission(data))
    settings = Training(epochs=1, batch_size=BATCH, validation_fraction=HELD_OUT)
    torch.manual_seed(0)
    checkpoint = Checkpoint(path.with_name("checkpoint.pt"), {"data": data.fingerprint()})
    loss = make_loss("teacher", settings, data)
    trainer = Trainer(build(config), 0, settings, data, loss, checkpoint)
    figures: dict[str, Any] = {"start_s": time.perf_counter() - began}
    rng = np.random.default_rng(0)
    batches = torch.from_numpy(rng.permutation(trainer.train_index)).split(BATCH)[: STEPS + 2]
    for batch in batches[:2]:
        trainer.update(batch)
    began = time.perf_counter()
    for batch in trainer._expecting(batches[2:]):
        trainer.update(batch)
    figures["training"] = STEPS * BATCH / (time.perf_counter() - began)
    trainer._validate()  # for its memory
    began = time.perf_counter()
    network = trainer.network.eval()
    del trainer, loss, data
    reconstruct(network, scan.part(np.arange(0, SIDE**2, max(1, SIDE**2 // RECONSTRUCTED))))
    figures["reconstruction"] = RECONSTRUCTED / (time.perf_counter() - began)
    print(json.dumps(figures | memory.peaks()))


def _warm_up() -> None:
    """What torch takes for itself: threads, and the code of its kernels."""
    layer = torch.nn.Conv2d(1, 4, 3)
    layer(torch.rand(1, 1, 32, 32)).square().mean().backward()
    torch.fft.ifft2(torch.fft.fft2(torch.rand(4, 32, 32))).abs()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
