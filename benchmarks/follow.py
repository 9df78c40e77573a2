"""A scan that is reconstructed while a process writes it in SWMR mode."""

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import h5py
import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from benchmarks.measuring import ROOT, simulated_scan, table
from ptychopareto.config import Architecture, MeasuredDataset, parse_study
from ptychopareto.export.onnx_file import write_onnx
from ptychopareto.files import Dataset
from ptychopareto.following.follow import follow
from ptychopareto.following.live_object import LiveObject
from ptychopareto.following.view import View
from ptychopareto.following.watch import Look, Watch
from ptychopareto.models.registry import NetworkConfig, build
from ptychopareto.physics.dataset import simulate
from ptychopareto.preparation.whole import prepare_whole
from ptychopareto.readers.measured_scan import MeasuredScan
from ptychopareto.readers.registry import read_growing_scan
from ptychopareto.reconstruction.onnx_predictor import load_onnx
from ptychopareto.reconstruction.predictor import Predictor, TorchPredictor

RATE = 500  # patterns/s
PASSES = 10  # over the light study's test scan: 10,890 patterns
BURST = 10  # patterns that are written and flushed together
COUNTS = 1e6  # of a pattern, on average
WAVELENGTH, DISTANCE, PITCH = 1.5e-10, 2.0, 55e-6  # m, of a made-up beamline
NETWORKS: tuple[tuple[Architecture, int, int], ...] = (("fno", 12, 16), ("hybrid", 12, 4))


@dataclass(frozen=True)
class Lines:
    """The measured figures of one network and runtime."""

    alone: float
    behind: int
    lag: float


def section() -> str:
    """Each network with torch and with onnxruntime."""
    study = parse_study(yaml.safe_load((ROOT / "config.yaml").read_text()))
    scan = simulate(simulated_scan(study))[1]
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for architecture, modes, width in NETWORKS:
            torch.manual_seed(0)
            config = NetworkConfig(architecture, "none", modes, width, scan.N)
            network = build(config).eval()
            write_onnx(folder / "model.onnx", network, config, {"status": "ok"})
            predictors: dict[str, Predictor] = {
                "torch": TorchPredictor(network, scan.N, 1, torch.device("cpu")),
                "onnxruntime": load_onnx(folder / "model.onnx"),
            }
            for runtime, predictor in predictors.items():
                found = measure(folder / "scan.cxi", scan, predictor)
                rows.append(
                    [
                        f"{architecture}, width {width}",
                        runtime,
                        f"{found.alone:,.0f}",
                        f"{found.behind:,}",
                        f"{found.lag:.2f}",
                    ]
                )
    head = ["network", "runs in", "alone [patterns/s]", "behind [patterns]", "lag [s]"]
    patterns = PASSES * len(scan.corners)
    return f"{patterns:,} patterns of {scan.N}², {RATE} a second:\n\n{table(head, rows)}"


def measure(file: Path, scan: Dataset, predictor: Predictor) -> Lines:
    """Follow a writer, and then the same file once more when it is closed."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    counts, corners = measured(scan)
    process = context.Process(
        target=write, args=(file, counts, corners, scan.modes, there), daemon=True
    )
    process.start()
    here.recv()  # the file is there
    behind = 0

    def note(live: LiveObject | None, look: Look) -> None:
        nonlocal behind
        behind = max(behind, look.count - (0 if live is None else live.done))

    run(file, predictor, note)
    ended = time.time()
    lag = ended - here.recv()
    process.join()
    began = time.time()
    live = run(file, predictor, lambda live, look: None)
    return Lines(live.done / (time.time() - began), behind, lag)


def run(
    file: Path, predictor: Predictor, note: Callable[[LiveObject | None, Look], None]
) -> LiveObject:
    """Follow a file to its end, with a picture, as the command does."""
    settings = MeasuredDataset(scan=(file,))
    view = View(file.with_suffix(".png"), sys.stderr)

    def begin(first: MeasuredScan) -> LiveObject:
        return LiveObject(prepare_whole(first, settings, 0), settings, predictor)

    def show(live: LiveObject | None, look: Look) -> None:
        view(live, look)
        note(live, look)

    return follow(Watch(file, partial(read_growing_scan), 60.0), begin, show).live


def measured(scan: Dataset) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Counts (B, N, N) and corners (B, 2) of several passes over a simulated scan."""
    light = np.asarray(scan.diffraction, np.float64) ** 2
    counts = np.rint(light * COUNTS / light.sum(axis=(1, 2)).mean()).astype(np.uint32)
    return np.tile(counts, (PASSES, 1, 1)), np.tile(scan.corners, (PASSES, 1))


def write(
    file: Path,
    counts: NDArray[np.uint32],
    corners: NDArray[np.int64],
    probe: NDArray[np.complex64],
    answer: Connection,
) -> None:
    """Write a scan as CXI at the rate of a detector, and answer when it begins and ends."""
    N = counts.shape[-1]
    pixel = WAVELENGTH * DISTANCE / (N * PITCH)
    with h5py.File(file, "w", libver="latest") as cxi:
        cxi["cxi_version"] = 160
        entry = cxi.create_group("entry_1")
        source = entry.create_group("instrument_1/source_1")
        source["wavelength"], source["illumination"] = WAVELENGTH, probe
        detector = entry.create_group("instrument_1/detector_1")
        detector["distance"] = DISTANCE
        detector["x_pixel_size"] = detector["y_pixel_size"] = PITCH
        frames = entry.create_dataset(
            "data_1/data", (0, N, N), counts.dtype, maxshape=(None, N, N), chunks=(1, N, N)
        )
        positions = entry.create_dataset(
            "sample_1/geometry_1/translation", (0, 3), float, maxshape=(None, 3), chunks=(256, 3)
        )
        cxi.swmr_mode = True
        answer.send(None)
        began = time.time()
        for first in range(0, len(counts), BURST):
            last = min(first + BURST, len(counts))
            time.sleep(max(0.0, began + last / RATE - time.time()))
            for dataset in (frames, positions):
                dataset.resize(last, axis=0)
            frames[first:last] = counts[first:last]
            positions[first:last] = np.pad(corners[first:last, ::-1] * pixel, ((0, 0), (0, 1)))
            frames.flush()
            positions.flush()
        ended = time.time()
    answer.send(ended)
