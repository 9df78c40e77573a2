"""Write a trained network as one ONNX file that needs nothing else to be used."""

import json
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor

import ptychopareto
from ptychopareto.config.architectures import ARCHITECTURES, NEEDS
from ptychopareto.export.description import INPUT, OUTPUTS, description
from ptychopareto.export.real_network import RealNetwork
from ptychopareto.files import atomic
from ptychopareto.models.network import Network
from ptychopareto.models.registry import NetworkConfig, header_of

# onnxruntime reads it from 1.12 on, TensorRT from 8.5 on.
OPSET = 17
# Largest deviation, as a part of the output's scale: another order of sums may change so much.
TOLERANCE = 1e-4


class ExportError(ValueError):
    """A network that cannot be exported: one line."""


def write_onnx(
    path: Path,
    network: Network,
    config: NetworkConfig,
    training: Mapping[str, Any],
    weights_sha256: str = "",
) -> None:
    """Write a trained network as an ONNX file.

    Parameters
    ----------
    path : Path
        Where to write it, atomically.
    network : Network
        The network, as `models.registry.load_model` returns it.
    config : NetworkConfig
        Its config.
    training : dict
        The record of its training.
    weights_sha256 : str, optional
        SHA-256 of the file of weights, to be found again later.

    Raises
    ------
    ExportError
        The architecture cannot be exported.
    """
    content = as_onnx(network, config, training, weights_sha256)
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def as_onnx(
    network: Network,
    config: NetworkConfig,
    training: Mapping[str, Any],
    weights_sha256: str = "",
) -> bytes:
    """Make the content of the file that `write_onnx` writes; equal networks give equal bytes.

    Parameters
    ----------
    network : Network
        The network, as `models.registry.load_model` returns it.
    config : NetworkConfig
        Its config.
    training : dict
        The record of its training.
    weights_sha256 : str, optional
        SHA-256 of the file of weights.

    Returns
    -------
    bytes
        The model, with weights and metadata.

    Raises
    ------
    ExportError
        The architecture cannot be exported, or real arithmetic deviates too much.
    """
    if config.architecture in NEEDS:
        able = ", ".join(name for name in ARCHITECTURES if name not in NEEDS)
        raise ExportError(
            f"{config.architecture} cannot be exported: the layers of "
            f"{NEEDS[config.architecture][1]} compute with complex numbers, which ONNX does not "
            f"have; allowed are {able}"
        )
    real = RealNetwork(network, config).eval()
    example = example_of(config)
    found = deviation(lambda patterns: torch.complex(*real(patterns)), network, example)
    if not found <= TOLERANCE:
        raise ExportError(
            f"the network cannot be exported: in real arithmetic it deviates by {found:.1g} of its "
            f"output's scale; at most {TOLERANCE} is allowed"
        )
    model = onnx.load_model_from_string(_traced(real, example))
    model.producer_name, model.producer_version = "ptychopareto", ptychopareto.__version__
    model.doc_string = "From diffraction amplitudes to object patches; see the metadata."
    said = description(config, training)
    versions = {"ptychopareto": ptychopareto.__version__, "torch": torch.__version__}
    metadata = {
        **header_of(config, training),
        **said,
        "versions": json.dumps({**versions, "onnx": onnx.__version__, "opset": OPSET}),
        "weights_sha256": weights_sha256,
    }
    onnx.helper.set_model_props(model, metadata)
    for value in (*model.graph.input, *model.graph.output):
        value.doc_string = said["input" if value.name == INPUT else "output"]
    for value in model.graph.output:
        _state_sizes(value, example.shape[1:])
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _state_sizes(value: onnx.ValueInfoProto, sizes: Sequence[int]) -> None:
    """State all sizes of an output but the batch: the exporter does not always work them out."""
    for dimension, size in zip(value.type.tensor_type.shape.dim[1:], sizes, strict=True):
        dimension.dim_value = size


def _traced(real: RealNetwork, example: Tensor) -> bytes:
    """Write the graph with torch's trace exporter; all sizes but the batch are fixed."""
    batch = {name: {0: "batch"} for name in (INPUT, *OUTPUTS)}
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
        torch.inference_mode(),
    ):
        path = Path(folder) / "graph.onnx"
        # It warns that it is not the exporter of torch's future, and of the sizes that stay fixed.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            real,
            (example,),
            path,
            dynamo=False,
            opset_version=OPSET,
            # Weights as real matrices take twice the space: whoever loads the file makes them.
            do_constant_folding=False,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes=batch,
        )
        return path.read_bytes()


def example_of(config: NetworkConfig, batch: int = 2) -> Tensor:
    """Make patterns to compare networks on, of the scale that a network is used to.

    Parameters
    ----------
    config : NetworkConfig
        Size and input scale of the network.
    batch : int, optional
        Number of groups of patterns.

    Returns
    -------
    (batch, C, N, N) float32
        Random amplitudes, the same at each call.
    """
    generator = torch.Generator().manual_seed(0)
    shape = (batch, config.channels, config.N, config.N)
    return 2 * config.input_scale * torch.rand(shape, generator=generator)


@torch.inference_mode()
def deviation(other: Callable[[Tensor], Tensor], network: Network, patterns: Tensor) -> float:
    """Compare two networks on patterns.

    Parameters
    ----------
    other : callable
        Maps amplitudes to complex patches, as `network` does.
    network : Network
        The network to compare with.
    patterns : (B, C, N, N) float32
        Amplitudes.

    Returns
    -------
    float
        The largest difference of the patches, as a part of the largest modulus.
    """
    wanted = network(patterns)
    return float((other(patterns) - wanted).abs().max() / wanted.abs().max().clamp_min(1e-30))
