"""The subcommand `reconstruct`: from scans to their objects, with a trained network."""

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ptychopareto.command.scan_options import add_scan_options, settings_of
from ptychopareto.command.subcommand import CommandError, Subcommand

if TYPE_CHECKING:
    import torch

    from ptychopareto.command.networks import LoadedNetwork
    from ptychopareto.command.progress import Progress

DESCRIPTION = """\
Reconstruct scans with a trained network. NETWORK is a model.safetensors, a folder that holds one,
such as results/recommended of a study, or a model.onnx, which onnxruntime or OpenVINO runs on the
CPU. SCAN is a file or folder in any format that `ptycho-pareto formats` lists.

Each scan becomes one file with object, probe, positions, R-factors and provenance, and a PNG beside
it. The network's input is registered by the scan's own probe. What is not as in the training is
said in one line each, and kept in the file."""
EXAMPLES = """\
  ptycho-pareto reconstruct results/recommended scan.cxi -o object.cxi
  ptycho-pareto reconstruct results/recommended run*.h5 -o objects/         # one output each
  ptycho-pareto reconstruct results/recommended scan.cxi -o object.h5 --write ptychodus
  ptycho-pareto reconstruct results/recommended scan.h5 --refine auto       # rPIE while it helps
  ptycho-pareto reconstruct results/recommended scan.npz --find-probe 3     # the file's is a guess
  ptycho-pareto reconstruct results/recommended --follow scan.cxi -o object.cxi  # as it is measured
  ptycho-pareto reconstruct model.onnx scan.cxi --runtime openvino --precision bfloat16   # fastest
  ptycho-pareto reconstruct model.safetensors scan.h5 --key diffraction=/entry/data --energy 8.8
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `reconstruct`."""
    parser.add_argument("network", type=Path, metavar="NETWORK", help="model file, or its folder")
    parser.add_argument("scan", type=Path, nargs="+", metavar="SCAN", help="file or folder")
    parser.add_argument(
        "--follow",
        action="store_true",
        help="reconstruct one scan while it is measured: an HDF5 file that is written in SWMR "
        "mode, until its writer closes it (docs/beamline.md)",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=60.0,
        metavar="S",
        help="with --follow: end after so many seconds without a new pattern (default: 60)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("reconstructed"),
        metavar="OUT",
        help="a .cxi, .h5 or .hdf5 file for one scan; otherwise a folder (default: reconstructed/)",
    )
    parser.add_argument(
        "--write",
        choices=["cxi", "ptychodus"],
        default="cxi",
        help="format of the output: CXI (image_1), or a product of ptychodus (default: cxi)",
    )
    parser.add_argument(
        "--refine",
        type=_epochs,
        default=0,
        metavar="N|auto",
        help="continue by N passes of rPIE, or while free patterns fit better (default: 0)",
    )
    parser.add_argument(
        "--alpha", type=_part, metavar="A", help="regularisation of rPIE (default: 1)"
    )
    parser.add_argument(
        "--free",
        type=_share,
        metavar="SHARE",
        help="part of the patterns that the object is not made from: they measure R-free "
        "(default: 0.05; of our own files what they say)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the choice of free patterns")
    parser.add_argument(
        "--find-probe",
        type=int,
        nargs="?",
        const=1,
        default=0,
        metavar="MODES",
        help="let a joint reconstruction find the probe first, with so many modes (default: 1)",
    )
    parser.add_argument(
        "--register",
        choices=["auto", "none"],
        default="auto",
        help="auto: resample patterns by the magnification of the scan's probe, as networks are "
        "trained; none: for networks of studies with register_input: none",
    )
    parser.add_argument(
        "--object-pixel", type=_length, metavar="M", help="size of the object's pixels [m]"
    )
    parser.add_argument(
        "--runtime",
        choices=["auto", "torch", "onnxruntime", "openvino"],
        default="auto",
        help="what runs the network; auto: onnxruntime for a model.onnx, on the CPU also for a "
        "folder that has one, if it is installed, else torch",
    )
    parser.add_argument(
        "--precision",
        choices=["float32", "bfloat16"],
        default="float32",
        help="what the network computes in; bfloat16: with --runtime openvino, on a CPU that has "
        "it, faster and a little less exact (docs/performance.md)",
    )
    parser.add_argument(
        "--device",
        choices=["auto", "cpu", "cuda", "mps"],
        default="auto",
        help="where to compute (default: a GPU of CUDA if there is one)",
    )
    parser.add_argument("--threads", type=_count, metavar="N", help="of the CPU (default: all)")
    parser.add_argument("--no-picture", action="store_true", help="write no PNG")
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="no progress, and one line less a scan"
    )
    add_scan_options(parser)


def _epochs(text: str) -> int | None:
    if text == "auto":
        return None
    if text.isdigit() and int(text) <= 100_000:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is neither auto nor a whole number from 0 on")


def _number(text: str, low: float, high: float, wanted: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise ArgumentTypeError(f"{text!r} is not allowed; {wanted} is wanted")
    return value


def _share(text: str) -> float:
    return _number(text, 0.0, 0.5, "a number from 0 to 0.5")


def _part(text: str) -> float:
    return _number(text, 1e-6, 1.0, "a number above 0 and up to 1")


def _length(text: str) -> float:
    return _number(text, 1e-13, 1e-2, "a length in metres")


def _seconds(text: str) -> float:
    return _number(text, 0.1, 1e7, "a number of seconds")


def _count(text: str) -> int:
    return int(_number(text, 1, 4096, "a whole number from 1 on"))


def run(options: Namespace) -> int:
    """Reconstruct the scans one after the other."""
    from ptychopareto.command.follow_scan import check_options, follow_scan
    from ptychopareto.command.networks import ONNX_RUNTIMES, choose_device, load_network
    from ptychopareto.command.outputs import check_folder, output_paths
    from ptychopareto.command.progress import Progress
    from ptychopareto.memory import keep_freed_memory
    from ptychopareto.writers.registry import WRITERS

    if options.follow:
        check_options(options)
    paths = output_paths(options.scan, options.output, WRITERS[options.write].suffix)
    by_onnx = options.network.suffix == ".onnx" or options.runtime in ONNX_RUNTIMES
    device = choose_device("cpu" if by_onnx and options.device == "auto" else options.device)
    keep_freed_memory()
    if options.threads:
        import torch

        torch.set_num_threads(options.threads)
    network = load_network(options.network, device, options.runtime, options.precision)
    for path in paths:
        check_folder(path)
    if options.follow:
        return follow_scan(options, paths[0], network)
    progress = Progress(options.quiet)
    status = 0
    for scan, path in zip(options.scan, paths, strict=True):
        try:
            _one(options, scan, path, network, device, progress)
        except (CommandError, ValueError) as error:
            if len(paths) == 1:
                raise
            status = _go_on_after(error)
    return status


def _go_on_after(error: Exception) -> int:
    """Say why one of several scans will not do; the others are still reconstructed."""
    from ptychopareto.command.main import in_one_line

    reason = in_one_line(error)
    if reason is None:
        raise error
    print(f"ptycho-pareto reconstruct: {reason}", file=sys.stderr)
    return 1


def _one(
    options: Namespace,
    scan: Path,
    path: Path,
    network: "LoadedNetwork",
    device: "torch.device",
    progress: "Progress",
) -> None:
    """Reconstruct one scan and write what came out."""
    from ptychopareto.command.outputs import draw_picture, naming, result_of
    from ptychopareto.command.scans import load_scan, sha256_of
    from ptychopareto.command.work import Wishes, reconstruct_scan
    from ptychopareto.writers.registry import check_writable, write_result

    began = time.perf_counter()
    progress.say(f"reading {scan.name}")
    settings = settings_of(options, scan).model_copy(update={"seed": options.seed})
    loaded = load_scan(scan, settings, options.free, path.parent)
    progress.clear()
    pixel = (options.object_pixel,) * 2 if options.object_pixel else loaded.pixel
    check_writable(path, options.write, pixel)
    wishes = Wishes(options.refine, options.alpha, options.register, options.find_probe)
    outcome = reconstruct_scan(loaded, network, wishes, device, progress)
    for remark in outcome.remarks:
        print(f"{scan}: {remark}", file=sys.stderr)
    more = {"scan": str(scan), "scan_format": loaded.format, "scan_sha256": sha256_of(scan)}
    more["refine"] = "auto" if options.refine is None else str(options.refine)
    result = result_of(loaded, network, outcome, pixel, more)
    with naming(path):
        write_result(path, result, options.write)
    if not options.no_picture:
        title = f"{scan.name}, {network.config.architecture}"
        if outcome.refined_epochs:
            title += f", then {outcome.refined_epochs} passes of rPIE"
        picture = path.with_suffix(".png")
        with naming(picture):
            draw_picture(picture, outcome, title, pixel)
    if not options.quiet:
        seconds = time.perf_counter() - began
        words = [*_in_words(outcome.figures), f"{len(loaded.frames)} patterns", f"{seconds:.1f} s"]
        if options.refine != 0:
            words.insert(0, f"{outcome.refined_epochs} passes of rPIE")
        print(f"{path}: {', '.join(words)}")


def _in_words(figures: dict[str, float]) -> list[str]:
    names = ("r_work", "r_free", "ssim_phase", "ssim_amp")
    return [f"{name} {figures[name]:.4f}" for name in names if name in figures]


SUBCOMMAND = Subcommand(
    "reconstruct scans with a trained network", DESCRIPTION, EXAMPLES, add_arguments, run
)
