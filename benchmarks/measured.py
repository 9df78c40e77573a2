"""A measured scan: our engines against those of pty-chi 2.2.0, and against their FFTs."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from types import TracebackType

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.measuring import ROOT, interleaved, table
from ptychopareto.physics.subpixel import split_positions
from ptychopareto.reconstruction.joint import JointSettings, joint
from ptychopareto.reconstruction.joint_model import JointState
from ptychopareto.reconstruction.joint_rpie import PROBE_FROM, joint_rpie
from ptychopareto.reconstruction.patches import disjoint_batches
from ptychopareto.reconstruction.r_factor import r_factor
from ptychopareto.reconstruction.rpie import flat_start, rpie

FILE = ROOT / "scans" / "siemens_star.npz"
FETCH = "python workflow/fetch_siemens_star.py scans/siemens_star.npz"
PYTHON = "PTYCHI_PYTHON"  # the variable that names a Python with pty-chi 2.2.0
TARGET = 0.165
FREE, MARGIN = 50, 0.15  # free patterns; they keep off the edge by this part of the scan
LSQML_BATCH, RPIE_BATCH = 100, 16
TURN, MOST_TURNS = 5, 32  # epochs that pty-chi runs at a time, and how often
OUR_MOST = 40  # epochs
EDGE = 2  # px around the scan


@dataclass(frozen=True)
class Scan:
    """What a file says of a scan; patterns that are free take no part in a reconstruction."""

    diffraction: NDArray[np.float32]
    probe: NDArray[np.complex64]
    positions: NDArray[np.float64]
    free: NDArray[np.bool_]
    shape: tuple[int, int]

    def save(self, path: Path) -> None:
        np.savez(
            path,
            diffraction=self.diffraction,
            probe=self.probe,
            positions=self.positions,
            free=self.free,
            shape=np.array(self.shape),
        )

    def start(self, engine: Callable[..., Iterator[JointState]]) -> Iterator[JointState]:
        """An engine on the patterns that are not free."""
        corners, fractions = split_positions(self.positions[~self.free])
        return engine(
            torch.from_numpy(self.diffraction[~self.free]),
            torch.from_numpy(self.probe),
            corners,
            flat_start(self.shape, torch.device("cpu")),
            fractions=fractions,
        )

    def r_free(self, state: JointState) -> float:
        """The R-factor of the free patterns."""
        corners, fractions = split_positions(self.positions[self.free])
        patterns = torch.from_numpy(self.diffraction[self.free])
        return r_factor(state.image, state.probe, corners, fractions, patterns)


def section() -> str:
    """Time to a quality, one pass, and the limit of the engine with a known probe."""
    if not FILE.exists():
        return f"Not measured: there is no scans/{FILE.name}; `{FETCH}` fetches it.\n"
    scan = read()
    python = os.environ.get(PYTHON)
    if python is None:
        rivals = f"pty-chi: not measured; {PYTHON} names no Python that has pty-chi 2.2.0.\n"
    else:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "scan.npz"
            scan.save(file)
            rivals = quality(scan, python, file) + "\n" + one_epoch(scan, python, file)
    return rivals + "\n" + limit(scan)


def read() -> Scan:
    """The scan as it lies in its file: counts, the zero frequency at the corner."""
    with np.load(FILE) as file:
        counts, probe, places = file["data"][0], file["probe"], file["scan"][0].astype(np.float64)
    N = counts.shape[-1]
    positions = places - places.min(axis=0) + EDGE
    rows, columns = np.ceil(positions.max(axis=0)).astype(int) + N + EDGE
    low, high = positions.min(axis=0), positions.max(axis=0)
    margin = MARGIN * (high - low)
    inside = ((positions > low + margin) & (positions < high - margin)).all(axis=1)
    free = np.zeros(len(counts), bool)
    free[np.random.default_rng(0).choice(np.flatnonzero(inside), FREE, replace=False)] = True
    diffraction = np.fft.fftshift(np.sqrt(counts), axes=(-2, -1)).astype(np.float32)
    return Scan(diffraction, probe.reshape(N, N), positions, free, (int(rows), int(columns)))


class PtyChi:
    """pty-chi in a process of its own."""

    def __init__(self, python: str, file: Path, engine: str, batch: int) -> None:
        worker = Path(__file__).with_name("ptychi_worker.py")
        arguments = [str(file), engine, str(batch), str(torch.get_num_threads())]
        self._process = subprocess.Popen(
            [python, str(worker), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, epochs: int) -> tuple[float, float]:
        """Go on for some epochs: the seconds they take, and R-free after them."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(f"run {epochs}", file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("pty-chi ended without an answer; is it in the Python named?")
        answer = json.loads(line)
        return answer["seconds"], answer["r_free"]

    def __enter__(self) -> "PtyChi":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def ours(scan: Scan, modes: int) -> tuple[float, int, float]:
    """Seconds and epochs from the file's probe to the target, and R-free there."""
    states = scan.start(partial(joint, settings=JointSettings(modes=modes)))
    seconds, epoch, value = 0.0, 0, float("inf")
    while value > TARGET and epoch < OUR_MOST:
        began = time.perf_counter()
        state = next(states)
        seconds += time.perf_counter() - began
        epoch += 1
        value = scan.r_free(state)
    return seconds, epoch, value


def quality(scan: Scan, python: str, file: Path) -> str:
    """Time to the target; ours starts anew after each turn of pty-chi."""
    results: dict[int, list[tuple[float, int, float]]] = {1: [], 3: []}
    seconds, trace = 0.0, []
    with PtyChi(python, file, "LSQML", LSQML_BATCH) as rival:
        for turn in range(1, MOST_TURNS + 1):
            took, value = rival.run(TURN)
            seconds += took
            trace.append(value)
            if turn % 4 == 1 or len(results[3]) < 3:
                for modes, found in results.items():
                    found.append(ours(scan, modes))
            if value <= TARGET:
                break
    rows = [[f"LSQML of pty-chi, batch {LSQML_BATCH}", "1", str(turn * TURN), f"{seconds:.1f}"]]
    rows[0] += [f"{value:.4f}", "1"]
    for modes, found in results.items():
        took = median(result[0] for result in found)
        epochs, value = found[0][1:]
        rows.append(["`joint`", str(modes), str(epochs), f"{took:.1f}", f"{value:.4f}"])
        rows[-1].append(f"{seconds / took:.0f}")
    head = ["engine", "modes", "passes", "time [s]", "R-free", "times faster"]
    return f"Time from the file's probe to an R-free of {TARGET}:\n\n" + table(head, rows)


def one_epoch(scan: Scan, python: str, file: Path) -> str:
    """One pass of rPIE with probe updates, in turns."""
    states = scan.start(joint_rpie)
    for _ in range(PROBE_FROM):
        next(states)
    times: dict[str, list[float]] = {"theirs": [], "ours": []}
    with PtyChi(python, file, "RPIE", RPIE_BATCH) as rival:
        rival.run(1)
        for _ in range(7):
            times["theirs"].append(rival.run(1)[0])
            began = time.perf_counter()
            next(states)
            times["ours"].append(time.perf_counter() - began)
    theirs, mine = (median(values) for values in times.values())
    rows = [
        [f"RPIE of pty-chi, batch {RPIE_BATCH}", f"{theirs:.2f}", "1"],
        ["`joint_rpie`", f"{mine:.2f}", f"{theirs / mine:.1f}"],
    ]
    head = ["one pass with updates of the probe", "time [s]", "times faster"]
    return table(head, rows)


def limit(scan: Scan) -> str:
    """The engine with a known probe, and the two FFTs that it cannot do without."""
    corners, _ = split_positions(scan.positions)
    N = scan.probe.shape[-1]
    waves = torch.ones(len(corners), N, N, dtype=torch.complex64)
    parts = [waves[: len(batch)].clone() for batch in disjoint_batches(corners, N)]
    start = flat_start(scan.shape, torch.device("cpu"))
    passes = rpie(
        torch.from_numpy(scan.diffraction), torch.from_numpy(scan.probe), corners, start, 1.0
    )
    seconds = interleaved(
        {
            "engine": lambda: next(passes),
            "FFTs": lambda: [torch.fft.fft2(torch.fft.fft2(part)) for part in parts],
        }
    )
    ratio = seconds["engine"] / seconds["FFTs"]
    row = [str(len(corners)), f"{seconds['engine']:.3f}", f"{seconds['FFTs']:.3f}", f"{ratio:.2f}"]
    head = [f"patterns of {N}²", "`rpie`, one pass [s]", "its two FFTs [s]", "ratio"]
    return "The engine with a known probe, and its limit:\n\n" + table(head, [row])
