"""The network that a command line names: a model file, or a folder that holds one."""

import hashlib
import math
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptychopareto.command.subcommand import CommandError
from ptychopareto.files import FileError
from ptychopareto.files.errors import reading, refusal

if TYPE_CHECKING:
    import torch

    from ptychopareto.models.registry import NetworkConfig
    from ptychopareto.models.trained_on import TrainedOn
    from ptychopareto.reconstruction.onnx_predictor import OnnxPredictor
    from ptychopareto.reconstruction.openvino_predictor import OpenvinoPredictor, Precision
    from ptychopareto.reconstruction.predictor import Predictor

MODEL, ONNX_MODEL = "model.safetensors", "model.onnx"
ONNX_RUNTIMES = ("onnxruntime", "openvino")


@dataclass(frozen=True, eq=False)
class LoadedNetwork:
    """A network ready to predict, and what its file says of it.

    Attributes
    ----------
    path : Path
        Its file.
    predictor : Predictor
        Runs it.
    config : NetworkConfig
        How it is built.
    training : dict
        The record of its training.
    sha256 : str
        SHA-256 of its file.
    runtime : str
        What runs it: torch, onnxruntime or openvino.
    precision : str
        What its layers compute in: float32 or bfloat16.
    """

    path: Path
    predictor: "Predictor"
    config: "NetworkConfig"
    training: dict[str, Any]
    sha256: str
    runtime: str
    precision: "Precision"

    @property
    def trained_on(self) -> "TrainedOn":
        """What the file says of the training scan."""
        from ptychopareto.models.trained_on import TrainedOn

        return TrainedOn.in_record(self.training)


def load_network(
    path: Path, device: "torch.device", runtime: str = "auto", precision: "Precision" = "float32"
) -> LoadedNetwork:
    """Load a network.

    Parameters
    ----------
    path : Path
        `model.safetensors` or `model.onnx`, or a folder that holds one or both, such as
        `results/recommended`.
    device : torch.device
        Where it is to run.
    runtime : str
        torch, onnxruntime, openvino, or auto: what the file is made for, and of a folder with both
        onnxruntime if it is installed and the device is the CPU.
    precision : {"float32", "bfloat16"}
        What its layers compute in; bfloat16 with openvino only.

    Returns
    -------
    LoadedNetwork
        The network on its device.

    Raises
    ------
    FileError
        There is no such file, it is damaged or not ours, its training failed, or it does not run
        here in this way.
    CommandError
        Runtime, precision, file and device do not fit together.
    """
    if precision != "float32" and runtime != "openvino":
        raise CommandError(f"--precision {precision}: --runtime openvino is wanted with it")
    if path.is_dir():
        path = _chosen(path, device, runtime)
    if path.suffix == ".onnx" and runtime == "torch":
        raise CommandError(f"--runtime: torch does not run {path}; its model.safetensors is wanted")
    if runtime == "auto":
        runtime = "onnxruntime" if path.suffix == ".onnx" else "torch"
    if runtime in ONNX_RUNTIMES:
        predictor, config, training = _onnx(path, device, runtime, precision)
    else:
        predictor, config, training = _torch(path, device)
    if training["status"] != "ok":
        raise FileError(f"{path}: its training ended as {training['status']}: {training['error']}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return LoadedNetwork(path, predictor, config, training, digest, runtime, precision)


def _chosen(folder: Path, device: "torch.device", runtime: str) -> Path:
    """Return the file of a folder that is to run."""
    there = (folder / ONNX_MODEL).is_file()
    if runtime in ONNX_RUNTIMES and there:
        return folder / ONNX_MODEL
    if not (folder / MODEL).is_file():
        if there and runtime == "auto":
            return folder / ONNX_MODEL
        raise refusal(folder, f"is a folder without {MODEL}; a network is wanted")
    faster = runtime == "auto" and device.type == "cpu" and find_spec("onnxruntime") is not None
    return folder / (ONNX_MODEL if there and faster else MODEL)


def _torch(
    path: Path, device: "torch.device"
) -> tuple["Predictor", "NetworkConfig", dict[str, Any]]:
    from ptychopareto.models.registry import load_model
    from ptychopareto.reconstruction.predictor import TorchPredictor

    network, config, training = load_model(path)
    gridsize = math.isqrt(config.channels)
    return TorchPredictor(network, config.N, gridsize, device), config, training


def _onnx(
    path: Path, device: "torch.device", runtime: str, precision: "Precision"
) -> tuple["Predictor", "NetworkConfig", dict[str, Any]]:
    from ptychopareto.export.onnx_file import ExportError, as_onnx
    from ptychopareto.models.registry import load_model
    from ptychopareto.reconstruction.onnx_predictor import onnx_predictor
    from ptychopareto.reconstruction.openvino_predictor import openvino_predictor

    if device.type != "cpu":
        raise CommandError(f"--device: {path} runs on the CPU; its model.safetensors on a GPU too")
    if path.suffix == ".onnx":
        with reading(path, "a model.onnx written by an export"):
            content = path.read_bytes()
    else:
        try:
            content = as_onnx(*load_model(path))
        except ExportError as error:
            raise CommandError(f"--runtime: {path}: {error}") from error
    predictor: OnnxPredictor | OpenvinoPredictor
    if runtime == "openvino":
        predictor = openvino_predictor(content, path, precision)
    else:
        predictor = onnx_predictor(content, path)
    return predictor, predictor.config, predictor.training


def choose_device(name: str) -> "torch.device":
    """Turn the argument of `--device` into a device that this machine has.

    Raises
    ------
    CommandError
        It has none.
    """
    import torch

    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        name = "cuda" if available["cuda"] else "cpu"
    if not available[name]:
        here = ", ".join(["auto", *(one for one, there in available.items() if there)])
        raise CommandError(f"--device: {name!r} is not available on this machine; allowed: {here}")
    return torch.device(name)
