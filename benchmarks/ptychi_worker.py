"""pty-chi in a process of its own: it changes torch's defaults, and comes with its own torch.

Run by the Python of a virtual environment that has pty-chi: `python ptychi_worker.py SCAN ENGINE
BATCH`. It reads one line `run EPOCHS` after the other from its standard input, and answers each
with one line of JSON: the seconds, and the R-factor of the free patterns.
"""

import json
import sys
import time
import types
from importlib.machinery import ModuleSpec
from typing import Any

import numpy as np


def stand_in_for_torchvision() -> None:
    """pty-chi imports one blur from torchvision, which neither LSQML nor RPIE calls."""
    parent, child = (types.ModuleType(f"torchvision{name}") for name in ("", ".transforms"))
    child.GaussianBlur = None  # type: ignore[attr-defined]
    for module in (parent, child):
        module.__spec__ = ModuleSpec(module.__name__, None)
        sys.modules[module.__name__] = module


def build(scan: dict[str, np.ndarray], engine: str, batch: int) -> Any:
    """A task of pty-chi that reconstructs the patterns that are not free."""
    import ptychi.api as api
    from ptychi.api.task import PtychographyTask
    from ptychi.utils import rescale_probe

    options = {"LSQML": api.LSQMLOptions, "RPIE": api.RPIEOptions}[engine]()
    used = ~scan["free"]
    N = scan["probe"].shape[-1]
    counts = scan["diffraction"][used] ** 2
    options.data_options.data = counts
    probe = np.asarray(rescale_probe(scan["probe"][None, None], counts))
    options.probe_options.initial_guess = probe.astype(np.complex64).reshape(1, 1, N, N)
    rows, columns = scan["shape"]
    options.object_options.initial_guess = np.ones((1, rows, columns), np.complex64)
    options.object_options.pixel_size_m = 1.0
    # pty-chi counts a position from the middle of the object to the middle of the patch.
    centred = scan["positions"] - (np.array([rows, columns]) - N) / 2
    options.probe_position_options.position_y_px = centred[used, 0]
    options.probe_position_options.position_x_px = centred[used, 1]
    options.reconstructor_options.batch_size = batch
    options.reconstructor_options.num_epochs = 1_000_000
    options.reconstructor_options.default_device = api.Devices.CPU
    options.reconstructor_options.random_seed = 0
    return PtychographyTask(options), centred[~used]


def r_free(task: Any, positions: np.ndarray, measured: np.ndarray) -> float:
    """The R-factor of free patterns, of pty-chi's object and probe, cut out by pty-chi itself."""
    import torch

    group = task.reconstructor.parameter_group
    probe = group.probe.data.detach()[0]
    places = torch.tensor(positions, dtype=torch.float32)  # from the middle of the object
    patches = group.object.extract_patches(places, probe.shape[-2:]).detach()
    patches = patches.reshape(len(positions), 1, *probe.shape[-2:])
    power = torch.fft.fft2(patches * probe).abs().square().sum(1)
    model = torch.fft.fftshift(power, dim=(-2, -1)).sqrt().numpy()
    return float(np.abs(model - measured).sum() / measured.sum())


def main() -> None:
    path, engine, batch, threads = sys.argv[1:]
    answers = sys.stdout
    sys.stdout = sys.stderr
    stand_in_for_torchvision()
    import torch

    torch.set_num_threads(int(threads))
    with np.load(path) as file:
        scan = {name: file[name] for name in file.files}
    task, free = build(scan, engine, int(batch))
    measured = scan["diffraction"][scan["free"]]
    for line in sys.stdin:
        epochs = int(line.split()[1])
        began = time.perf_counter()
        task.run(epochs)
        seconds = time.perf_counter() - began
        answer = {"seconds": seconds, "r_free": r_free(task, free, measured)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
