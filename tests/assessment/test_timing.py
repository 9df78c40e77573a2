import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ptychopareto.assessment import latency, onnx_timing, timing
from ptychopareto.assessment.engine_timing import EngineTiming, time_engine
from ptychopareto.assessment.latency import Samples, Timing
from ptychopareto.assessment.timing import as_record, reading_time, time_models
from ptychopareto.config.columns import MEASURES
from ptychopareto.export.onnx_file import write_onnx
from ptychopareto.files import Dataset, write_dataset
from ptychopareto.models.registry import NetworkConfig, build, save_model
from ptychopareto.physics.groups import single_patterns

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


@pytest.fixture(autouse=True)
def without_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its exports would take most of the time of these tests; one of them has it."""
    monkeypatch.setattr(onnx_timing, "find_spec", lambda _: None)


def times(models: dict[str, Path], patterns: int, rounds: int = 5) -> dict[str, Timing]:
    """Time networks on so many patterns, each alone."""
    groups = single_patterns(patterns, torch.device("cpu"))
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
    monkeypatch.setattr(latency, "predict", lambda *given: counted.append(len(given[-1])))
    monkeypatch.setattr(latency, "seconds_of", lambda work, device: (work(), counted[-1])[1])
    monkeypatch.setattr(latency, "BATCHES", 2)
    timings = times({"small": models["small"]}, 100)
    assert max(counted) == 64
    assert timings["small"].inference_time_s == 100
    assert timings["small"].patterns_per_s == 1


def test_rounds_are_interleaved(models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    scripted = iter([1.0, 10.0, 2.0, 20.0, 3.0, 30.0])

    def measured(network: nn.Module, *_: object) -> Samples:
        calls.append(sum(p.numel() for p in network.parameters()))
        return Samples([next(scripted)], [0.1], [0.2], [0.5])

    monkeypatch.setattr(timing, "measure", measured)
    timings = times(models, 4, rounds=3)
    assert all(set(calls[i : i + 2]) == set(calls) for i in range(0, 6, 2))
    assert len(set(calls)) == 2
    assert set(timings) == {"small", "large"}


def test_networks_that_differ_in_their_weights_share_their_latencies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_data = replace(SMALL, magnification=1.3, input_scale=2.0, transmission=0.5)
    resampled = replace(other_data, magnification=-0.8)
    trained = {"seed 0": SMALL, "seed 1": SMALL, "scaled": replace(SMALL, input_scale=2.0)}
    trained |= {"other data": other_data, "resampled": resampled}
    paths = {name: tmp_path / f"{name}.safetensors" for name in trained}
    for name, config in trained.items():
        save_model(paths[name], build(config), config, {"status": "ok"})
    loaded: list[Path] = []
    load = timing.load_model
    monkeypatch.setattr(timing, "load_model", lambda path: (loaded.append(path), load(path))[1])
    found = times(paths, 4, rounds=3)
    assert set(found) == set(paths)
    assert found["seed 0"] == found["seed 1"] == found["scaled"]
    assert found["other data"] == found["resampled"] != found["seed 0"]
    timed = loaded[len(paths) :]
    assert len(timed) == 2 * 3
    assert {paths[name] for name in ("seed 0", "seed 1", "scaled")} <= set(timed)


def test_a_network_that_does_not_fit_is_left_out(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(network: nn.Module, *_: object) -> Samples:
        if sum(p.numel() for p in network.parameters()) > 10_000:
            raise torch.OutOfMemoryError
        return Samples([1.0], [0.1], [0.2], [0.1])

    monkeypatch.setattr(timing, "measure", measured)
    assert set(times(models, 4)) == {"small"}


def test_two_calls_agree_on_the_order(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Networks that differ 64-fold in work, on a clock that other work of the machine leaves alone.

    Tests compute in one thread.
    """
    monkeypatch.setattr(time, "perf_counter", time.thread_time)
    for _ in range(2):
        timings = times(models, 40)
        assert timings["small"].inference_time_s < timings["large"].inference_time_s


def test_summary_by_hand() -> None:
    hundred = [0.01 * number for number in range(101)]
    samples = Samples([1.0, 2.0, 3.0], [0.2, 0.2, 0.5], hundred, [0.1, 0.3, 0.2], [2.0])
    samples.add(Samples([4.0, 10.0]))
    assert samples.summary(n_patterns=30) == Timing(
        inference_time_s=3.0,
        inference_iqr_s=2.0,
        patterns_per_s=10.0,
        transform_s=0.2,
        single_pattern_s=0.2,
        single_pattern_p99_s=pytest.approx(0.298),
        batch64_s=pytest.approx(0.5),
        batch64_p99_s=pytest.approx(0.99),
        onnx_inference_time_s=2.0,
    )


def test_networks_are_timed_with_onnxruntime_where_it_is(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    without = times(models, 20, rounds=1)
    assert all(timing.onnx_inference_time_s is None for timing in without.values())
    monkeypatch.setattr(onnx_timing, "find_spec", find_spec)
    groups = single_patterns(20, torch.device("cpu"))
    scan = (torch.rand(20, 16, 16), torch.ones(16, 16), groups)
    without = time_models(models, *scan, rounds=1, with_onnx=False)
    assert all(timing.onnx_inference_time_s is None for timing in without.values())
    exported: list[Path] = []

    def count(path: Path, *network: Any) -> None:
        exported.append(path)
        write_onnx(path, *network)

    monkeypatch.setattr(onnx_timing, "write_onnx", count)
    save_model(
        models["small"].with_name("other.safetensors"), build(SMALL), SMALL, {"status": "ok"}
    )
    models["other"] = models["small"].with_name("other.safetensors")
    assert all(timing.onnx_inference_time_s for timing in times(models, 20, rounds=2).values())
    assert len(exported) == 2  # other is small with other weights


def test_a_scan_is_read_on_the_clock(small_scan: tuple[Dataset, Dataset], tmp_path: Path) -> None:
    write_dataset(tmp_path / "test.npz", small_scan[1])
    assert 0 < reading_time(tmp_path / "test.npz") < 5


def test_the_engine_is_timed(small_scan: tuple[Dataset, Dataset]) -> None:
    engine = time_engine(small_scan[1], 0.1, torch.device("cpu"), rounds=3)
    assert engine.scored_fraction == 1
    assert engine.epoch_s > 0
    assert engine.stitch_s > 0
    assert engine.setup_s >= 0


def test_record_names_the_machine_and_adds_up() -> None:
    engine = EngineTiming(scored_fraction=0.5, stitch_s=0.1, setup_s=0.2, epoch_s=0.3)
    plain = Timing(1.0, 0.1, 10.0, 0.05, 0.2, 0.25, 0.5, 0.6)
    timings = {"a": plain, "b": replace(plain, onnx_inference_time_s=0.5)}
    record = as_record(timings, engine, "a CPU", read_s=0.3, n_patterns=10)
    assert record["engine"]["epoch_s"] == 0.3
    assert record["models"]["a"]["inference_iqr_s"] == 0.1
    assert record["machine"]["device"] == "a CPU"
    first, second = record["models"].values()
    # Twice the stitching of the first of two objects.
    assert first["end_to_end_s"] == pytest.approx(0.3 + 1.0 + 0.2)
    assert first["end_to_end_pattern_s"] == pytest.approx(0.15)
    assert "onnx_end_to_end_s" not in first
    assert second["onnx_end_to_end_s"] == pytest.approx(0.3 + 0.5 + 0.2)
    known = {name for name, column in MEASURES.items() if column.latency}
    assert known == set(second)
