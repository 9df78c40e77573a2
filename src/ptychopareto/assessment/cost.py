"""What a network costs: parameters, inference time, memory."""

import resource
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

WARM_UPS = 2
REPEATS = 5


def count_parameters(network: nn.Module) -> tuple[int, int]:
    """Trainable parameters (Σ numel), and the same with a complex parameter counted as two."""
    trainable = [p for p in network.parameters() if p.requires_grad]
    plain = sum(p.numel() for p in trainable)
    return plain, plain + sum(p.numel() for p in trainable if p.is_complex())


def median_seconds(work: Callable[[], object], device: torch.device) -> float:
    """Median wall time of `work` over some repeats, warmed up, with the device synchronised."""
    times = []
    for repeat in range(WARM_UPS + REPEATS):
        synchronize(device)
        began = time.perf_counter()
        work()
        synchronize(device)
        if repeat >= WARM_UPS:
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all that was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory_mb(device: torch.device) -> float:
    """Highest memory use so far [MiB]: of tensors on a GPU, of this process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
