"""A scan that is reconstructed while a process writes it in SWMR mode."""

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from multiprocessing.connection import Connection
from pathlib import Path
from unittest import mock

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
from ptychopareto.physics.simulation import simulate
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
    # As the command does; a process of its own, as OpenMP asks once, before torch is loaded.
    policy = {"OMP_WAIT_POLICY": "passive", **os.environ}
    context = multiprocessing.get_context("spawn")
    with mock.patch.dict(os.environ, policy), ProcessPoolExecutor(1, context) as process:
        for (architecture, modes, width), runtime in product(NETWORKS, ("torch", "onnxruntime")):
            config = NetworkConfig(architecture, "none", modes, width, scan.N)
            found = process.submit(measure, scan, config, runtime, RATE, PASSES).result()
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


def measure(scan: Dataset, config: NetworkConfig, runtime: str, rate: float, passes: int) -> Lines:
    """Follow a writer with an untrained network, and then the same file when it is closed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        torch.manual_seed(0)
        network = build(config).eval()
        predictor: Predictor = TorchPredictor(network, scan.N, 1, torch.device("cpu"))
        if runtime == "onnxruntime":
            write_onnx(folder / "model.onnx", network, config, {"status": "ok"})
            predictor = load_onnx(folder / "model.onnx")
        return beside_writer(folder / "scan.cxi", scan, predictor, rate, passes)


def beside_writer(
    file: Path, scan: Dataset, predictor: Predictor, rate: float, passes: int
) -> Lines:
    """Let a process write the scan meanwhile."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    counts, corners = measured(scan, passes)
    process = context.Process(
        target=write, args=(file, counts, corners, scan.modes, there, rate), daemon=True
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

    return follow(Watch(file, read_growing_scan, 60.0), begin, show).live


def measured(scan: Dataset, passes: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Counts (B, N, N) and corners (B, 2) of several passes over a simulated scan."""
    light = np.asarray(scan.diffraction, np.float64) ** 2
    counts = np.rint(light * COUNTS / light.sum(axis=(1, 2)).mean()).astype(np.uint32)
    return np.tile(counts, (passes, 1, 1)), np.tile(scan.corners, (passes, 1))


def write(
    file: Path,
    counts: NDArray[np.uint32],
    corners: NDArray[np.int64],
    probe: NDArray[np.complex64],
    answer: Connection,
    rate: float,
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
            time.sleep(max(0.0, began + last / rate - time.time()))
            for dataset in (frames, positions):
                dataset.resize(last, axis=0)
            frames[first:last] = counts[first:last]
            positions[first:last] = np.pad(corners[first:last, ::-1] * pixel, ((0, 0), (0, 1)))
            frames.flush()
            positions.flush()
        ended = time.time()
    answer.send(ended)
