"""Reading a scan: as jobs do, and with the patches of the object, as they once did."""

import tempfile
import tracemalloc
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import yaml

from benchmarks.measuring import ROOT, interleaved, simulated_scan, table
from ptychopareto.config import SimulatedDataset, parse_study
from ptychopareto.files import Dataset, read_dataset, write_dataset


def section() -> str:
    """Time and memory to read the training scan of the full study, on a stand-in of its shapes."""
    study = parse_study(yaml.safe_load((ROOT / "studies" / "full.yaml").read_text()))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.npz"
        write_dataset(path, stand_in(simulated_scan(study)))
        size = path.stat().st_size / 1e6
        readers = {
            "without Y_I and Y_phi (all jobs)": partial(read_dataset, path),
            "with them (bringing a scan in)": partial(read_dataset, path, patches=True),
        }
        seconds = interleaved(readers)
        memory = {}
        for name, read in readers.items():
            tracemalloc.start()
            read()
            memory[name] = tracemalloc.get_traced_memory()[1] / 1e6
            tracemalloc.stop()
    lean, whole = readers
    rows = [[name, f"{seconds[name]:.2f}", f"{memory[name]:.0f}"] for name in readers]
    return (
        f"A training scan of `studies/full.yaml`, {size:.0f} MB:\n\n"
        f"{table(['read', 'time [s]', 'peak memory [MB]'], rows)}\n"
        f"Without them reading is {seconds[whole] / seconds[lean]:.1f} times as fast "
        f"in {memory[lean] / memory[whole]:.2f} of the memory."
    )


def stand_in(config: SimulatedDataset) -> Dataset:
    """Noise in the shapes of a training scan of one object."""
    rng = np.random.default_rng(0)
    n, size = config.N, config.size
    axis = np.arange(0, size - n + 1, config.scan_step_train)
    corners = np.array(list(product(axis, axis)))
    shape = (len(corners), n, n)
    return Dataset(
        diffraction=rng.random(shape, np.float32),
        probe=np.ones((n, n), np.complex64),
        corners=corners,
        object_index=np.zeros(len(corners), np.int32),
        objects=np.ones((1, size, size), np.complex64),
        patches=np.ones(shape, np.complex64),
    )
