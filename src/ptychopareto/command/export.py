"""The subcommand `export`: a trained network as one ONNX file for other runtimes."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ptychopareto.command.networks import MODEL
from ptychopareto.command.subcommand import CommandError, Subcommand

if TYPE_CHECKING:
    from ptychopareto.models.network import Network
    from ptychopareto.models.registry import NetworkConfig

DESCRIPTION = """\
Write a trained network as one ONNX file (opset 17) in real arithmetic, for onnxruntime, TensorRT,
OpenVINO and others. Input transform, registration, scale and head are inside: amplitudes go in, the
real and the imaginary part of object patches come out, for any batch. The file's metadata has the
network's settings, the record of its training, and units and meaning of its tensors.

Where onnxruntime is installed, the file is compared with the network before it gets its name."""
EXAMPLES = """\
  ptycho-pareto export results/recommended/model.safetensors model.onnx
  ptycho-pareto export results/runs/cnn_tnone_w8_teacher_s0 cnn.onnx --describe  # of a run"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `export`."""
    parser.add_argument(
        "network",
        type=Path,
        metavar="NETWORK",
        help="a model.safetensors, or the folder that holds it",
    )
    parser.add_argument("onnx", type=Path, metavar="MODEL.onnx", help="the file to write")
    parser.add_argument(
        "--describe", action="store_true", help="also print what the file says of its tensors"
    )


def run(options: Namespace) -> int:
    """Export a network, and say how far the file deviates from it."""
    from ptychopareto.command.outputs import check_folder, naming
    from ptychopareto.export.description import description
    from ptychopareto.export.onnx_file import ExportError, as_onnx
    from ptychopareto.files import atomic
    from ptychopareto.models.registry import load_model

    path = options.network / MODEL if options.network.is_dir() else options.network
    if options.onnx.suffix != ".onnx":
        raise CommandError(f"{options.onnx}: a name that ends in .onnx is wanted")
    if path.suffix == options.onnx.suffix:
        raise CommandError(f"{path}: is an ONNX file already; a {MODEL} is wanted")
    check_folder(options.onnx)
    network, config, training = load_model(path)
    if training["status"] != "ok":
        raise CommandError(
            f"{path}: its training ended as {training['status']}; "
            "a network whose training ended well is wanted"
        )
    try:
        content = as_onnx(network, config, training, _sha256(path))
    except ExportError as error:
        raise CommandError(f"{path}: {error}") from error
    compared = _compared(content, network, config, options.onnx)
    with naming(options.onnx), atomic(options.onnx) as temporary:
        temporary.write_bytes(content)
    print(f"{options.onnx}: {len(content) / 1e6:.1f} MB, {compared}")
    if options.describe:
        for key, text in description(config, training).items():
            print(f"  {key}: {text}")
    return 0


def _sha256(path: Path) -> str:
    from hashlib import sha256

    return sha256(path.read_bytes()).hexdigest()


def _compared(content: bytes, network: "Network", config: "NetworkConfig", path: Path) -> str:
    """Say how far onnxruntime's result deviates; raise CommandError if that is too far."""
    from importlib.util import find_spec

    from ptychopareto.export.onnx_file import TOLERANCE, deviation, example_of

    if find_spec("onnxruntime") is None:
        return "not compared with the network: that needs the package onnxruntime"
    from ptychopareto.reconstruction.onnx_predictor import onnx_predictor

    found = deviation(onnx_predictor(content, path), network, example_of(config, batch=16))
    if not found <= TOLERANCE:
        raise CommandError(
            f"{path}: not written: onnxruntime deviates from the network by {found:.1g} of its "
            f"output's scale; at most {TOLERANCE} is allowed"
        )
    return f"deviates from the network by {found:.1g} of its output's scale"


SUBCOMMAND = Subcommand(
    "write a trained network as an ONNX file", DESCRIPTION, EXAMPLES, add_arguments, run
)
