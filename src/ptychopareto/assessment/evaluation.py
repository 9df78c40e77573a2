"""Evaluate one trained network on the test scan: reconstruct, measure, count the cost."""

import math
import platform
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ptychopareto.assessment.comparison import compared
from ptychopareto.assessment.contrast import contrast
from ptychopareto.assessment.cost import count_parameters, peak_memory_mb, timed
from ptychopareto.assessment.free_patterns import free_patterns
from ptychopareto.assessment.wholes import Wholes, agreement, r_factors
from ptychopareto.files import Dataset
from ptychopareto.models import trained_on
from ptychopareto.models.registry import load_model
from ptychopareto.reconstruction.reconstruct import Predictions
from ptychopareto.reconstruction.stitch import Stitcher

WARM_UP = 64  # groups of patterns


class Evaluation(NamedTuple):
    """The scores of a run, and the reconstruction of the first object of the test scan.

    Attributes
    ----------
    metrics : dict
        Status, costs and measures, named as in the results table.
    reconstruction : (H, W) complex64
        The scored region; NaN if the run failed.
    wholes : Wholes or None
        The whole object; None if the run failed.
    """

    metrics: dict[str, Any]
    reconstruction: NDArray[np.complex64]
    wholes: Wholes | None


def evaluate_run(
    model: Path,
    test: Dataset,
    device: torch.device,
    reference: NDArray[np.complex64] | None = None,
) -> Evaluation:
    """Reconstruct the test scan with the network of a run, once, and measure the result.

    A run whose training failed, or that does not fit on the GPU, is not measured: its `status` and
    `error` say why, its object is NaN. Void measures (no truth, or a flat phase) are NaN, and
    `error` says why.

    Parameters
    ----------
    model : Path
        The network's file.
    test : Dataset
        The scan.
    device : torch.device
        Where the network runs.
    reference : (H, W) complex64, optional
        What a measured scan is compared with on its scored region; None for the truth.

    Returns
    -------
    Evaluation

    Raises
    ------
    FileError
        The model file is damaged.
    """
    network, config, training = load_model(model)
    plain, real = count_parameters(network)
    metrics: dict[str, Any] = {key: training[key] for key in training if key != trained_on.KEY}
    metrics |= {"model_params": plain, "model_params_real": real}
    metrics |= {"device": device_name(device)}
    if training["status"] == "ok":
        try:
            gridsize = math.isqrt(config.channels)
            costs, wholes = _reconstruct(network.to(device), test, gridsize, device)
            reconstruction = wholes.every[test.scored_region()].cpu().numpy()
            metrics |= costs | r_factors(wholes.without_free, test)
            metrics |= agreement(wholes, test) | compared(reconstruction, test, reference)
            compare_with = test.truth if reference is None else reference
            if compare_with is not None:
                metrics["reference"] = "truth" if reference is None else "classical"
                metrics |= contrast(reconstruction, compare_with, test.covered())
            return Evaluation(metrics, reconstruction, wholes)
        except torch.OutOfMemoryError as failure:
            metrics |= {"status": "out_of_memory", "error": str(failure).split("\n")[0]}
    rows, columns = test.scored_region()
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    return Evaluation(metrics, np.full(shape, np.nan, np.complex64), None)


def _reconstruct(
    network: nn.Module, test: Dataset, gridsize: int, device: torch.device
) -> tuple[dict[str, float], Wholes]:
    """Return the costs of inference, and the whole first object, complex64 (rows, columns)."""
    free = free_patterns(test)
    if test.measured:
        test, free = test.part(~free), np.zeros(int((~free).sum()), bool)
    predictions = Predictions(test, gridsize, device)
    predictions.warm_up(network, WARM_UP)
    scored = predictions.of_object(0)
    informed = free[predictions.members].any(axis=1)  # groups with a free pattern
    even = np.cumsum(scored) % 2 == 0
    choices = [scored, scored & even, scored & ~even]
    if informed.any():
        choices.append(scored & ~informed)
    objects, seconds = _objects(network, predictions, choices)
    every, half, other_half, *without_free = objects
    wholes = Wholes(every, without_free[0] if without_free else every, (half, other_half))
    costs = {
        "inference_time_s": seconds,
        "patterns_per_s": len(test.diffraction) / seconds,
        "peak_memory_mb": peak_memory_mb(device),
    }
    return costs, wholes


def _objects(
    network: nn.Module, predictions: Predictions, choices: list[NDArray[np.bool_]]
) -> tuple[list[Tensor], float]:
    """Stitch an object of each choice of groups (G,), and time the prediction [s].

    Once is enough here: other jobs may run beside this one, and `timing` measures without them.
    """
    device = predictions.probe.device
    if isinstance(predictions.diffraction, Tensor):
        patches, seconds = timed(lambda: predictions.patches(network), device)
        return [predictions.stitched(patches, choice) for choice in choices], seconds
    # The patches of a large scan would take twice the memory of its patterns: none is kept.
    scan, members = predictions.scan, predictions.members
    stitchers = [Stitcher(predictions.probe, scan.object_shape) for _ in choices]
    batches, first, seconds = predictions.batches(network), 0, 0.0
    while first < len(members):
        patches, spent = timed(partial(next, batches), device)
        part, seconds = slice(first, first + len(patches)), seconds + spent
        for stitcher, choice in zip(stitchers, choices, strict=True):
            own = members[part][choice[part]].ravel()
            fractions = None if scan.fractions is None else scan.fractions[own]
            chosen = patches[torch.from_numpy(choice[part])].flatten(0, 1)
            stitcher.add(chosen, scan.corners[own], fractions)
        first = part.stop
    return [stitcher.object() for stitcher in stitchers], seconds


def device_name(device: torch.device) -> str:
    """Name the hardware, such as the GPU, or the kind of CPU with the number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{platform.machine()} CPU, {threads} thread{'' if threads == 1 else 's'}"
