"""Estimate the memory and time of a job from its configuration, for a cluster to reserve.

Estimates err on the side of plenty: a factor too much waits a little longer in a queue, a factor
too little kills the job. Each further attempt asks for that much more, and a training that ran out
of its time goes on from its checkpoint. The constants of memory were read off trainings of fno and
hybrid on a CPU; those of a GPU's speed give three to ten times what an H100 took.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from math import ceil
from typing import Any, Literal

from ptychopareto.config import (
    BLOCKS,
    ExistingDataset,
    MeasuredDataset,
    SimulatedDataset,
    StudyConfig,
)
from ptychopareto.files.stored import LARGE
from ptychopareto.study.runs import Run

MIB = 2**20
Split = Literal["train", "test"]

PROGRAM_MB = 2500  # Python, torch, and a GPU's driver on the host
GPU_PROGRAM_MB = 1500  # memory that CUDA and its libraries take on the device
SHORT_MINUTES = 1
START_MINUTES = 10  # start-up, a cold file system, reading the data

# Images of N×N×width floats that a training step keeps per pattern, and that validation keeps.
STEP_IMAGES, VALIDATION_IMAGES = 150, 10
VALIDATION_PATTERNS = 256
# Patterns of more than this side [px]: those of so many training steps are validated at once.
VALIDATION_SIDE, VALIDATION_STEPS = 128, 8
WEIGHTS_PER_MODE = 130  # real ones, over modes² width²
WITHOUT_MODES = 8  # convolutions alone have fewer weights than this number of modes
COPIES_OF_WEIGHTS = 5  # weights, gradients, two moments, the best so far
FLOP_PER_PIXEL = 270  # times width², for inference; a training step takes three times as much
CPU_FLOPS, GPU_FLOPS = 8e9, 4e12  # reached, by one core and by a GPU of some age
GPU_SECONDS_PER_STEP = 0.03
RPIE_SECONDS_PER_PIXEL = 1e-7  # per pixel of a pattern, in one epoch, on one core
TIMING_ROUNDS, LOADING_SECONDS = 5, 2.0
DATA_BYTES_PER_PIXEL = 40
# Pixels of a large scan, whose patterns stay in their file: it takes no more than the largest scan
# that is held in memory (`stored.LARGE` bytes of float32).
LARGE_PIXELS = LARGE // 4
MEASURED_PIXELS_PER_BYTE = 2  # of a file: patterns of few photons compress well


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


def pixels(study: StudyConfig, split: Split) -> int:
    """Count the pixels in all patterns of a scan; for a file, an upper limit.

    Parameters
    ----------
    study : StudyConfig
    split : str
        The scan, "train" or "test".

    Returns
    -------
    int
        Number of pixels.
    """
    data = study.dataset
    if isinstance(data, ExistingDataset):
        return getattr(data, f"{split}_npz").stat().st_size // 4
    if isinstance(data, MeasuredDataset):
        return MEASURED_PIXELS_PER_BYTE * sum(path.stat().st_size for path in data.scan)
    return data.patterns(split) * data.N**2


def side_of_pattern(study: StudyConfig, default: int = 64) -> int:
    """Return the side of a pattern without opening a file.

    Parameters
    ----------
    study : StudyConfig
    default : int, optional
        Side assumed for existing files [px]; for measured files without `N`, twice as
        much.

    Returns
    -------
    int
        N [px].
    """
    if isinstance(study.dataset, ExistingDataset):
        return default
    return study.dataset.N or 2 * default


def training_seconds(run: Run, study: StudyConfig, until: int | None = None) -> float:
    """Estimate the time of the training of one run.

    Parameters
    ----------
    run : Run
    study : StudyConfig
    until : int, optional
        The epoch to stop at; None for all epochs.

    Returns
    -------
    float
        Seconds.
    """
    side, settings = side_of_pattern(study), run.training(study.training)
    epochs = settings.epochs if until is None else min(until, settings.epochs)
    scan = pixels(study, "train")
    if run.train_patterns is not None:
        scan = min(scan, run.train_patterns * side**2)
    seen = scan * epochs
    seconds = 3 * _network_seconds(run, study, seen)
    if study.device != "cpu":
        seconds += seen / side**2 / settings.batch_size * GPU_SECONDS_PER_STEP
    return seconds


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
    side, settings = side_of_pattern(study), run.training(study.training)
    seconds = training_seconds(run, study, until)
    step = settings.batch_size * STEP_IMAGES * side**2 * run.width * 4 * _depth(run)
    return _estimate(study, "train", step + _network_bytes(run, study), seconds)


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
    seconds = max(_network_seconds(run, study, scan) for run in runs)
    seconds += scan * max(study.refine.epochs) * RPIE_SECONDS_PER_PIXEL
    largest = max(_network_bytes(run, study) for run in runs)
    return _estimate(study, "test", largest, seconds)


def timing(runs: Iterable[Run], study: StudyConfig) -> Estimate:
    """Estimate the timing of the networks of all runs, one after the other, in rounds.

    Parameters
    ----------
    runs : iterable of Run
    study : StudyConfig

    Returns
    -------
    Estimate
    """
    runs, scan = list(runs), pixels(study, "test")
    seconds = sum(_network_seconds(run, study, scan) + LOADING_SECONDS for run in runs)
    largest = max(_network_bytes(run, study) for run in runs)
    return _estimate(study, "test", largest, TIMING_ROUNDS * seconds)


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
    runs = list(runs)
    largest = max(_changed_studies(study), key=lambda changed: pixels(changed, "test"))
    scan = pixels(largest, "test")
    seconds = sum(_network_seconds(run, study, scan) + LOADING_SECONDS for run in runs)
    seconds += scan * max(study.classical.epochs) * RPIE_SECONDS_PER_PIXEL
    network = max(_network_bytes(run, study) for run in runs)
    return _estimate(largest, "test", network, seconds)


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
    largest = max(_changed_studies(study), key=lambda changed: pixels(changed, "test"))
    passes = settings.most_passes + len(runs) * settings.most_passes_after_network
    passes *= 1 + len(settings.alphas)
    seconds = passes * pixels(largest, "test") * RPIE_SECONDS_PER_PIXEL
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


def _depth(run: Run) -> float:
    """Return how many times deeper the network is than its architecture by default; at least 1."""
    return 1.0 if run.blocks is None else max(run.blocks / BLOCKS[run.architecture], 1.0)


def _network_seconds(run: Run, study: StudyConfig, seen: int) -> float:
    flops = CPU_FLOPS if study.device == "cpu" else GPU_FLOPS
    return FLOP_PER_PIXEL * run.width**2 * seen / flops * _depth(run)


def _network_bytes(run: Run, study: StudyConfig) -> float:
    """Return the memory of all copies of the weights in a training, and of its largest batch."""
    side = side_of_pattern(study)
    modes = WITHOUT_MODES if run.modes is None else min(run.modes, side // 4)
    weights = WEIGHTS_PER_MODE * modes**2 * run.width**2 * _depth(run)
    n_patterns = VALIDATION_PATTERNS
    if side > VALIDATION_SIDE:
        n_patterns = min(n_patterns, VALIDATION_STEPS * run.training(study.training).batch_size)
    batch = n_patterns * VALIDATION_IMAGES * side**2 * run.width
    return 4.0 * (COPIES_OF_WEIGHTS * weights + batch)


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
