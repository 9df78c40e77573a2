"""A network in an ONNX file, run by onnxruntime on the processor."""

import math
import os
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ptychopareto.export.description import INPUT, OUTPUTS
from ptychopareto.files.errors import FileError, refusal
from ptychopareto.models.registry import NetworkConfig, read_header
from ptychopareto.reconstruction.predictor import predict_each

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# Pixels that a thread computes at once: their images stay in its cache.
PIXELS_AT_ONCE = 8 * 64**2
_QUIET = 4  # a level of onnxruntime: errors that it raises need not be printed too


class OnnxPredictor:
    """A `Predictor` that runs an ONNX file of this package with onnxruntime.

    Patterns are independent, so threads share them out instead of sharing each layer: no thread
    waits for another one, and none does when the machine is busy with something else.

    Parameters
    ----------
    session : InferenceSession
        The network, on one thread.
    config : NetworkConfig
        Its config, as its file has it.
    training : dict
        The record of its training.
    threads : int
        Number of threads.
    """

    device = torch.device("cpu")

    def __init__(
        self,
        session: "InferenceSession",
        config: NetworkConfig,
        training: Mapping[str, Any],
        threads: int,
    ) -> None:
        self.config, self.training = config, dict(training)
        self.N, self.gridsize = config.N, math.isqrt(config.channels)
        self.batch = groups_at_once(config)
        self.threads = threads
        self._session = session

    @torch.inference_mode()
    def __call__(self, amplitudes: Tensor) -> Tensor:
        """Predict object patches.

        Parameters
        ----------
        amplitudes : (g, C, N, N) float32
            √I, DC at pixel N // 2. The calling thread computes up to `batch` groups itself; more
            are shared out among threads.

        Returns
        -------
        (g, C, N, N) complex64
            The patches.
        """
        if len(amplitudes) > self.batch:
            return torch.cat([*predict_each(self, amplitudes.split(self.batch))])
        parts = self._session.run(OUTPUTS, {INPUT: amplitudes.numpy()})
        real, imaginary = (torch.from_numpy(part) for part in parts)
        return torch.complex(real, imaginary)


def groups_at_once(config: NetworkConfig) -> int:
    """Return how many groups of patterns a thread computes at once.

    Parameters
    ----------
    config : NetworkConfig
        Settings of the network, for the size N and the number of channels.

    Returns
    -------
    int
        As many as have `PIXELS_AT_ONCE` pixels, at least 1.
    """
    return max(1, PIXELS_AT_ONCE // (config.channels * config.N**2))


def load_onnx(path: Path, threads: int | None = None) -> OnnxPredictor:
    """Load a network that `export.onnx_file.write_onnx` wrote.

    Parameters
    ----------
    path : Path
        The file.
    threads : int, optional
        How many compute; None for as many as torch would use.

    Returns
    -------
    OnnxPredictor
        The network, with its `config` and its `training`.

    Raises
    ------
    FileError
        The file is missing, damaged or of something else, or onnxruntime is not installed.
    """
    if not path.is_file():
        raise refusal(path, "no such file; a model.onnx written by an export is wanted")
    return onnx_predictor(path.read_bytes(), path, threads)


def onnx_predictor(content: bytes, path: Path, threads: int | None = None) -> OnnxPredictor:
    """Load a network from the content of an ONNX file, as `load_onnx` does from a file.

    Parameters
    ----------
    content : bytes
        The content of the file.
    path : Path
        The file, as messages name it.
    threads : int, optional
        Number of threads; None for as many as torch would use.

    Returns
    -------
    OnnxPredictor
        The network, with its `config` and its `training`.

    Raises
    ------
    FileError
        The content is damaged or of something else, or onnxruntime is not installed.
    """
    if find_spec("onnxruntime") is None:
        raise FileError(
            f"{path}: an ONNX file needs the package onnxruntime, which is not installed: "
            "pip install onnxruntime"
        )
    # Version 1.32 reports its use to Microsoft, unless this is set before it is imported.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _QUIET
    try:
        session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        config, training = read_header(session.get_modelmeta().custom_metadata_map)
        _check_tensors(session, config)
    except KeyError as error:
        raise refusal(path, f"an ONNX file, but not of ptychopareto: it lacks {error}") from error
    except _failures() as error:
        raise refusal(path, f"not a complete ONNX file of ptychopareto ({error})") from error
    return OnnxPredictor(session, config, training, threads or torch.get_num_threads())


def _failures() -> tuple[type[Exception], ...]:
    """Return the errors that onnxruntime and our checks raise.

    The errors of onnxruntime have no other ancestor than Exception.
    """
    errors = vars(import_module("onnxruntime.capi.onnxruntime_pybind11_state")).values()
    own = (one for one in errors if isinstance(one, type) and issubclass(one, Exception))
    return (ValueError, *own)


def _check_tensors(session: "InferenceSession", config: NetworkConfig) -> None:
    """Refuse a graph that does not take and give what its metadata says."""
    inputs = [(INPUT, "tensor(float)")]
    for found, wanted in (
        (session.get_inputs(), inputs),
        (session.get_outputs(), [(name, "tensor(float)") for name in OUTPUTS]),
    ):
        if [(one.name, one.type) for one in found] != wanted:
            raise ValueError(f"its tensors are not {', '.join(name for name, _ in wanted)}")
        if any(one.shape[1:] != [config.channels, config.N, config.N] for one in found):
            raise ValueError(f"its tensors are not of {config.channels} × {config.N}² px")
