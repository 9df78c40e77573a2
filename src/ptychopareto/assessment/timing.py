"""Time all trained networks of a study in one process, so that their latencies can be compared."""

import logging
import statistics
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ptychopareto.assessment import onnx_timing
from ptychopareto.assessment.cost import seconds_of
from ptychopareto.assessment.engine_timing import ROUNDS, EngineTiming
from ptychopareto.assessment.latency import Samples, Timing, measure
from ptychopareto.files import read_dataset
from ptychopareto.models.registry import NetworkConfig, load_model
from ptychopareto.physics.groups import Groups
from ptychopareto.physics.on_device import OnDevice

log = logging.getLogger(__name__)


def time_models(
    models: Mapping[str, Path],
    diffraction: OnDevice,
    probe: Tensor,
    groups: Groups,
    rounds: int = ROUNDS,
    with_onnx: bool = True,
) -> dict[str, Timing]:
    """Time networks on groups of patterns, side by side.

    Networks that differ in their weights alone, such as those of other seeds, compute the same and
    share their latencies. Each round loads, warms up and runs one network of each kind, another one
    of it each time, in a new order: what slows the machine for a while then slows all of them, and
    a study of any size fits into memory. A network whose training failed, or that does not fit on
    the device, is left out.

    Parameters
    ----------
    models : dict of Path
        The model file of each network by its name.
    diffraction : (B, N, N) real
        Measured √I, on the device where networks are to run.
    probe : (N, N) or (M, N, N) complex
        The probe, on the same device.
    groups : Groups
        The groups in which patterns enter a network.
    rounds : int, optional
        Number of rounds.
    with_onnx : bool, optional
        Whether networks are timed with onnxruntime as well, where it is and runs on the device.

    Returns
    -------
    dict of Timing
        Latencies of each network by its name.

    Raises
    ------
    FileError
        A model file is damaged.
    """
    kinds = _kinds(models)
    samples = [Samples() for _ in kinds]
    order = np.random.default_rng(0)
    with ExitStack() as stack:
        onnx_files = None
        if with_onnx and onnx_timing.can_run(diffraction.device):
            onnx_files = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for number in range(rounds):
            for kind in order.permutation(len(kinds)):
                name = kinds[kind][number % len(kinds[kind])]
                network, _, _ = load_model(models[name])
                try:
                    network = network.to(diffraction.device)
                    found = measure(network, diffraction, probe, groups)
                except torch.OutOfMemoryError:
                    log.warning("%s does not fit on the device: no latencies", name)
                    continue
                if onnx_files is not None:  # the first of its kind, to export one of each
                    model = models[kinds[kind][0]]
                    found.onnx += _with_onnxruntime(model, onnx_files, diffraction, probe, groups)
                samples[kind].add(found)
            log.info("timing %d networks: round %d of %d done", len(kinds), number + 1, rounds)
    return {
        name: timing
        for kind, found in zip(kinds, samples, strict=True)
        if found.whole
        for timing in [found.summary(len(diffraction))]
        for name in kind
    }


def _kinds(models: Mapping[str, Path]) -> list[list[str]]:
    """Group the names of networks that compute the same; those whose training failed are none."""
    kinds: dict[NetworkConfig, list[str]] = {}
    for name, path in models.items():
        _, config, training = load_model(path)
        if training["status"] == "ok":
            kinds.setdefault(_computation(config), []).append(name)
    return list(kinds.values())


def _computation(config: NetworkConfig) -> NetworkConfig:
    """Return a config without what its training data have set, but whether it resamples."""
    magnification = 1.0 if config.magnification == 1 else 2.0
    return replace(config, magnification=magnification, input_scale=1.0, transmission=1.0)


def _with_onnxruntime(
    model: Path, folder: Path, diffraction: OnDevice, probe: Tensor, groups: Groups
) -> list[float]:
    """Return the time of a scan with onnxruntime [s]; none for what cannot be exported."""
    predictor = onnx_timing.predictor_of(model, folder)
    if predictor is None:
        return []
    return [onnx_timing.seconds_of_scan(predictor, diffraction, probe, groups)]


def reading_time(path: Path, rounds: int = ROUNDS) -> float:
    """Time the reading of a scan that was read before.

    Parameters
    ----------
    path : Path
        The scan's file.
    rounds : int, optional
        Number of readings.

    Returns
    -------
    float
        The median time [s].
    """
    read, cpu = partial(read_dataset, path), torch.device("cpu")
    return statistics.median(seconds_of(read, cpu) for _ in range(rounds))


def as_record(
    timings: Mapping[str, Timing],
    engine: EngineTiming,
    device: str,
    read_s: float,
    n_patterns: int,
) -> dict[str, Any]:
    """Return the content of `timing.json`.

    Parameters
    ----------
    timings : dict of Timing
        Latencies of each network by its name.
    engine : EngineTiming
        Times of stitching and rPIE.
    device : str
        The hardware in words.
    read_s : float
        Time to read the test scan [s].
    n_patterns : int
        Number of patterns of the test scan.

    Returns
    -------
    dict
        Values that JSON knows.
    """
    around = {"read_s": read_s, "stitch_s": engine.stitch_s / engine.scored_fraction}
    models = {}
    for name, timing in timings.items():
        times = {**asdict(timing), **around}
        whole = timing.inference_time_s + sum(around.values())
        times |= {"end_to_end_s": whole, "end_to_end_pattern_s": whole / n_patterns}
        if timing.onnx_inference_time_s is not None:
            times["onnx_end_to_end_s"] = timing.onnx_inference_time_s + sum(around.values())
        models[name] = times
    return {
        "machine": {"device": device, "torch": torch.__version__},
        "rounds": ROUNDS,
        "engine": asdict(engine),
        "models": models,
    }
