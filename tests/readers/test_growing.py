"""Files that a process writes in SWMR mode while they are read."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ptychopareto.files import FileError
from ptychopareto.readers import swmr
from ptychopareto.readers.registry import read_growing_scan, read_scan
from ptychopareto.readers.swmr import open_beside_writer, writer_of
from readers.growing import Detector
from readers.writers import Scan, a_scan, write_cxi, write_ptyd


@pytest.fixture(scope="module")
def scan() -> Scan:
    return a_scan(N=16, rows=5, columns=8)


@pytest.mark.parametrize("options", [{}, {"planned": True}, {"chunk": 8, "packing": "gzip"}])
def test_a_scan_is_read_as_it_grows(scan: Scan, tmp_path: Path, options: dict[str, Any]) -> None:
    file = tmp_path / "scan.cxi"
    with Detector(file, scan, **options) as detector:
        assert writer_of(file) == "swmr"
        assert read_growing_scan(file).frames.shape == (0, 16, 16)
        for count in (10, 30, 40):
            detector.write(count - read_growing_scan(file).frames.shape[0])
            there = read_growing_scan(file)
            assert there.frames.shape == (count, 16, 16)
            np.testing.assert_array_equal(there.frames[0:count], scan.frames[:count])
            assert there.positions is not None
            np.testing.assert_array_equal(there.positions, scan.positions[:count])
        detector.close()
    assert writer_of(file) == "none"
    np.testing.assert_array_equal(read_scan(file).frames[0:40], scan.frames)


def test_what_was_seen_of_a_scan_can_be_read_while_it_grows_on(scan: Scan, tmp_path: Path) -> None:
    with Detector(tmp_path / "scan.cxi", scan) as detector:
        detector.write(5)
        before = read_growing_scan(detector.file)
        detector.write(20)
        np.testing.assert_array_equal(before.frames[0:5], scan.frames[:5])


def test_a_pattern_without_a_position_waits(scan: Scan, tmp_path: Path) -> None:
    with Detector(tmp_path / "scan.cxi", scan) as detector:
        detector.write(5)
        detector.make_place(3)  # frames, no positions
        assert read_growing_scan(detector.file).frames.shape[0] == 5


def test_a_position_that_is_not_written_yet_waits(scan: Scan, tmp_path: Path) -> None:
    file, N = tmp_path / "scan.h5", 16
    for fill in (0.0, np.nan):
        positions = np.full((40, 2), fill)
        positions[:6] = scan.positions[:6]
        positions[2] = 0  # a true one
        with h5py.File(file, "w") as written:
            written["frames"], written["places"] = scan.frames, positions
        keys = {"diffraction": "frames", "positions": "places"}
        assert read_growing_scan(file, keys=keys).frames.shape == (6, N, N)


def test_formats_that_cannot_grow_say_which_can(scan: Scan, tmp_path: Path) -> None:
    write_ptyd(tmp_path / "scan.ptyd", scan)
    with pytest.raises(FileError, match="only nxcxi_ptycho, cxi, ptychodus_hdf5, keys can"):
        read_growing_scan(tmp_path / "scan.ptyd")


def test_a_file_of_a_killed_writer_can_be_read(scan: Scan, tmp_path: Path) -> None:
    with Detector(tmp_path / "scan.cxi", scan) as detector:
        detector.write(12)
    assert writer_of(detector.file) == "swmr"
    assert read_scan(detector.file).frames.shape[0] == 12


def test_a_file_that_others_may_not_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "scan.h5"
    code = f"import h5py, os; f = h5py.File({str(file)!r}, 'w', libver='latest'); f['a'] = 1; "
    subprocess.run([sys.executable, "-c", code + "f.flush(); os._exit(0)"], check=True)
    assert writer_of(file) == "alone"
    with pytest.raises(FileError, match=r"SWMR mode \(in h5py: file.swmr_mode = True\)"):
        read_scan(file)


def test_a_file_cut_off_is_no_dark_scan(scan: Scan, tmp_path: Path) -> None:
    """HDF5 gives zeros for what lies beyond the end of a file whose writer was killed."""
    with Detector(tmp_path / "scan.cxi", scan) as detector:
        detector.write(40)
    there = read_growing_scan(detector.file)
    os.truncate(detector.file, detector.file.stat().st_size - 16 * 16 * 4 * 10)
    with pytest.raises(FileError, match=r"has been cut off: /entry_1/.* reaches to byte"):
        there.frames[0:40]


def test_a_file_that_is_cut_off_while_it_is_read(scan: Scan, tmp_path: Path) -> None:
    """It was whole when it was first looked at; that it is smaller now is seen at once."""
    with Detector(tmp_path / "scan.cxi", scan) as detector:
        detector.write(40)
    there = read_growing_scan(detector.file)
    assert there.frames[0:40].any(axis=(1, 2)).all()
    os.truncate(detector.file, detector.file.stat().st_size - 16 * 16 * 4 * 10)
    with pytest.raises(FileError, match="has been cut off"):
        there.frames[0:1]


def test_chunks_are_not_looked_for_one_by_one(
    scan: Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HDF5 would go through all of them for each: a long scan would be read ever more slowly."""
    looks: list[str] = []
    end_of = swmr._end_of
    monkeypatch.setattr(swmr, "_end_of", lambda data: looks.append(data.name) or end_of(data))
    monkeypatch.setattr(swmr, "_REST", 1e9)
    with Detector(tmp_path / "scan.cxi", scan) as detector:
        for count in range(1, 41):
            detector.write(1)
            assert read_growing_scan(detector.file).frames[count - 1 : count].any()
    assert sorted(looks) == sorted(set(looks))  # each dataset once
    assert len(looks) > 1


def test_a_reader_gives_up_after_some_attempts(scan: Scan, tmp_path: Path) -> None:
    """HDF5's own number of attempts to read a block is one that a reader does not live to see."""
    get_attempts = ctypes.CDLL(h5py.h5p.__file__).H5Pget_metadata_read_attempts
    get_attempts.argtypes = [ctypes.c_int64, ctypes.POINTER(ctypes.c_uint)]
    with Detector(tmp_path / "scan.cxi", scan) as detector:
        detector.write(40)
        with open_beside_writer(detector.file) as file:
            access, attempts = file.id.get_access_plist(), ctypes.c_uint(0)
            assert get_attempts(access.id, ctypes.byref(attempts)) >= 0
    assert 1 < attempts.value < 30


def test_a_closed_file_of_any_kind_grows_no_more(scan: Scan, tmp_path: Path) -> None:
    write_cxi(tmp_path / "scan.cxi", scan)
    assert writer_of(tmp_path / "scan.cxi") == "none"
    whole = read_growing_scan(tmp_path / "scan.cxi")
    assert whole.frames.shape[0] == len(scan.frames)
    (tmp_path / "text.h5").write_text("no HDF5")
    assert writer_of(tmp_path / "text.h5") == "none"
