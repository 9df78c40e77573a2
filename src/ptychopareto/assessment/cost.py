"""Measure what a network costs: parameters, inference time, memory."""

import resource
import sys
import time
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

T = TypeVar("T")


def count_parameters(network: nn.Module) -> tuple[int, int]:
    """Count trainable parameters (Σ numel), and again with a complex parameter counted as two."""
    trainable = [p for p in network.parameters() if p.requires_grad]
    plain = sum(p.numel() for p in trainable)
    return plain, plain + sum(p.numel() for p in trainable if p.is_complex())


def timed(work: Callable[[], T], device: torch.device) -> tuple[T, float]:
    """Run a function and take its wall time; the device is synchronised before and after it.

    Parameters
    ----------
    work : callable
        The function; it takes no arguments.
    device : torch.device
        The device that the function uses.

    Returns
    -------
    tuple
        What the function returns, and the wall time [s].
    """
    synchronize(device)
    began = time.perf_counter()
    result = work()
    synchronize(device)
    return result, time.perf_counter() - began


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Run a function and return its wall time alone.

    Parameters
    ----------
    work : callable
        The function; it takes no arguments.
    device : torch.device
        The device that the function uses.

    Returns
    -------
    float
        The wall time [s].
    """
    return timed(work, device)[1]


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all that was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory_mb(device: torch.device) -> float:
    """Return the highest memory use so far [MiB]: of tensors on a GPU, of this process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # bytes there, KiB elsewhere
