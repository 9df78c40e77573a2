"""From the file of a scan to its object: this build beside an older one, with and without parts."""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch

from benchmarks.measuring import (
    ROOT,
    computes_bfloat16,
    interleaved,
    light_study,
    simulated_scan,
    table,
    timed,
)
from ptychopareto.export.onnx_file import write_onnx
from ptychopareto.files import Dataset, write_dataset
from ptychopareto.models.registry import NetworkConfig, build, save_model
from ptychopareto.physics.simulation import simulate
from ptychopareto.reconstruction.stitch import stitch

OLD = "3b3a00c"  # the commit before there was a stream of patterns and an export
WORKER = Path(__file__).with_name("end_to_end_worker.py")
SECONDS = 20.0
CONFIG = NetworkConfig(architecture="fno", input_transform="none", modes=12, width=16, N=64)


@dataclass(frozen=True)
class Contender:
    """A way from a file to an object: in words, the build, and the worker's name of it."""

    words: str
    old: bool
    way: str


CONTENDERS = (
    Contender(f"`{OLD}`, as its README says", True, "documented"),
    Contender(f"`{OLD}`, freed memory kept, as in its jobs", True, "kept"),
    Contender("torch, as the README says", False, "documented"),
    Contender("torch, freed memory kept", False, "kept"),
    Contender("the same, convolutions in bfloat16", False, "bfloat16"),
    Contender("onnxruntime, threads share each layer, 32 patterns at once", False, "layers"),
    Contender("onnxruntime, each thread its own patterns, 1 at once", False, "one"),
    Contender("the same, 32 at once", False, "many"),
    Contender("the same, 8 at once: `load_onnx`", False, "patterns"),
    Contender("OpenVINO, float32: `load_openvino`", False, "openvino"),
    Contender("OpenVINO, bfloat16", False, "openvino_bfloat16"),
)


def section() -> str:
    """All of them in turns, each in its own process, on the light study's test scan."""
    contenders = [one for one in CONTENDERS if "bfloat16" not in one.way or computes_bfloat16()]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        scan = simulate(simulated_scan(light_study()))[1]
        write_dataset(folder / "scan.npz", scan)
        torch.manual_seed(0)
        network = build(CONFIG).eval()
        save_model(folder / "model.safetensors", network, CONFIG, {"status": "ok"})
        write_onnx(folder / "model.onnx", network, CONFIG, {"status": "ok"})
        if not unpack_old(folder / "old"):
            contenders = [one for one in contenders if not one.old]
        seconds, reading = measure(contenders, folder)
        objects = [np.load(image_of(folder, one)) for one in contenders]
    patterns = len(scan.diffraction)
    rows = [
        [
            one.words,
            f"{patterns / seconds[one.words]:.0f}",
            *(f"{seconds[base.words] / seconds[one.words]:.2f}" for base in contenders[:2]),
            f"{np.abs(image - objects[0]).max() / np.abs(objects[0]).max():.0e}",
        ]
        for one, image in zip(contenders, objects, strict=True)
    ]
    last = contenders[-1].words
    read, stitched = reading[last], stitching(scan)
    predicted = seconds[last] - read - stitched
    head = ["way", "patterns/s", "times the first", "times the second", "deviation"]
    return (
        f"{patterns} patterns of 64², `fno`, width 16, modes 12, on {torch.get_num_threads()} "
        "threads; from the file to the stitched object, medians, in turns.\n\n"
        + table(head, rows)
        + f"\nThe last one, of {seconds[last]:.2f} s: reading {read:.3f} s, stitching "
        f"{stitched:.3f} s, the network with its input transform {predicted:.2f} s.\n"
    )


def measure(contenders: list[Contender], folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """The median time [s] of each way, and of its reading."""
    reading: dict[str, list[float]] = {one.words: [] for one in contenders}
    with ExitStack() as stack:
        turns: dict[str, Callable[[], float]] = {}
        for one in contenders:
            source = folder / "old" / "src" if one.old else ROOT / "src"
            model, image = folder / "model.safetensors", image_of(folder, one)
            worker = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, WORKER, source, folder / "scan.npz", model, one.way, image],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
                )
            )
            if answer(worker).strip() != "ready":
                raise SystemExit(f"{one.words}: the process ended")
            turns[one.words] = partial(one_turn, worker, reading[one.words])
        seconds = timed(turns, SECONDS)
    return seconds, {words: median(times) for words, times in reading.items()}


def one_turn(worker: "subprocess.Popen[str]", reading: list[float]) -> float:
    """Ask a worker once; its time [s]."""
    if worker.stdin is None:
        raise TypeError("the worker has no standard input")
    worker.stdin.write("\n")
    worker.stdin.flush()
    times: Mapping[str, float] = json.loads(answer(worker))
    reading.append(times["reading"])
    return times["all"]


def answer(worker: "subprocess.Popen[str]") -> str:
    if worker.stdout is None:
        raise TypeError("the worker has no standard output")
    return worker.stdout.readline()


def image_of(folder: Path, one: Contender) -> Path:
    """Where a worker leaves its object."""
    return folder / f"{'old' if one.old else 'new'}_{one.way}.npy"


def unpack_old(folder: Path) -> bool:
    """The sources of the old build, if this checkout has its history."""
    archive = subprocess.run(
        ["git", "archive", OLD, "src"], cwd=ROOT, capture_output=True, check=False
    )
    if archive.returncode != 0:
        return False
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as content:
        content.extractall(folder, filter="data")
    return True


def stitching(scan: Dataset) -> float:
    """The time [s] to stitch a scan."""
    patches = torch.ones(scan.diffraction.shape, dtype=torch.complex64)
    work = partial(stitch, patches, torch.from_numpy(scan.modes), scan.corners, scan.object_shape)
    return interleaved({"stitch": work}, 2.0)["stitch"]
