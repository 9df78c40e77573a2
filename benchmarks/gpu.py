"""Networks on a GPU: each architecture at the size of lines128, and trainings that share one."""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Literal

import torch

from benchmarks.measuring import duration, table
from ptychopareto.config import ARCHITECTURES, Architecture, Training
from ptychopareto.learning.checkpoint import Checkpoint
from ptychopareto.learning.scan_data import ScanData
from ptychopareto.learning.supervision import make_loss
from ptychopareto.learning.trainer import Trainer
from ptychopareto.models.registry import NetworkConfig, build
from ptychopareto.physics.groups import single_patterns
from ptychopareto.reconstruction.predict import predict

SIZE, BATCH, WIDTH, MODES = 128, 16, 32, 12
PATTERNS = 64 * BATCH
WARM_UP, STEPS, INFERENCES = 50, 30, 5
SHARING = (1, 2, 4, 8)  # trainings at the same time
SHARED_SECONDS = 6.0
Precision = Literal["float32", "bfloat16"]


def section() -> str:
    """Both tables."""
    rows = [row(architecture) for architecture in ARCHITECTURES]
    head = ["network", "step [ms]", "GPU busy", "trained per s", "in bfloat16", "memory [MiB]"]
    shared = [[str(count), f"{together(count):.0f}"] for count in SHARING]
    return (
        f"Patterns of {SIZE}², width {WIDTH}, {MODES} modes, batches of {BATCH} in "
        f"training; {PATTERNS} patterns in a scan.\n\n"
        f"{table([*head, 'inferred per s', 'one pattern [ms]'], rows)}\n"
        f"### Trainings that share a GPU: fno, all of them together\n\n"
        f"{table(['trainings', 'patterns/s'], shared)}"
    )


def row(architecture: Architecture) -> list[str]:
    """What one network takes, trained and used."""
    step = training_step(architecture)
    torch.cuda.reset_peak_memory_stats()
    seconds = per_call(step)
    memory = torch.cuda.max_memory_allocated() / 2**20
    busy = kernel_seconds(step) / seconds
    bfloat16 = per_call(training_step(architecture, "bfloat16"))
    whole, single = inference(architecture)
    return [
        architecture,
        f"{1000 * seconds:.1f}",
        f"{100 * busy:.0f} %",
        f"{BATCH / seconds:.0f}",
        f"{BATCH / bfloat16:.0f}",
        f"{memory:.0f}",
        f"{PATTERNS / whole:.0f}",
        f"{1000 * single:.1f}",
    ]


def network_config(architecture: Architecture) -> NetworkConfig:
    return NetworkConfig(architecture, "none", MODES, WIDTH, SIZE, skips=False)


def training_step(
    architecture: Architecture, precision: Precision = "float32"
) -> Callable[[], object]:
    """A step as the package does it, from the indices of a batch to the new weights."""
    device = torch.device("cuda")
    scan = ScanData(
        torch.rand(PATTERNS, SIZE, SIZE, device=device),
        torch.randn(SIZE, SIZE, dtype=torch.complex64, device=device),
        None,
        single_patterns(PATTERNS, device),
    )
    settings = Training(batch_size=BATCH, epochs=100_000, precision=precision)
    loss = make_loss("physics", settings, scan)
    network = build(network_config(architecture)).to(device)
    # Nothing is ever saved there: only `Trainer.run` does.
    trainer = Trainer(network, 0, settings, scan, loss, Checkpoint(Path("checkpoint.pt"), {}))
    return partial(trainer.update, torch.arange(BATCH, device=device))


def per_call(call: Callable[[], object]) -> float:
    """The time [s] of one of many calls in a row, as they follow each other in a training."""
    for _ in range(WARM_UP):
        call()
    return duration(partial(many, call)) / STEPS


def many(call: Callable[[], object]) -> None:
    """Call it `STEPS` times, and wait for the GPU before and after."""
    torch.cuda.synchronize()
    for _ in range(STEPS):
        call()
    torch.cuda.synchronize()


def kernel_seconds(call: Callable[[], object]) -> float:
    """The time [s] for which one call keeps the GPU at work."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        many(call)
    return sum(event.self_device_time_total for event in profile.key_averages()) / 1e6 / STEPS


def inference(architecture: Architecture) -> tuple[float, float]:
    """The time [s] of a scan and of one pattern alone."""
    device = torch.device("cuda")
    network = build(network_config(architecture)).to(device).eval()
    patterns = torch.rand(PATTERNS, SIZE, SIZE, device=device)
    probe, groups = torch.ones(SIZE, SIZE, device=device), single_patterns(PATTERNS, device)

    def seconds(count: int) -> float:
        part = groups.first(count)

        def call() -> None:
            predict(network, patterns, probe, part)
            torch.cuda.synchronize()

        call()
        return sorted(duration(call) for _ in range(INFERENCES))[INFERENCES // 2]

    return seconds(PATTERNS), seconds(1)


@dataclass(frozen=True)
class Shift:
    """What a process that trains beside others is given."""

    start: Barrier
    trained: "Queue[float]"


def together(count: int) -> float:
    """Patterns per second of so many trainings that run at the same time."""
    context = multiprocessing.get_context("spawn")
    shift = Shift(context.Barrier(count), context.Queue())
    workers = [context.Process(target=train_along, args=(shift,)) for _ in range(count)]
    for worker in workers:
        worker.start()
    rate = sum(shift.trained.get() for _ in workers)
    for worker in workers:
        worker.join()
    return rate


def train_along(shift: Shift) -> None:
    """Train until the time is up; tell how many patterns per second that were."""
    torch.set_num_threads(1)
    step = training_step("fno")
    many(step)
    shift.start.wait()
    rounds, began = 0, time.perf_counter()
    while time.perf_counter() - began < SHARED_SECONDS:
        many(step)
        rounds += 1
    shift.trained.put(rounds * STEPS * BATCH / (time.perf_counter() - began))
