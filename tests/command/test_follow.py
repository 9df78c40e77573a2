"""`reconstruct --follow`: a scan that another process writes, and every way in which it ends."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ptychopareto.command.main import main
from ptychopareto.files import stored
from ptychopareto.following import live_object
from readers.growing import Detector
from readers.writers import Scan, a_scan, write_cxi

from .conftest import MakeNetwork

Captured = pytest.CaptureFixture[str]
PATTERNS = 135


@pytest.fixture(scope="module")
def scan() -> Scan:
    """A scan whose first patterns reach its first row and column, so that grids agree."""
    made = a_scan(rows=9, columns=15)
    made.valid[:] = True
    first = [int(made.positions[:, axis].argmin()) for axis in (0, 1)]
    order = np.array([*dict.fromkeys([*first, *range(PATTERNS)])])
    return Scan(made.frames[order], made.positions[order], made.valid, made.probe)


@pytest.fixture
def detector(scan: Scan, tmp_path: Path) -> Iterator[Detector]:
    with Detector(tmp_path / "scan.cxi", scan) as one:
        yield one


def call(network: Path, file: Path, out: Path, *more: str) -> list[str]:
    return ["reconstruct", str(network), "--follow", str(file), "-o", str(out), *more]


def started(arguments: list[str]) -> "subprocess.Popen[str]":
    """Start the command in a process of its own."""
    source = str(Path(__file__).parents[2] / "src")
    return subprocess.Popen(
        [sys.executable, "-m", "ptychopareto.command", *arguments],
        env={**os.environ, "PYTHONPATH": source, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )


def image_of(path: Path) -> NDArray[np.complex64]:
    with h5py.File(path) as file:
        return np.asarray(file["entry_1/image_1/data"])


def failed(arguments: list[str], captured: Captured) -> str:
    """The last line that a call which fails says; there is no traceback and no output."""
    assert main(arguments) == 1
    said = captured.readouterr().err
    assert "Traceback" not in said
    return said.strip().splitlines()[-1]


def test_it_gives_what_the_whole_file_gives(
    detector: Detector, make_network: MakeNetwork, tmp_path: Path, capsys: Captured
) -> None:
    network = make_network()
    live, whole = tmp_path / "live.cxi", tmp_path / "whole.cxi"

    def measure() -> None:
        for burst in (60, 20, 1, 2, 30, 22):
            detector.write(burst)
            time.sleep(0.2)
        detector.close()

    writing = threading.Thread(target=measure)
    writing.start()
    assert main(call(network, detector.file, live)) == 0
    writing.join()
    said = capsys.readouterr()
    assert f"{PATTERNS} patterns" in said.out
    arguments = ["reconstruct", str(network), str(detector.file), "-o", str(whole), "--free", "0"]
    arguments.append("--no-picture")
    assert main(arguments) == 0
    expected = image_of(whole)
    assert image_of(live).shape == expected.shape
    np.testing.assert_allclose(image_of(live), expected, atol=1e-5 * np.abs(expected).max())
    with h5py.File(live) as file:
        process = file["entry_1/image_1/process_1"]
        assert 0 < process["r_work"][()] < 1
    assert Image.open(tmp_path / "live.png").size[0] > 100
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_killed_and_started_again_it_goes_on_to_the_same_bits(
    detector: Detector, make_network: MakeNetwork, tmp_path: Path
) -> None:
    network = make_network()
    detector.write(100)
    broken = started(call(network, detector.file, tmp_path / "first.cxi"))
    try:
        picture = tmp_path / "first.png"
        deadline = time.monotonic() + 120
        while not picture.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert Image.open(picture).size[0] > 50  # never a part of one
    finally:
        broken.kill()
        broken.communicate()
    assert not (tmp_path / "first.cxi").exists()
    detector.write(PATTERNS - 100)
    detector.close()
    assert main(call(network, detector.file, tmp_path / "first.cxi")) == 0
    assert main(call(network, detector.file, tmp_path / "second.cxi", "--no-picture")) == 0
    np.testing.assert_array_equal(
        image_of(tmp_path / "first.cxi"), image_of(tmp_path / "second.cxi")
    )


def test_a_writer_that_is_killed(
    detector: Detector, make_network: MakeNetwork, tmp_path: Path, capsys: Captured
) -> None:
    detector.write(PATTERNS)
    detector.kill()
    out = tmp_path / "out.cxi"
    arguments = call(make_network(), detector.file, out, "--timeout", "1", "--no-picture")
    line = failed(arguments, capsys)
    assert f"nothing came for 1 s after pattern {PATTERNS}, and its writer has not closed" in line
    assert line.endswith(f"{out} holds what came")
    assert np.isfinite(image_of(out)).all()


def test_a_file_that_is_cut_off(
    detector: Detector, make_network: MakeNetwork, tmp_path: Path, capsys: Captured
) -> None:
    detector.write(PATTERNS)
    detector.kill()
    os.truncate(detector.file, detector.file.stat().st_size - 20 * 32 * 32 * 4)
    line = failed(call(make_network(), detector.file, tmp_path / "out.cxi"), capsys)
    assert "has been cut off" in line
    assert not (tmp_path / "out.cxi").exists()


def test_a_file_that_is_damaged(
    detector: Detector, make_network: MakeNetwork, tmp_path: Path, capsys: Captured
) -> None:
    detector.write(PATTERNS)
    detector.kill()
    content = detector.file.read_bytes()
    detector.file.write_bytes(bytes(len(content)))  # as a disk that lost it
    line = failed(call(make_network(), detector.file, tmp_path / "out.cxi"), capsys)
    assert "is neither HDF5 nor NPZ" in line
    assert not (tmp_path / "out.cxi").exists()


def test_a_file_that_never_comes(
    make_network: MakeNetwork, tmp_path: Path, capsys: Captured
) -> None:
    arguments = call(make_network(), tmp_path / "no.cxi", tmp_path / "out.cxi", "--timeout", "0.5")
    assert "no.cxi: nothing came for 0.5 s: there is no such file" in failed(arguments, capsys)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--refine", "3"], "--refine wants all patterns"),
        (["--free", "0.1"], "--free wants all patterns"),
        (["--find-probe"], "--find-probe wants all patterns"),
        (["-o", "scan.h5"], "is the scan itself"),
    ],
)
def test_what_wants_the_whole_scan(
    more: list[str],
    reason: str,
    scan: Scan,
    make_network: MakeNetwork,
    tmp_path: Path,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_cxi(Path("scan.h5"), scan)
    arguments = call(make_network(), Path("scan.h5"), Path("out.cxi"), *more)
    assert reason in failed(arguments, capsys)


def test_one_scan_at_a_time(make_network: MakeNetwork, tmp_path: Path, capsys: Captured) -> None:
    arguments = ["reconstruct", str(make_network()), "a.cxi", "b.cxi", "--follow"]
    assert "2 scans are named; one is allowed" in failed(arguments, capsys)


def test_networks_of_groups_and_of_other_sizes(
    scan: Scan, make_network: MakeNetwork, tmp_path: Path, capsys: Captured
) -> None:
    file, out = tmp_path / "scan.cxi", tmp_path / "out.cxi"
    write_cxi(file, scan)
    groups = make_network(channels=4, name="groups.safetensors")
    assert "takes groups of 4" in failed(call(groups, file, out), capsys)
    small = make_network(N=16, name="small.safetensors")
    assert "has patterns of 32 px, and the network takes 16" in failed(
        call(small, file, out), capsys
    )
    assert not out.exists()


def test_another_probe(
    scan: Scan, make_network: MakeNetwork, tmp_path: Path, capsys: Captured
) -> None:
    """The probe of a study's scan, where the file that is written has none."""
    file, probe = tmp_path / "scan.cxi", tmp_path / "test.npz"
    write_cxi(file, scan)
    with h5py.File(file, "r+") as changed:
        given = changed["entry_1/instrument_1/source_1/illumination"][...]
        del changed["entry_1/instrument_1/source_1/illumination"]
    np.savez(probe, probeGuess=given)
    out = tmp_path / "out.cxi"
    assert main(call(make_network(), file, out, "--probe", str(probe), "-q", "--no-picture")) == 0
    with h5py.File(out) as found:
        names: list[str] = []
        found.visit(names.append)
    assert any("illumination" in name or "probe" in name for name in names)


def test_first_patterns_that_are_large_wait_beside_the_output(
    scan: Scan, make_network: MakeNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take 64 · 4 kB as float32; what comes later is prepared in smaller pieces, in memory."""
    file, out = tmp_path / "scan.cxi", tmp_path / "objects" / "out.cxi"
    write_cxi(file, scan)
    network = make_network()
    assert main(call(network, file, tmp_path / "small.cxi", "-q", "--no-picture")) == 0
    monkeypatch.setattr(stored, "LARGE", 50 * 4 * 32**2)
    monkeypatch.setattr(live_object, "_PREPARED_BYTES", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not" / "there"))
    assert main(call(network, file, out, "-q")) == 0
    assert {path.name for path in out.parent.iterdir()} == {"out.cxi", "out.png"}
    np.testing.assert_array_equal(image_of(out), image_of(tmp_path / "small.cxi"))
