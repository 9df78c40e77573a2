"""How things are timed here: in turns, beside what the machine can do at best."""

import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import torch
import yaml

from ptychopareto.config import SimulatedDataset, StudyConfig, parse_study

ROOT = Path(__file__).parents[1]
SECONDS = 4.0  # at least so long is a comparison repeated
ROUNDS = 5  # and at least so often


def interleaved(
    contenders: Mapping[str, Callable[[], object]], seconds: float = SECONDS
) -> dict[str, float]:
    """The median time [s] of each contender, called in turns after a round to warm up.

    What slows the machine for a while then slows all of them.
    """
    return timed({name: partial(duration, call) for name, call in contenders.items()}, seconds)


def timed(turns: Mapping[str, Callable[[], float]], seconds: float) -> dict[str, float]:
    """The medians of what the turns return, which are times [s]."""
    times: dict[str, list[float]] = {name: [] for name in turns}
    for turn in turns.values():
        turn()
    began = time.perf_counter()
    rounds = 0
    while rounds < ROUNDS or time.perf_counter() - began < seconds:
        for name, turn in turns.items():
            times[name].append(turn())
        rounds += 1
    return {name: statistics.median(values) for name, values in times.items()}


def duration(call: Callable[[], object]) -> float:
    """How long a call takes [s]."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def in_turns(
    makers: Mapping[str, Callable[[], Callable[[], object]]], seconds: float = SECONDS
) -> dict[str, float]:
    """As `interleaved`, but each contender lives in a process of its own.

    For what differs in a setting of the whole process, as that of its memory. Each maker is called
    in its process and makes the contender; it has to be picklable.
    """
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        turns = {}
        for name, maker in makers.items():
            here, there = context.Pipe()
            threads = torch.get_num_threads()
            worker = context.Process(target=_take_turns, args=(maker, there, threads), daemon=True)
            worker.start()
            there.close()
            stack.callback(worker.join)
            stack.callback(here.close)
            turns[name] = partial(_one_turn, here)
        return timed(turns, seconds)


def _take_turns(
    maker: Callable[[], Callable[[], object]], connection: Connection, threads: int
) -> None:
    """What the process of a contender does until nobody asks it any more."""
    torch.set_num_threads(threads)
    call = maker()
    with suppress(EOFError):
        while True:
            connection.recv()
            connection.send(duration(call))


def _one_turn(connection: Connection) -> float:
    connection.send(None)
    seconds: float = connection.recv()
    return seconds


def matmul_peak() -> float:
    """FLOP/s of the product of two float32 matrices of 2048²: what no layer can exceed."""
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    return 2 * 2048**3 / interleaved({"matmul": lambda: a @ b}, 2.0)["matmul"]


def copy_bandwidth() -> float:
    """Bytes/s read and written by copying 256 MB, which no cache holds."""
    source = torch.ones(2**26)
    target = torch.empty_like(source)
    seconds = interleaved({"copy": lambda: target.copy_(source)}, 2.0)["copy"]
    return 2 * source.numel() * source.element_size() / seconds


def light_study() -> StudyConfig:
    """What `config.yaml` says."""
    return parse_study(yaml.safe_load((ROOT / "config.yaml").read_text()))


def simulated_scan(study: StudyConfig) -> SimulatedDataset:
    """The scan of a study that simulates it."""
    if not isinstance(study.dataset, SimulatedDataset):
        raise TypeError("this study does not simulate its scan")
    return study.dataset


def machine() -> str:
    """Processor, threads and versions in one line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"
    capability = torch.backends.cpu.get_cpu_capability()
    return (
        f"{name} ({capability}), {torch.get_num_threads()} threads; "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )


def computes_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself; without, torch takes many times as long."""
    flags = Path("/proc/cpuinfo").read_text()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
