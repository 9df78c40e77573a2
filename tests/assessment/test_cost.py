import time

import pytest
import torch
from torch import nn

from ptychopareto.assessment.cost import count_parameters, peak_memory_mb, seconds_of, timed

CPU = torch.device("cpu")


def test_parameters_are_counted() -> None:
    network = nn.Linear(3, 4)
    assert count_parameters(network) == (16, 16)
    network.extra = nn.Parameter(torch.zeros(5, dtype=torch.complex64))
    assert count_parameters(network) == (21, 26)
    network.weight.requires_grad_(False)
    assert count_parameters(network) == (9, 14)


def test_seconds_are_wall_time() -> None:
    assert seconds_of(lambda: time.sleep(0.05), CPU) >= 0.05
    assert timed(lambda: "done", CPU)[0] == "done"


def test_peak_memory_holds_what_was_allocated() -> None:
    block = torch.ones(512 * 2**20 // 4)
    assert block.sum() > 0
    assert peak_memory_mb(CPU) > 512


def test_peak_memory_on_a_mac_is_counted_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    in_kibibytes = peak_memory_mb(CPU)
    monkeypatch.setattr("sys.platform", "darwin")
    assert peak_memory_mb(CPU) == pytest.approx(in_kibibytes / 1024, rel=0.01)
