"""How large a scan is, and what a network takes on it: time, and memory beside the data.

The constants of memory were read off trainings of fno and hybrid on a CPU. Those of a GPU's speed
give three to ten times what an H100 took.
"""

from typing import Literal

from ptychopareto.config import BLOCKS, ExistingDataset, MeasuredDataset, StudyConfig
from ptychopareto.study.runs import Run

Split = Literal["train", "test"]

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
MEASURED_PIXELS_PER_BYTE = 2  # of a file: patterns of few photons compress well


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
        Side assumed for existing files [px]; for measured files without `N`, twice as much.

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
    seconds = 3 * prediction_seconds(run, study, seen)
    if study.device != "cpu":
        seconds += seen / side**2 / settings.batch_size * GPU_SECONDS_PER_STEP
    return seconds


def prediction_seconds(run: Run, study: StudyConfig, seen: int) -> float:
    """Estimate the time in which a network predicts the patches of patterns.

    Parameters
    ----------
    run : Run
    study : StudyConfig
    seen : int
        Number of pixels of these patterns.

    Returns
    -------
    float
        Seconds.
    """
    flops = CPU_FLOPS if study.device == "cpu" else GPU_FLOPS
    return FLOP_PER_PIXEL * run.width**2 * seen / flops * _depth(run)


def step_bytes(run: Run, study: StudyConfig) -> float:
    """Estimate the memory that one step of a training takes.

    Parameters
    ----------
    run : Run
    study : StudyConfig

    Returns
    -------
    float
        Bytes.
    """
    side, settings = side_of_pattern(study), run.training(study.training)
    return settings.batch_size * STEP_IMAGES * side**2 * run.width * 4 * _depth(run)


def network_bytes(run: Run, study: StudyConfig) -> float:
    """Estimate the memory of all copies of the weights in a training, and of its largest batch.

    Parameters
    ----------
    run : Run
    study : StudyConfig

    Returns
    -------
    float
        Bytes.
    """
    side = side_of_pattern(study)
    modes = WITHOUT_MODES if run.modes is None else min(run.modes, side // 4)
    weights = WEIGHTS_PER_MODE * modes**2 * run.width**2 * _depth(run)
    n_patterns = VALIDATION_PATTERNS
    if side > VALIDATION_SIDE:
        n_patterns = min(n_patterns, VALIDATION_STEPS * run.training(study.training).batch_size)
    batch = n_patterns * VALIDATION_IMAGES * side**2 * run.width
    return 4.0 * (COPIES_OF_WEIGHTS * weights + batch)


def _depth(run: Run) -> float:
    """Return how many times deeper the network is than its architecture by default; at least 1."""
    return 1.0 if run.blocks is None else max(run.blocks / BLOCKS[run.architecture], 1.0)
