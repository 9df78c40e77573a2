"""A network in an ONNX file, run by OpenVINO on the processor."""

import math
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

import onnx
import torch
from google.protobuf.message import DecodeError
from torch import Tensor

from ptychopareto.export.description import INPUT, OUTPUTS
from ptychopareto.files.errors import FileError, refusal
from ptychopareto.models.registry import NetworkConfig, read_header
from ptychopareto.reconstruction.onnx_predictor import groups_at_once
from ptychopareto.reconstruction.predictor import predict_each

if TYPE_CHECKING:
    from openvino import CompiledModel, InferRequest

Precision = Literal["float32", "bfloat16"]
_TYPES: dict[Precision, str] = {"float32": "f32", "bfloat16": "bf16"}  # as OpenVINO names them


class OpenvinoPredictor:
    """A `Predictor` that runs an ONNX file of this package with OpenVINO.

    Each thread has patterns of its own, as in `OnnxPredictor`: OpenVINO calls that a stream.

    Parameters
    ----------
    compiled : CompiledModel
        The network for `batch` groups of patterns, with a stream for each thread.
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
        compiled: "CompiledModel",
        config: NetworkConfig,
        training: Mapping[str, Any],
        threads: int,
    ) -> None:
        self.config, self.training = config, dict(training)
        self.N, self.gridsize = config.N, math.isqrt(config.channels)
        self.batch, self.threads = groups_at_once(config), threads
        self._requests: SimpleQueue[InferRequest] = SimpleQueue()
        for _ in range(threads):
            self._requests.put(compiled.create_infer_request())

    @torch.inference_mode()
    def __call__(self, amplitudes: Tensor) -> Tensor:
        """Predict object patches.

        Parameters
        ----------
        amplitudes : (g, C, N, N) float32
            √I, DC at pixel N // 2. Up to `batch` groups are computed at once; more are shared out
            among threads.

        Returns
        -------
        (g, C, N, N) complex64
            The patches.
        """
        groups = len(amplitudes)
        if groups > self.batch:
            return torch.cat([*predict_each(self, amplitudes.split(self.batch))])
        request = self._requests.get()
        try:
            given = request.get_tensor(INPUT).data
            given[:groups] = amplitudes.numpy()
            given[groups:] = 0  # of the last batch of a scan
            request.infer()
            # The next batch of this request is written into the same memory; this makes a copy.
            parts = (torch.from_numpy(request.get_tensor(name).data[:groups]) for name in OUTPUTS)
            return torch.complex(*parts)
        finally:
            self._requests.put(request)


def load_openvino(
    path: Path, precision: Precision = "float32", threads: int | None = None
) -> OpenvinoPredictor:
    """Load a network that `export.onnx_file.write_onnx` wrote.

    Parameters
    ----------
    path : Path
        The file.
    precision : {"float32", "bfloat16"}
        What the layers compute in. OpenVINO's own choice is never taken: that is bfloat16 for a
        network of float32 wherever the processor has it.
    threads : int, optional
        How many compute; None for as many as torch would use.

    Returns
    -------
    OpenvinoPredictor
        The network, with its `config` and its `training`.

    Raises
    ------
    FileError
        The file is missing, damaged or of something else, OpenVINO is not installed, or this
        processor has no arithmetic in this precision.
    """
    if not path.is_file():
        raise refusal(path, "no such file; a model.onnx written by an export is wanted")
    return openvino_predictor(path.read_bytes(), path, precision, threads)


def openvino_predictor(
    content: bytes, path: Path, precision: Precision = "float32", threads: int | None = None
) -> OpenvinoPredictor:
    """Load a network from the content of an ONNX file, as `load_openvino` does from a file.

    Parameters
    ----------
    content : bytes
        The content of the file.
    path : Path
        The file, as messages name it.
    precision : {"float32", "bfloat16"}
        What the layers compute in.
    threads : int, optional
        Number of threads; None for as many as torch would use.

    Returns
    -------
    OpenvinoPredictor
        The network, with its `config` and its `training`.

    Raises
    ------
    FileError
        The content is damaged or of something else, OpenVINO is not installed, or this processor
        has no arithmetic in this precision.
    """
    if find_spec("openvino") is None:
        raise FileError(
            f"{path}: to run it with OpenVINO needs the package openvino, which is not installed: "
            "pip install openvino"
        )
    if precision == "bfloat16" and not has_bfloat16():
        raise FileError(
            f"{path}: not run in bfloat16, which this processor does not compute (it wants "
            "avx512_bf16 or amx_bf16); float32 is wanted here"
        )
    threads = threads or torch.get_num_threads()
    try:
        properties = onnx.load_model_from_string(content).metadata_props
        config, training = read_header({entry.key: entry.value for entry in properties})
        compiled = _compiled(content, config, precision, threads)
    except KeyError as error:
        raise refusal(path, f"an ONNX file, but not of ptychopareto: it lacks {error}") from error
    except (ValueError, RuntimeError, DecodeError) as error:
        raise refusal(path, f"not a complete ONNX file of ptychopareto ({error})") from error
    return OpenvinoPredictor(compiled, config, training, threads)


def has_bfloat16() -> bool:
    """Tell whether this processor computes bfloat16.

    Where it does not, OpenVINO may emulate it, or take float32, and says neither.
    """
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def _core() -> Any:
    """Return the one OpenVINO core of this process, which stays until its end.

    A core of version 2026.4.1 changes where its thread handles signals. When several had come and
    gone, the next signal ended the process.
    """
    return _openvino().Core()


def _openvino() -> Any:
    """Import OpenVINO so that it reports nothing.

    `import openvino` sends an event to Google Analytics, with a number of this user that it keeps
    in the home directory. Without the package that does so it takes a stand-in of its own.
    """
    reporter = "openvino_telemetry"
    if "openvino" in sys.modules or reporter in sys.modules:
        return import_module("openvino")
    sys.modules[reporter] = None  # type: ignore[assignment]  # as Python wants it
    try:
        return import_module("openvino")
    finally:
        del sys.modules[reporter]


def _compiled(
    content: bytes, config: NetworkConfig, precision: Precision, threads: int
) -> "CompiledModel":
    """Compile a graph for batches of one size, after a look at what it takes and gives."""
    openvino, core = _openvino(), _core()
    model = core.read_model(content)
    size = (config.channels, config.N, config.N)
    wanted = openvino.PartialShape([-1, *size])
    found = [
        (one.any_name, one.element_type.get_type_name(), one.partial_shape)
        for one in (*model.inputs, *model.outputs)
    ]
    if found != [(name, "f32", wanted) for name in (INPUT, *OUTPUTS)]:
        names = ", ".join((INPUT, *OUTPUTS))
        raise ValueError(f"its tensors are not {names} of {config.channels} × {config.N}² px")
    model.reshape([groups_at_once(config), *size])
    settings = {
        "INFERENCE_PRECISION_HINT": _TYPES[precision],
        "NUM_STREAMS": threads,
        "INFERENCE_NUM_THREADS": threads,
        # Two processes would have their first threads on the same core.
        "ENABLE_CPU_PINNING": False,
    }
    return core.compile_model(model, "CPU", settings)
