"""Estimate the memory and time of a job from its configuration, for a cluster to reserve.

Estimates err on the side of plenty: a factor too much waits a little longer in a queue, a factor
too little kills the job. Each further attempt asks for that much more, and a training that ran out
of its time goes on from its checkpoint.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from math import ceil
from typing import Any

from network_costs import (
    Split,
    network_bytes,
    pixels,
    prediction_seconds,
    step_bytes,
    training_seconds,
)
from ptychopareto.config import MeasuredDataset, SimulatedDataset, StudyConfig
from ptychopareto.config.axes import AXES
from ptychopareto.files.stored import LARGE
from ptychopareto.study.runs import Run

MIB = 2**20

PROGRAM_MB = 2500  # Python, torch, and a GPU's driver on the host
GPU_PROGRAM_MB = 1500  # memory that CUDA and its libraries take on the device
SHORT_MINUTES = 1
START_MINUTES = 10  # start-up, a cold file system, reading the data
RPIE_SECONDS_PER_PIXEL = 1e-7  # per pixel of a pattern, in one epoch, on one core
TIMING_ROUNDS, LOADING_SECONDS = 5, 2.0
OF_NETWORKS = [name for name, axis in AXES.items() if axis.owner == "network"]
DATA_BYTES_PER_PIXEL = 40
# Pixels of a large scan, whose patterns stay in their file: it takes no more than the largest scan
# that is held in memory (`stored.LARGE` bytes of float32).
LARGE_PIXELS = LARGE // 4


@dataclass(frozen=True)
class Estimate:
    """The resources that a job may need.

    Attributes
    ----------
    mem_mb : int
        Host memory [MiB].
    gpu_mem_mb : int
        GPU memory [MiB]; 0 for a job without a GPU.
    runtime : int
        Run time [min].
    """

    mem_mb: int
    gpu_mem_mb: int
    runtime: int


def training(run: Run, study: StudyConfig, until: int | None = None) -> Estimate:
    """Estimate the training of the network of one run.

    Parameters
    ----------
    run : Run
    study : StudyConfig
    until : int, optional
        The number of epochs after which it pauses. None: it is trained to the end.

    Returns
    -------
    Estimate
    """
    memory = step_bytes(run, study) + network_bytes(run, study)
    return _estimate(study, "train", memory, training_seconds(run, study, until))


def inference(runs: Iterable[Run], study: StudyConfig) -> Estimate:
    """Estimate the evaluation of any one of the runs: reconstruct the test scan, and refine it.

    Parameters
    ----------
    runs : iterable of Run
    study : StudyConfig

    Returns
    -------
    Estimate
        Enough for each of them.
    """
    runs, scan = list(runs), pixels(study, "test")
    seconds = max(prediction_seconds(run, study, scan) for run in runs)
    seconds += scan * max(study.refine.epochs) * RPIE_SECONDS_PER_PIXEL
    return _estimate(study, "test", _largest_network(runs, study), seconds)


def timing(runs: Iterable[Run], study: StudyConfig) -> Estimate:
    """Estimate the timing of the networks of all runs, one after the other, in rounds.

    Networks that differ in their weights alone are timed once; each is loaded once to tell.

    Parameters
    ----------
    runs : iterable of Run
    study : StudyConfig

    Returns
    -------
    Estimate
    """
    runs = list(runs)
    kinds = {tuple(getattr(run, name) for name in OF_NETWORKS): run for run in runs}
    seconds = LOADING_SECONDS * len(runs)
    seconds += TIMING_ROUNDS * _one_after_the_other(kinds.values(), study)
    return _estimate(study, "test", _largest_network(runs, study), seconds)


def rpie(study: StudyConfig, split: Split, epochs: int, held: bool = False) -> Estimate:
    """Estimate the classical reconstruction of a scan.

    Parameters
    ----------
    study : StudyConfig
    split : str
        The scan, "train" or "test".
    epochs : int
        Number of epochs.
    held : bool, optional
        Whether all patterns are in memory, even those of a large scan.

    Returns
    -------
    Estimate
    """
    seconds = epochs * pixels(study, split) * RPIE_SECONDS_PER_PIXEL
    return _estimate(study, split, 0, seconds, held)


def simulation(study: StudyConfig) -> Estimate:
    """Estimate the simulation of the scan, its import or preparation: never on a GPU."""
    held = not isinstance(study.dataset, MeasuredDataset)
    return replace(_estimate(study, "train", 0, 0, held), gpu_mem_mb=0)


def scenario(study: StudyConfig) -> Estimate:
    """Estimate the change of the test scan for any of the scenarios: never on a GPU."""
    estimates = [_estimate(changed, "test", 0, 0, held=True) for changed in _changed_studies(study)]
    return replace(max(estimates, key=lambda estimate: estimate.mem_mb), gpu_mem_mb=0)


def robustness(runs: Iterable[Run], study: StudyConfig) -> Estimate:
    """Estimate the evaluation of all networks, and of rPIE, on the scan of any of the scenarios.

    Parameters
    ----------
    runs : iterable of Run
    study : StudyConfig

    Returns
    -------
    Estimate
        Enough for each scenario.
    """
    runs, largest = list(runs), _with_largest_scan(study)
    seconds = _one_after_the_other(runs, largest)
    seconds += pixels(largest, "test") * max(study.classical.epochs) * RPIE_SECONDS_PER_PIXEL
    return _estimate(largest, "test", _largest_network(runs, study), seconds)


def at_best(runs: Iterable[Run], study: StudyConfig) -> Estimate:
    """Estimate rPIE at its best, from a flat start and after the networks of the front.

    Parameters
    ----------
    runs : iterable of Run
    study : StudyConfig

    Returns
    -------
    Estimate
        Enough for each scenario, if all networks are on the front.
    """
    runs, settings = list(runs), study.at_best
    estimate = robustness(runs, study)
    if settings is None:
        return estimate
    passes = settings.most_passes + len(runs) * settings.most_passes_after_network
    passes *= 1 + len(settings.alphas)
    seconds = passes * pixels(_with_largest_scan(study), "test") * RPIE_SECONDS_PER_PIXEL
    return replace(estimate, runtime=estimate.runtime + ceil(seconds / 60))


def _changed_studies(study: StudyConfig) -> list[StudyConfig]:
    """Return the study with the test scan of each scenario; a scan in a file has no known size."""
    steps = [change.scan_step for change in study.scenarios]
    if not isinstance(study.dataset, SimulatedDataset) or not any(steps):
        return [study]
    data = study.dataset
    datasets = [
        data.model_copy(update={"scan_step_test": step or data.scan_step_test}) for step in steps
    ]
    return [study.model_copy(update={"dataset": dataset}) for dataset in datasets]


def _with_largest_scan(study: StudyConfig) -> StudyConfig:
    """Return the study with the largest test scan of all scenarios."""
    return max(_changed_studies(study), key=lambda changed: pixels(changed, "test"))


def _one_after_the_other(runs: Iterable[Run], study: StudyConfig) -> float:
    """Estimate the seconds in which all networks are loaded and predict the test scan."""
    scan = pixels(study, "test")
    return sum(prediction_seconds(run, study, scan) + LOADING_SECONDS for run in runs)


def _largest_network(runs: Iterable[Run], study: StudyConfig) -> float:
    """Estimate the bytes that the largest of the networks takes."""
    return max(network_bytes(run, study) for run in runs)


def _estimate(
    study: StudyConfig, split: Split, network: float, seconds: float, held: bool = False
) -> Estimate:
    """Add the data: patterns, their patches as complex numbers, and copies on the way.

    A GPU holds the patterns of a large scan if they fit, the host only if the job has to.
    """
    scan = pixels(study, split)
    in_memory = scan if held else min(scan, LARGE_PIXELS)
    host, device = (
        ceil((network + DATA_BYTES_PER_PIXEL * count) / MIB) for count in (in_memory, scan)
    )
    return Estimate(
        mem_mb=PROGRAM_MB + host,
        gpu_mem_mb=0 if study.device == "cpu" else GPU_PROGRAM_MB + device,
        runtime=START_MINUTES + ceil(seconds / 60),
    )


def is_short(run: Run, study: StudyConfig, until: int | None = None) -> bool:
    """Tell whether the start-up of a job on a cluster would outweigh the training in it.

    Parameters
    ----------
    run : Run
    study : StudyConfig
    until : int, optional
        The number of epochs after which it pauses. None: it is trained to the end.

    Returns
    -------
    bool
    """
    return training(run, study, until).runtime - START_MINUTES <= SHORT_MINUTES


def demands(estimate: Callable[[Any], Estimate]) -> dict[str, Callable[..., int]]:
    """Return the estimate of a job in the form in which Snakemake takes resources.

    Parameters
    ----------
    estimate : callable
        Returns the estimate for a job's wildcards.

    Returns
    -------
    dict of callable
        A function of wildcards and attempt for each resource; each attempt asks for as much more.
    """
    return {
        field.name: lambda wildcards, attempt, name=field.name: (
            attempt * getattr(estimate(wildcards), name)
        )
        for field in fields(Estimate)
    }
