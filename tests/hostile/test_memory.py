"""No file makes a process take more memory than four times what it holds.

Prints the largest factors: pytest -n 0 -s tests/hostile/test_memory.py
"""

import io
import json
import os
import select
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ptychopareto
from counts import LONG
from ptychopareto.files import write_csv
from ptychopareto.models.registry import NetworkConfig, build, save_model
from ptychopareto.study.runs import Run
from ptychopareto.study.table import gather

from .mutations import (
    NPZ,
    SAFETENSORS,
    Arrays,
    bomb,
    joined,
    other_compression,
    other_shape,
    packed,
    parts,
)

SPARE = 4_000_000  # bytes, beside files of 4 MB and more
SECONDS = 60  # for all files of a test together
TIMES = 2 if LONG else 1  # that each kind of mutation is tried

Files = dict[str, bytes]
Measured = dict[str, dict[str, Any]]
Peaks = Callable[[str, bytes, Files], Measured]


@pytest.fixture(scope="module")
def measuring(tmp_path_factory: pytest.TempPathFactory) -> Iterator["subprocess.Popen[str]"]:
    """A process that has imported the readers, and forks for those who call it."""
    # What is freed goes back at once, so that no later file finds it.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = str(Path(ptychopareto.__file__).parents[1])
    complaints = tmp_path_factory.mktemp("measuring") / "complaints.txt"
    with (
        complaints.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("peak.py"))],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        yield process
        process.kill()


@pytest.fixture
def peaks(measuring: "subprocess.Popen[str]", tmp_path: Path) -> Peaks:
    """A function that lets the files be read one after the other in one process of their own."""

    def read(reader: str, good: bytes, files: Files) -> Measured:
        paths = []
        for number, content in enumerate([good, *files.values()]):
            paths.append(str(tmp_path / f"{number}.file"))
            Path(paths[-1]).write_bytes(content)
        assert measuring.stdin is not None
        assert measuring.stdout is not None
        print(json.dumps([reader, *paths]), file=measuring.stdin, flush=True)
        ready, _, _ = select.select([measuring.stdout], [], [], SECONDS)
        assert ready, "a hang"
        answer = measuring.stdout.readline()
        assert answer, "the process has ended; what it said is in complaints.txt"
        return dict(zip(files, json.loads(answer), strict=True))

    return read


def check(name: str, measured: Measured, files: Files) -> None:
    """At most four times the file."""
    factors = {key: item["peak"] / len(files[key]) for key, item in measured.items()}
    worst = max(factors, key=lambda key: factors[key])
    accepted = sum(item["said"] is None for item in measured.values())
    smallest = min(map(len, files.values())) / 1e6
    print(
        f"\n{name}: {len(files)} files of {smallest:.1f} MB and more, {accepted} accepted, "
        f"at most {factors[worst]:.1f} times the file ({worst})"
    )
    for key, item in measured.items():
        assert item["peak"] <= 4 * len(files[key]) + SPARE, (key, item)


def big_scan() -> Arrays:
    """128 patterns of 64² pixels of one object, with everything that a file can hold: 7 MB."""
    rng = np.random.default_rng(0)
    axis = np.arange(0, 128, 8)
    corners = np.stack(np.meshgrid(axis, axis[:8], indexing="ij"), axis=-1).reshape(-1, 1, 2, 1)
    shape = (len(corners), 64, 64, 1)
    return {
        "diffraction": rng.random(shape, np.float32),
        "Y_I": rng.random(shape, np.float32),
        "Y_phi": rng.random(shape, np.float32),
        "coords_offsets": corners.astype(np.float32),
        "probeGuess": rng.random((64, 64)).astype(np.complex64),
        "YY_full": rng.random((1, 192, 192, 1)).astype(np.complex64),
        "intensity_scale": np.array(3.0),
    }


def as_type(arrays: Arrays, kind: str) -> Arrays:
    """The same with patterns, amplitudes and phases of another type."""
    images = [key for key in ("diffraction", "Y_I", "Y_phi") if key in arrays]
    return arrays | {key: (100 * arrays[key]).astype(kind) for key in images}


def as_counts(arrays: Arrays, kind: str) -> Arrays:
    """The same with counts in place of amplitudes."""
    counted = {key: array for key, array in arrays.items() if key != "diffraction"}
    counts = (100 * arrays["diffraction"][..., 0]).astype(kind)
    return counted | {"counts": counts, "intensity_scale": np.array(1.0)}


def test_scans(peaks: Peaks) -> None:
    arrays = big_scan()
    patterns = {key: arrays[key] for key in ("diffraction", "probeGuess", "coords_offsets")}
    more_patterns = patterns | {
        key: np.tile(patterns[key], (4, 1, 1, 1)) for key in ("diffraction", "coords_offsets")
    }
    good = packed(arrays)
    allowed = {
        "float32": good,
        "float64": packed(as_type(arrays, "f8")),
        "float16": packed(as_type(arrays, "f2")),
        "uint16": packed(as_type(more_patterns, "u2")),
        "counts of bytes": packed(as_counts(more_patterns, "u1")),
        "other order": packed({key: np.asfortranarray(a) for key, a in arrays.items()}),
        "long metadata": packed({**patterns, "_metadata": np.array("[" + "[]," * 10**6 + "0]")}),
    }
    nothing = io.BytesIO()
    with zipfile.ZipFile(nothing, "w") as archive:
        for number in range(30_000):
            archive.writestr(f"{number}", b"")
    refused = {
        "uint8": packed(as_type(more_patterns, "u1")),
        "members without end": nothing.getvalue(),
    }
    lies = {
        f"{mutation.__name__} {number}": mutation(good, np.random.default_rng(number))
        for number in range(TIMES)
        for mutation in NPZ
        if mutation not in (bomb, other_compression, other_shape)  # those compress: see below
    }
    files = allowed | refused | lies
    measured = peaks("dataset", good, files)
    assert {key: measured[key]["said"] for key in allowed} == dict.fromkeys(allowed)
    assert all(measured[key]["said"] for key in refused)
    check("scan (NPZ)", measured, files)


def test_compressed_scans(peaks: Peaks) -> None:
    """They may take four times what they unpack to, which itself is limited."""
    dense = big_scan()
    counts = np.random.default_rng(0).poisson(0.1, dense["diffraction"].shape)
    sparse = dense | {"diffraction": np.sqrt(counts).astype(np.float32)}
    empty = {key: dense[key] for key in ("probeGuess", "coords_offsets")}
    empty["diffraction"] = np.zeros((5000, 64, 64, 1), np.float32)
    scans = {"dense": dense, "sparse": sparse, "empty": empty}
    files = {key: packed(arrays, compress=True) for key, arrays in scans.items()}
    measured = peaks("dataset", files["dense"], files)
    assert [item["said"] is None for item in measured.values()] == [True, True, False]
    for key in scans:
        assert measured[key]["peak"] <= 4 * len(packed(scans[key])) + SPARE
    assert "diffraction is 0 everywhere" in measured["empty"]["said"]


def test_models(peaks: Peaks, tmp_path: Path) -> None:
    config = NetworkConfig("fno", "none", modes=12, width=24, N=64)
    path = tmp_path / "model.safetensors"
    save_model(path, build(config), config, {"status": "ok"})
    good = path.read_bytes()
    files = {"good": good}
    for width, modes, size in [(10**9, 12, 64), (20_000, 12, 64), (24, 10**6, 10**7), (25, 12, 64)]:
        other = {"width": width, "modes": modes, "N": size}
        files[f"width {width}, modes {modes}"] = with_network(good, other)
    files["tensors without end"] = with_tensors(good, count=60_000)
    for number in range(TIMES):
        for mutation in SAFETENSORS:
            rng = np.random.default_rng(number)
            files[f"{mutation.__name__} {number}"] = mutation(good, rng)
    measured = peaks("model", good, files)
    assert measured["good"]["said"] is None
    assert all(item["said"] for key, item in measured.items() if key.startswith(("width", "tens")))
    check("model (safetensors)", measured, files)


def with_network(content: bytes, changes: dict[str, Any]) -> bytes:
    header, data = parts(content)
    config = json.loads(header["__metadata__"]["network"]) | changes
    header["__metadata__"]["network"] = json.dumps(config)
    return joined(header, data)


def with_tensors(content: bytes, count: int) -> bytes:
    header, data = parts(content)
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    return joined({f"t{number}": empty for number in range(count)} | header, data)


def test_texts(peaks: Peaks, tmp_path: Path) -> None:
    """Python's objects take up to 25 times their text, so texts of results are limited in size."""
    brackets = b'{"a": [' + b"[]," * 2_700_000 + b"0]}"
    files = {"brackets": brackets, "too large": brackets + b" " * 10**6}
    measured = peaks("json", b"{}", files)
    assert [item["said"] is None for item in measured.values()] == [True, False]
    most = max(item["peak"] for item in measured.values())
    print(f"\nJSON of 8 MB: at most {most / 1e6:.0f} MB")
    assert most < 300e6
    assert measured["too large"]["peak"] < SPARE

    write_csv(tmp_path / "table.csv", gather([Run("fno", "none", 4, 4, "teacher", 0)], {}))
    good = (tmp_path / "table.csv").read_bytes()
    header, row = good.splitlines(keepends=True)
    files = {
        "rows": header + row * (8_000_000 // len(row)),
        "columns": b"," * 8_000_000 + b"\n",
    }
    measured = peaks("table", good, files)
    assert "has a run twice" in measured["rows"]["said"]
    assert "0 columns run" in measured["columns"]["said"]
    most = max(item["peak"] for item in measured.values())
    print(f"\nCSV of 8 MB: at most {most / 1e6:.0f} MB")
    assert most < 500e6
