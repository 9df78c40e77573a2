"""Time all trained networks of a study in one process, so that their latencies can be compared."""

import logging
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ptychopareto.assessment.cost import seconds_of
from ptychopareto.files import Dataset
from ptychopareto.models.registry import load_model
from ptychopareto.physics.groups import Groups
from ptychopareto.physics.on_device import OnDevice
from ptychopareto.reconstruction.object_scan import ObjectScan
from ptychopareto.reconstruction.predict import batch_on, predict
from ptychopareto.reconstruction.rpie import flat_start
from ptychopareto.reconstruction.stitch import stitch

log = logging.getLogger(__name__)

ROUNDS = 5
WARM_UP = 32  # groups of patterns
# Batches are predicted one after the other, each in the same time: this number stands for a scan.
BATCHES = 8
# The time of one pattern is short but noisy, so it is taken more often.
SINGLES_PER_ROUND = 10


@dataclass(frozen=True)
class Timing:
    """Latencies of one network.

    The first three are those of the whole test scan, of which at most `BATCHES` batches are
    predicted in a round.

    Attributes
    ----------
    inference_time_s : float
        Median time of the scan [s].
    inference_iqr_s : float
        Interquartile range of that time [s].
    patterns_per_s : float
        Patterns of the scan per median time [1/s].
    single_pattern_s : float
        Median time of one group of patterns alone [s].
    """

    inference_time_s: float
    inference_iqr_s: float
    patterns_per_s: float
    single_pattern_s: float


def time_models(
    models: Mapping[str, Path],
    diffraction: OnDevice,
    probe: Tensor,
    groups: Groups,
    rounds: int = ROUNDS,
) -> dict[str, Timing]:
    """Time networks on groups of patterns, side by side.

    Each round loads, warms up and runs every network once, in a new order: what slows the machine
    for a while then slows all of them, and a study of any size fits into memory. A network whose
    training failed, or that does not fit on the device, is left out.

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

    Returns
    -------
    dict of Timing
        Latencies of each network by its name.

    Raises
    ------
    FileError
        A model file is damaged.
    """
    whole: dict[str, list[float]] = {name: [] for name in models}
    single: dict[str, list[float]] = {name: [] for name in models}
    order = np.random.default_rng(0)
    for number in range(1, 1 + rounds):
        for name in order.permutation(list(models)):
            network, _, training = load_model(models[name])
            if training["status"] != "ok":
                continue
            try:
                network = network.to(diffraction.device)
                seconds, singles = _measure(network, diffraction, probe, groups)
            except torch.OutOfMemoryError:
                log.warning("%s does not fit on the device: no latencies", name)
                continue
            whole[name].append(seconds)
            single[name] += singles
        log.info("timing %d networks: round %d of %d done", len(models), number, rounds)
    measured = (name for name in models if whole[name])
    return {name: _summary(whole[name], single[name], len(diffraction)) for name in measured}


@dataclass(frozen=True)
class EngineTiming:
    """Medians of what comes after the network: stitching, and rPIE.

    Attributes
    ----------
    scored_fraction : float
        Patterns of the first object, which these times are for, as a part of the test scan.
    stitch_s : float
        Stitching [s].
    setup_s : float
        RPIE's set-up [s].
    epoch_s : float
        One epoch of rPIE [s].
    """

    scored_fraction: float
    stitch_s: float
    setup_s: float
    epoch_s: float


def time_engine(
    test: Dataset, alpha: float, device: torch.device, rounds: int = ROUNDS
) -> EngineTiming:
    """Time stitching and rPIE on the scored scan; rPIE does the same work from any start.

    Parameters
    ----------
    test : Dataset
        The test scan.
    alpha : float
        Regularisation of rPIE, 0 < α ≤ 1.
    device : torch.device
        Where both run.
    rounds : int, optional
        Number of rounds after a first one, which is dropped.

    Returns
    -------
    EngineTiming
    """
    scan = ObjectScan.of(test.scored(), device)
    start = flat_start(scan.shape, device)
    patches = torch.ones((1, scan.N, scan.N), dtype=torch.complex64, device=device)
    patches = patches.expand(scan.diffraction.shape)
    if isinstance(scan.diffraction, Tensor):  # else they need not fit into memory
        patches = patches.contiguous()
    stitched = partial(stitch, patches, scan.probe, scan.corners, scan.shape, scan.fractions)
    times = []
    for _ in range(1 + rounds):
        stitching = seconds_of(stitched, device)
        passes = scan.rpie(start, alpha)
        first, second = (seconds_of(partial(next, passes), device) for _ in range(2))
        times.append((stitching, first - second, second))
    stitching, setup, epoch = (statistics.median(column) for column in zip(*times[1:], strict=True))
    fraction = len(scan) / len(test.diffraction)
    return EngineTiming(fraction, stitching, max(setup, 0.0), epoch)


def _measure(
    network: nn.Module, diffraction: OnDevice, probe: Tensor, groups: Groups
) -> tuple[float, list[float]]:
    """Return the time [s] of the whole scan, and several of one group alone."""

    def seconds_for(count: int) -> float:
        part = groups.first(count)
        return seconds_of(lambda: predict(network, diffraction, probe, part), diffraction.device)

    seconds_for(WARM_UP)
    singles = [seconds_for(1) for _ in range(SINGLES_PER_ROUND)]
    part = min(len(groups), BATCHES * batch_on(diffraction.device, groups, probe.shape[-1]))
    return seconds_for(part) * len(groups) / part, singles


def _summary(whole: list[float], single: list[float], count: int) -> Timing:
    low, median, high = np.quantile(whole, [0.25, 0.5, 0.75])
    return Timing(
        inference_time_s=float(median),
        inference_iqr_s=float(high - low),
        patterns_per_s=count / float(median),
        single_pattern_s=float(np.median(single)),
    )


def as_record(timings: Mapping[str, Timing], engine: EngineTiming, device: str) -> dict[str, Any]:
    """Return the content of `timing.json`.

    Parameters
    ----------
    timings : dict of Timing
        Latencies of each network by its name.
    engine : EngineTiming
        Times of stitching and rPIE.
    device : str
        The hardware in words.

    Returns
    -------
    dict
        Values that JSON knows.
    """
    return {
        "machine": {"device": device, "torch": torch.__version__},
        "rounds": ROUNDS,
        "engine": asdict(engine),
        "models": {name: asdict(timing) for name, timing in timings.items()},
    }
