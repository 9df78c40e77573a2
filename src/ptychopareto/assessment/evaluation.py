"""Evaluate one trained network on the test scan: reconstruct, measure, count the cost."""

import math
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ptychopareto.assessment.cost import count_parameters, median_seconds, peak_memory_mb
from ptychopareto.assessment.metrics import evaluate
from ptychopareto.files import Dataset
from ptychopareto.models.registry import load_model
from ptychopareto.reconstruction.predict import predict
from ptychopareto.reconstruction.stitch import stitch


def evaluate_run(
    model: Path, test: Dataset, device: torch.device
) -> tuple[dict[str, Any], NDArray[np.complex64]]:
    """The metrics of a run, under the names of the results table, and its object on the scored
    region.

    A run whose training failed is not measured: its metrics are those of its training, its object
    is NaN.
    Void measures (no truth, or a flat phase) are NaN, and `error` says why.
    """
    network, _, training = load_model(model)
    network.to(device)
    plain, real = count_parameters(network)
    metrics: dict[str, Any] = {**training, "model_params": plain, "model_params_real": real}
    metrics |= {"device": device_name(device)}
    rows, columns = test.scored_region()
    if training["status"] != "ok":
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        return metrics, np.full(shape, np.nan, np.complex64)

    diffraction = torch.from_numpy(test.diffraction).to(device)
    seconds = median_seconds(lambda: predict(network, diffraction), device)
    metrics |= {
        "inference_time_s": seconds,
        "patterns_per_s": len(diffraction) / seconds,
        "peak_memory_mb": peak_memory_mb(device),
    }
    scored = np.flatnonzero(test.object_index == 0)
    patches = predict(network, diffraction[torch.from_numpy(scored).to(device)])
    probe = torch.from_numpy(test.probe).to(device)
    whole = stitch(patches, probe, test.corners[scored], test.object_shape)
    reconstruction = whole[rows, columns].cpu().numpy()
    return metrics | _measures(reconstruction, test.truth), reconstruction


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
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
