"""MATLAB, folders, and files of any layout: what `keys:` says."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from ptychopareto.files import FileError
from ptychopareto.readers import read_scan
from readers.writers import (
    WRITERS,
    Scan,
    write_dectris,
)


def test_matlab_by_keys(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan.mat"
    WRITERS["matlab"](path, scan)
    with h5py.File(path, "r+") as file:
        file.move("diffraction", "frames")
        file["#refs#/a"] = 1.0
    with pytest.raises(FileError, match=r"has no variable diffraction.*frames"):
        read_scan(path)
    found = read_scan(path, keys={"diffraction": "frames", "positions": "positions"})
    assert found.format == "keys"
    assert (found.frames[4:6] == scan.frames[4:6]).all()
    np.testing.assert_allclose(found.positions, scan.positions)


@pytest.mark.parametrize("matlab", [True, False])
def test_folder_of_one_file_a_pattern(scan: Scan, tmp_path: Path, matlab: bool) -> None:
    """Its names sort as text: pattern_10 stands before pattern_2."""
    folder = tmp_path / "patterns"
    folder.mkdir()
    for number, frame in enumerate(scan.frames[:, :30]):
        with h5py.File(folder / f"pattern_{number}.mat", "w", userblock_size=512) as file:
            file["I"] = frame.T if matlab else frame
            file["exposure"] = np.array([[0.1]])
        with (folder / f"pattern_{number}.mat").open("r+b") as stream:
            stream.write((b"MATLAB 7.3 MAT-file" if matlab else b"").ljust(128, b"\0"))
    (folder / "notes.txt").write_text("no pattern")
    with h5py.File(tmp_path / "motors.h5", "w") as file:
        file["y"], file["x"] = scan.positions.T
    keys = {"position_rows": "motors.h5:y", "position_columns": "motors.h5:x"}
    found = read_scan(folder, keys=keys)
    assert found.format == "folder"
    assert found.frames.shape == (35, 30, 32)
    for piece in (slice(0, 35), slice(9, 12), slice(3, 20, 4), slice(40, 50)):
        assert (found.frames[piece] == scan.frames[piece, :30]).all()
    np.testing.assert_allclose(found.positions, scan.positions)
    with h5py.File(folder / "pattern_7.mat", "r+") as file:
        del file["I"]
    with pytest.raises(FileError, match=r"pattern_7\.mat: holds no I"):
        found.frames[5:9]
    with h5py.File(folder / "pattern_0.mat", "r+") as file:
        file["dark"] = np.ones((30, 32))
    with pytest.raises(FileError, match=r"2 arrays that can be a pattern \(I, dark\)"):
        read_scan(folder)
    named = read_scan(folder, keys={**keys, "diffraction": "I"})
    assert (named.frames[0:3] == scan.frames[:3, :30]).all()


def test_keys_of_an_npz_file(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan.npz"
    pixels = scan.positions / scan.object_pixel
    np.savez(path, images=scan.frames, x=pixels[:, 1], y=pixels[:, 0], e=8.2656, bad=~scan.valid)
    keys = {"diffraction": "images", "position_rows": "y", "position_columns": "x"}
    found = read_scan(path, keys={**keys, "energy": "e", "mask": "bad"})
    assert found.position_unit == "px"
    np.testing.assert_allclose(found.positions, pixels)
    assert "assumed to be pixels" in found.origins["positions"]
    assert (found.valid == scan.valid).all()
    assert found.wavelength == pytest.approx(1.5e-10, rel=1e-5)
    assert "keV, assumed from its size" in found.origins["wavelength"]


def test_keys_complete_a_format_from_another_file(scan: Scan, tmp_path: Path) -> None:
    """What a DECTRIS master file needs: it has no positions."""
    path = tmp_path / "scan_master.h5"
    write_dectris(path, scan)
    with h5py.File(tmp_path / "motors.h5", "w") as file:
        file["line/xy"] = scan.positions * 1e3
        file["line/xy"].attrs["units"] = "mm"
    np.savez(tmp_path / "beam.npz", probe=scan.probe)
    keys = {"positions": "motors.h5:/line/xy", "probe": "beam.npz:probe"}
    found = read_scan(path, keys=keys)
    assert found.format == "dectris"
    np.testing.assert_allclose(found.positions, scan.positions)
    assert (found.probe == scan.probe[None]).all()
    assert found.origins["positions"] == "motors.h5:/line/xy, (row, column) in mm"
    assert found.wavelength == pytest.approx(scan.wavelength, rel=1e-6)
    (tmp_path / "motors.h5").unlink()
    with pytest.raises(FileError, match=r"needs the file motors\.h5 beside it"):
        read_scan(path, keys=keys)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"difraction": "x"}, r"no known format .*; `keys:` can say what its arrays hold"),
        ({"diffraction": "measurement/images", "mas": "x"}, r"keys: mas is not known; known are"),
        ({"diffraction": "measurement/none"}, r"has no measurement/none"),
        ({"diffraction": "detector/good"}, r"at least three axes"),
        ({"diffraction": "text"}, r"holds object; plain numbers"),
    ],
)
def test_keys_that_do_not_fit_are_refused(
    change: dict[str, str], message: str, scan: Scan, tmp_path: Path
) -> None:
    WRITERS["keys"](tmp_path / "scan.h5", scan)
    with h5py.File(tmp_path / "scan.h5", "r+") as file:
        file["text"] = ["a", "b"]
    with pytest.raises(FileError, match=message):
        read_scan(tmp_path / "scan.h5", keys=change)
