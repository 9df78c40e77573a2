"""Time networks with onnxruntime, where it is installed."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from ptychopareto.assessment.cost import seconds_of
from ptychopareto.export.onnx_file import ExportError, write_onnx
from ptychopareto.models.registry import load_model
from ptychopareto.physics.groups import Groups
from ptychopareto.physics.on_device import OnDevice
from ptychopareto.reconstruction.onnx_predictor import OnnxPredictor, load_onnx
from ptychopareto.reconstruction.predictor import predict_each

WARM_UP = 2  # batches of the predictor's for each thread
BATCHES = 16  # of the predictor's for each thread: enough that its last ones hardly count


def can_run(device: torch.device) -> bool:
    """Tell whether networks can be timed with onnxruntime: it is there, and runs on this device."""
    return device.type == "cpu" and find_spec("onnxruntime") is not None


def predictor_of(model: Path, folder: Path) -> OnnxPredictor | None:
    """Return a network as onnxruntime runs it, from a file that is written when first asked for.

    Parameters
    ----------
    model : Path
        The model file, of which there is one of this name in its folder.
    folder : Path
        Where ONNX files are kept.

    Returns
    -------
    OnnxPredictor, optional
        None for a network that cannot be exported.
    """
    path = folder / f"{model.parent.name}_{model.stem}.onnx"
    if not path.exists():
        try:
            write_onnx(path, *load_model(model))
        except ExportError:
            return None
    return load_onnx(path)


@torch.inference_mode()
def seconds_of_scan(
    predictor: OnnxPredictor, diffraction: OnDevice, probe: Tensor, groups: Groups
) -> float:
    """Return the time of a scan [s], reckoned from its first batches.

    Parameters
    ----------
    predictor : OnnxPredictor
        The network.
    diffraction : (B, N, N) real
        Measured √I.
    probe : (N, N) or (M, N, N) complex
        The probe.
    groups : Groups
        The groups in which patterns enter a network.

    Returns
    -------
    float
    """
    count = min(len(groups), BATCHES * predictor.threads * predictor.batch)
    parts = torch.arange(count).split(predictor.batch)

    def work(parts: Sequence[Tensor] = parts) -> None:
        batches = (diffraction[groups.members[which]] for which in parts)
        for which, patches in zip(parts, predict_each(predictor, batches), strict=True):
            groups.merge(patches, probe, which)

    work(parts[: WARM_UP * predictor.threads])
    return seconds_of(work, diffraction.device) * len(groups) / count
