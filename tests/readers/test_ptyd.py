"""Data of ptypy: chunks, indices, weights, and what stands for nothing."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from ptychopareto.files import FileError
from ptychopareto.readers import read_scan
from readers.compare import replace
from readers.writers import (
    Scan,
    write_ptyd,
)


def test_ptyd_chunks_sort_as_text(scan: Scan, tmp_path: Path) -> None:
    write_ptyd(tmp_path / "scan.ptyd", scan)
    with h5py.File(tmp_path / "scan.ptyd") as file:
        assert list(file["chunks"])[:3] == ["0", "1", "10"]
    assert (read_scan(tmp_path / "scan.ptyd").frames[0:35] == scan.frames).all()


def test_ptyd_frames_take_the_places_of_their_indices(scan: Scan, tmp_path: Path) -> None:
    path, order = tmp_path / "scan.ptyd", np.random.default_rng(0).permutation(len(scan.frames))
    write_ptyd(path, Scan(scan.frames[order], scan.positions[order], scan.valid, scan.probe))
    with h5py.File(path, "r+") as file:
        for number in range(len(file["chunks"])):
            indices = file[f"chunks/{number}/indices"]
            indices[...] = order[indices[()]]
    found = read_scan(path)
    assert (found.frames[0:35] == scan.frames).all()
    np.testing.assert_allclose(found.positions, scan.positions)


def test_ptyd_positions_of_the_whole_scan(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan.ptyd"
    write_ptyd(path, scan)
    with h5py.File(path, "r+") as file:
        for number in file["chunks"]:
            del file[f"chunks/{number}/positions"], file[f"chunks/{number}/weights"]
            file[f"chunks/{number}/weights"] = np.zeros(0)
        file["info/positions_scan"] = scan.positions
        file["meta/weight2d"] = scan.valid.astype(float)
        file["info/weight2d"] = True
    found = read_scan(path)
    np.testing.assert_allclose(found.positions, scan.positions)
    assert (found.valid == scan.valid).all()


def test_ptyd_nothing_is_a_zero(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan.ptyd"
    write_ptyd(path, scan)
    with h5py.File(path, "r+") as file:
        for name in ("energy", "distance", "psize"):
            replace(file, f"meta/{name}", np.zeros(1))
            file[f"meta/{name}"].attrs["type"] = "None"
    found = read_scan(path)
    assert (found.wavelength, found.distance, found.detector_pixel) == (None, None, None)


def test_ptyd_chunks_in_files_of_their_own(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan.ptyd"
    write_ptyd(path, scan)
    with h5py.File(path, "r+") as file:
        for number in list(file["chunks"]):
            other = tmp_path / f"scan.ptyd.part{int(number):03d}"
            with h5py.File(other, "w") as part:
                for name in file[f"chunks/{number}"]:
                    file.copy(f"chunks/{number}/{name}", part)
            del file[f"chunks/{number}"]
            file[f"chunks/{number}"] = h5py.ExternalLink(other.name, "/")
    assert (read_scan(path).frames[0:35] == scan.frames).all()
    (tmp_path / "scan.ptyd.part003").unlink()
    with pytest.raises(FileError, match=r"needs the file scan\.ptyd\.part003 .*missing"):
        read_scan(path)
