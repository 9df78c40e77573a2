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
from ptychopareto.physics.groups import alone

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


def times(models: dict[str, Path], patterns: int, rounds: int = 5) -> dict[str, Timing]:
    """Time networks on so many patterns, each alone."""
    groups = alone(patterns, torch.device("cpu"))
    return time_models(models, torch.rand(patterns, 16, 16), torch.ones(16, 16), groups, rounds)


def test_latencies_of_each_network(models: dict[str, Path]) -> None:
    timings = times(models, 40)
    assert set(timings) == {"small", "large"}
    large = timings["large"]
    assert large.patterns_per_s == pytest.approx(40 / large.inference_time_s)
    assert 0 < large.single_pattern_s < large.inference_time_s
    assert large.inference_iqr_s >= 0


def test_a_large_scan_is_reckoned_from_a_part(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that counts patterns: a second for each."""
    counted: list[int] = []
    monkeypatch.setattr(timing, "predict", lambda *given: counted.append(len(given[-1])))
    monkeypatch.setattr(timing, "seconds_of", lambda work, device: work() or counted[-1])
    monkeypatch.setattr(timing, "BATCHES", 2)
    timings = times({"small": models["small"]}, 100)
    assert max(counted) == 64
    assert timings["small"].inference_time_s == 100
    assert timings["small"].patterns_per_s == 1


def test_rounds_are_interleaved(models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    scripted = iter([1.0, 10.0, 2.0, 20.0, 3.0, 30.0])

    def measured(network: nn.Module, *_: object) -> tuple[float, list[float]]:
        calls.append(sum(p.numel() for p in network.parameters()))
        return next(scripted), [0.5]

    monkeypatch.setattr(timing, "_measure", measured)
    timings = times(models, 4, rounds=3)
    assert all(set(calls[i : i + 2]) == set(calls) for i in range(0, 6, 2))
    assert len(set(calls)) == 2
    assert set(timings) == {"small", "large"}


def test_a_network_that_does_not_fit_is_left_out(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(network: nn.Module, *_: object) -> tuple[float, list[float]]:
        if sum(p.numel() for p in network.parameters()) > 10_000:
            raise torch.OutOfMemoryError
        return 1.0, [0.1]

    monkeypatch.setattr(timing, "_measure", measured)
    assert set(times(models, 4)) == {"small"}


def test_two_calls_agree_on_the_order(models: dict[str, Path]) -> None:
    """Networks that differ 64-fold in work: no load of the machine may turn them round."""
    for _ in range(2):
        timings = times(models, 40)
        assert timings["small"].inference_time_s < timings["large"].inference_time_s


def test_summary_by_hand() -> None:
    summary = timing._summary([1.0, 2.0, 3.0, 4.0, 10.0], [0.1, 0.3, 0.2], patterns=30)
    assert summary == Timing(3.0, 2.0, 10.0, 0.2)


def test_the_engine_is_timed(small_scan: tuple[Dataset, Dataset]) -> None:
    engine = time_engine(small_scan[1], 0.1, torch.device("cpu"), rounds=3)
    assert engine.scored_fraction == 1
    assert engine.epoch_s > 0
    assert engine.stitch_s > 0
    assert engine.setup_s >= 0


def test_record_names_the_machine() -> None:
    engine = EngineTiming(scored_fraction=1.0, stitch_s=0.1, setup_s=0.2, epoch_s=0.3)
    record = as_record({"a": Timing(1.0, 0.1, 10.0, 0.2)}, engine, "a CPU")
    assert record["engine"]["epoch_s"] == 0.3
    assert record["models"]["a"]["inference_iqr_s"] == 0.1
    assert record["machine"]["device"] == "a CPU"
