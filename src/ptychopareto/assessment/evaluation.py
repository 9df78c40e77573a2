"""Evaluate one trained network on the test scan: reconstruct, measure, count the cost."""

import math
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ptychopareto.assessment.cost import count_parameters, peak_memory_mb, seconds_of
from ptychopareto.assessment.metrics import evaluate
from ptychopareto.files import Dataset
from ptychopareto.models.registry import load_model
from ptychopareto.reconstruction.predict import predict
from ptychopareto.reconstruction.stitch import scored_scan, stitch

WARM_UP = 64  # patterns


def evaluate_run(
    model: Path, test: Dataset, device: torch.device
) -> tuple[dict[str, Any], NDArray[np.complex64]]:
    """The metrics of a run, named as in the results table, and its object on the scored region.

    A run whose training failed, or that does not fit on the GPU, is not measured: its `status` and
    `error` say why, its object is NaN. Void measures (no truth, or a flat phase) are NaN, and
    `error` says why.
    """
    network, _, training = load_model(model)
    plain, real = count_parameters(network)
    metrics: dict[str, Any] = {**training, "model_params": plain, "model_params_real": real}
    metrics |= {"device": device_name(device)}
    if training["status"] == "ok":
        try:
            costs, reconstruction = _reconstruct(network.to(device), test, device)
            return metrics | costs | _measures(reconstruction, test.truth), reconstruction
        except torch.OutOfMemoryError as failure:
            metrics |= {"status": "out_of_memory", "error": str(failure).split("\n")[0]}
    rows, columns = test.scored_region()
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    return metrics, np.full(shape, np.nan, np.complex64)


def _reconstruct(
    network: nn.Module, test: Dataset, device: torch.device
) -> tuple[dict[str, float], NDArray[np.complex64]]:
    """What inference costs, and the object on the scored region."""
    diffraction = torch.from_numpy(test.diffraction).to(device)
    predict(network, diffraction[:WARM_UP])
    # Once is enough here: other jobs may run beside this one, and `timing` measures without them.
    seconds = seconds_of(lambda: predict(network, diffraction), device)
    reconstruction = stitched(network, test, device)[test.scored_region()].cpu().numpy()
    costs = {
        "inference_time_s": seconds,
        "patterns_per_s": len(diffraction) / seconds,
        "peak_memory_mb": peak_memory_mb(device),
    }
    return costs, reconstruction


def stitched(network: nn.Module, test: Dataset, device: torch.device) -> Tensor:
    """The whole first object as a network reconstructs it, complex64 (rows, columns)."""
    diffraction, corners = scored_scan(test, device)
    probe = torch.from_numpy(test.probe).to(device)
    return stitch(predict(network, diffraction), probe, corners, test.object_shape)


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
