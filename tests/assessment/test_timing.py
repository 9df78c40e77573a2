from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from ptychopareto.assessment import timing
from ptychopareto.assessment.timing import (
    EngineTiming,
    Timing,
    as_record,
    time_engine,
    time_models,
)
from ptychopareto.files import Dataset
from ptychopareto.models.registry import NetworkConfig, build, save_model

SMALL = NetworkConfig("fno", "none", modes=4, width=4, N=16)


@pytest.fixture
def models(tmp_path: Path) -> dict[str, Path]:
    """A small, a large and a failed network."""
    paths = {name: tmp_path / f"{name}.safetensors" for name in ("small", "large", "failed")}
    large = replace(SMALL, width=32)
    save_model(paths["small"], build(SMALL), SMALL, {"status": "ok"})
    save_model(paths["large"], build(large), large, {"status": "ok"})
    save_model(paths["failed"], build(SMALL), SMALL, {"status": "diverged"})
    return paths


def test_larger_networks_take_longer(models: dict[str, Path]) -> None:
    timings = time_models(models, torch.rand(40, 16, 16), rounds=5)
    assert set(timings) == {"small", "large"}
    small, large = timings["small"], timings["large"]
    assert small.inference_time_s < large.inference_time_s
    assert large.patterns_per_s == pytest.approx(40 / large.inference_time_s)
    assert 0 < large.single_pattern_s < large.inference_time_s
    assert large.inference_iqr_s >= 0


def test_rounds_are_interleaved_and_the_first_is_not_counted(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    times = iter([9.0, 9.0, 1.0, 10.0, 2.0, 20.0, 3.0, 30.0])

    def measured(network: nn.Module, _: torch.Tensor) -> tuple[float, list[float]]:
        calls.append(id(network))
        return next(times), [0.5]

    monkeypatch.setattr(timing, "_measure", measured)
    timings = time_models(models, torch.rand(4, 16, 16), rounds=3)
    assert all(set(calls[i : i + 2]) == set(calls) for i in range(0, 8, 2))
    counted = sorted(t.inference_time_s for t in timings.values())
    assert counted[0] <= 3
    assert sum(counted) < 60


def test_summary_by_hand() -> None:
    summary = timing._summary([1.0, 2.0, 3.0, 4.0, 10.0], [0.1, 0.3, 0.2], patterns=30)
    assert summary == Timing(3.0, 2.0, 10.0, 0.2)


def test_the_engine_is_timed(small_scan: tuple[Dataset, Dataset]) -> None:
    engine = time_engine(small_scan[1], 0.1, torch.device("cpu"), rounds=3)
    assert engine.epoch_s > 0
    assert engine.stitch_s > 0
    assert engine.setup_s >= 0


def test_record_names_the_machine() -> None:
    engine = EngineTiming(stitch_s=0.1, setup_s=0.2, epoch_s=0.3)
    record = as_record({"a": Timing(1.0, 0.1, 10.0, 0.2)}, engine, "a CPU")
    assert record["engine"]["epoch_s"] == 0.3
    assert record["models"]["a"]["inference_iqr_s"] == 0.1
    assert record["machine"]["device"] == "a CPU"
