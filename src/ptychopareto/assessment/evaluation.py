"""Evaluate one trained network on the test scan: reconstruct, measure, count the cost."""

import math
import platform
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ptychopareto.assessment.cost import count_parameters, peak_memory_mb, timed
from ptychopareto.assessment.metrics import evaluate
from ptychopareto.files import Dataset
from ptychopareto.models.registry import load_model
from ptychopareto.physics.groups import group
from ptychopareto.reconstruction.predict import predict
from ptychopareto.reconstruction.stitch import stitch

WARM_UP = 64  # groups of patterns


class Evaluation(NamedTuple):
    """What a run is worth, and what its network makes of the first object of the test scan.

    `metrics` are named as in the results table, `reconstruction` (H, W) is the scored region.
    `whole` (rows, columns) is all of the object, on the device; None if the run failed.
    """

    metrics: dict[str, Any]
    reconstruction: NDArray[np.complex64]
    whole: Tensor | None


def evaluate_run(model: Path, test: Dataset, device: torch.device) -> Evaluation:
    """Reconstruct the test scan with the network of a run, once, and measure the result.

    A run whose training failed, or that does not fit on the GPU, is not measured: its `status` and
    `error` say why, its object is NaN. Void measures (no truth, or a flat phase) are NaN, and
    `error` says why.
    """
    network, config, training = load_model(model)
    plain, real = count_parameters(network)
    metrics: dict[str, Any] = {**training, "model_params": plain, "model_params_real": real}
    metrics |= {"device": device_name(device)}
    if training["status"] == "ok":
        try:
            gridsize = math.isqrt(config.channels)
            costs, whole = _reconstruct(network.to(device), test, gridsize, device)
            reconstruction = whole[test.scored_region()].cpu().numpy()
            metrics |= costs | _measures(reconstruction, test.truth)
            return Evaluation(metrics, reconstruction, whole)
        except torch.OutOfMemoryError as failure:
            metrics |= {"status": "out_of_memory", "error": str(failure).split("\n")[0]}
    rows, columns = test.scored_region()
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    return Evaluation(metrics, np.full(shape, np.nan, np.complex64), None)


def _reconstruct(
    network: nn.Module, test: Dataset, gridsize: int, device: torch.device
) -> tuple[dict[str, float], Tensor]:
    """What inference costs, and the whole first object, complex64 (rows, columns)."""
    diffraction, probe = (torch.from_numpy(x).to(device) for x in (test.diffraction, test.probe))
    groups = group(test.corners, test.object_index, test.N, gridsize, device)
    predict(network, diffraction, probe, groups.first(WARM_UP))
    # Once is enough here: other jobs may run beside this one, and `timing` measures without them.
    patches, seconds = timed(lambda: predict(network, diffraction, probe, groups), device)
    members = groups.members.flatten().cpu().numpy()
    scored = np.flatnonzero(test.object_index[members] == 0)
    found, corners = patches.flatten(0, 1)[scored], test.corners[members[scored]]
    whole = stitch(found, probe, corners, test.object_shape)
    costs = {
        "inference_time_s": seconds,
        "patterns_per_s": len(diffraction) / seconds,
        "peak_memory_mb": peak_memory_mb(device),
    }
    return costs, whole


def _measures(
    reconstruction: NDArray[np.complex64], truth: NDArray[np.complex64] | None
) -> dict[str, Any]:
    if truth is None:
        return {"error": "no truth in the test data: nothing to measure against"}
    measures: dict[str, Any] = dict(evaluate(reconstruction, truth))
    if math.isnan(measures["ssim_phase"]):
        measures["error"] = "the truth has a flat phase: the phase measures are void"
    return measures


def device_name(device: torch.device) -> str:
    """The hardware in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{platform.machine()} CPU, {threads} thread{'' if threads == 1 else 's'}"
