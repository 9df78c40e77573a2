"""What is not a network: the simulation, stitching and rPIE."""

import time
from functools import partial
from statistics import median

import numpy as np
import torch

from benchmarks.measuring import copy_bandwidth, interleaved, light_study, simulated_scan, table
from ptychopareto.config import SimulatedDataset
from ptychopareto.physics.simulation import simulate
from ptychopareto.reconstruction.object_scan import ObjectScan
from ptychopareto.reconstruction.rpie import flat_start
from ptychopareto.reconstruction.stitch import stitch

ALPHA = 0.1


def section() -> str:
    """Each on two threads; the limits are the parts that nothing can do without."""
    light = simulated_scan(light_study())
    rows = [simulation(light), *reconstruction(light)]
    return (
        f"Copying, in the same run: {copy_bandwidth() / 1e9:.0f} GB/s. "
        "Medians; the simulation is the median of three, its files are not written.\n\n"
        + table(
            [
                "what",
                "patterns of 64²",
                "time [s]",
                "of it, the part in the next column [s]",
                "part",
            ],
            rows,
        )
    )


def simulation(light: SimulatedDataset) -> list[str]:
    """Two objects at step 4, and the light study's test scan."""
    study = light.model_copy(update={"images_train": 2, "scan_step_train": 4})
    times, noise = [], []
    for _ in range(3):
        began = time.perf_counter()
        train, test = simulate(study)
        times.append(time.perf_counter() - began)
        expected = [
            (np.asarray(split.diffraction, float) * split.intensity_scale) ** 2
            for split in (train, test)
        ]
        began = time.perf_counter()
        for counts in expected:
            np.random.default_rng(0).poisson(counts)
        noise.append(time.perf_counter() - began)
    patterns = f"{len(train.diffraction):,} + {len(test.diffraction):,}"
    return [
        "simulation",
        patterns,
        f"{median(times):.1f}",
        f"{median(noise):.1f}",
        "drawing the Poisson counts",
    ]


def reconstruction(light: SimulatedDataset) -> list[list[str]]:
    """Stitching, and one pass of rPIE, on the light study's test scan."""
    device = torch.device("cpu")
    _, test = simulate(light)
    scan = ObjectScan.of(test.scored(), device)
    start = flat_start(scan.shape, device)
    waves = torch.ones_like(scan.diffraction[:], dtype=torch.complex64)
    passes = scan.rpie(start, ALPHA)
    transforms = partial(torch.fft.fft2, waves, norm="ortho")
    seconds = interleaved(
        {
            "stitching": lambda: stitch(waves, scan.probe, scan.corners, scan.shape),
            "rPIE, one pass": lambda: next(passes),
            "copy": waves.clone,
            "two FFTs": lambda: (transforms(), transforms()),
        }
    )
    parts = {
        "stitching": ("copy", "one copy of the patches"),
        "rPIE, one pass": ("two FFTs", "its two FFTs"),
    }
    return [
        [name, f"{len(scan):,}", f"{seconds[name]:.3f}", f"{seconds[part]:.3f}", words]
        for name, (part, words) in parts.items()
    ]
