import time

import torch
from torch import nn

from ptychopareto.assessment.cost import count_parameters, median_seconds, peak_memory_mb

CPU = torch.device("cpu")


def test_parameters_are_counted() -> None:
    network = nn.Linear(3, 4)
    assert count_parameters(network) == (16, 16)
    network.extra = nn.Parameter(torch.zeros(5, dtype=torch.complex64))
    assert count_parameters(network) == (21, 26)
    network.weight.requires_grad_(False)
    assert count_parameters(network) == (9, 14)


def test_the_median_ignores_warm_up_and_outliers() -> None:
    pauses = iter([0.2, 0.2, 0.01, 0.01, 0.2, 0.01, 0.01])
    seconds = median_seconds(lambda: time.sleep(next(pauses)), CPU)
    assert 0.01 <= seconds < 0.2
    assert next(pauses, None) is None


def test_memory_of_the_process_grows_with_use() -> None:
    before = peak_memory_mb(CPU)
    block = torch.ones(64 * 2**20 // 4)
    assert peak_memory_mb(CPU) >= before > block.numel() * 0
