"""HDF5 files that are damaged or lie: each reader gives a scan that holds together, or one line."""

from pathlib import Path

import h5py
import pytest

from readers.writers import KEYS, WRITERS, a_scan, write_dectris

from .apart import Reader, fuzz


@pytest.mark.parametrize("name", WRITERS)
def test_formats(name: str, tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "scan.h5"
    WRITERS[name](path, a_scan(N=16, rows=5, columns=7))
    keys = KEYS if name == "keys" else None
    fuzz(name=name, path=path, damaged=path, reader=reader, keys=keys)


def test_product_of_ptychodus(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "diffraction.h5"
    WRITERS["ptychodus_hdf5"](path, a_scan(N=16))
    fuzz(name="product", path=path, damaged=tmp_path / "product.h5", reader=reader)


def test_dectris_master_file(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "scan_master.h5"
    write_dectris(path, a_scan(N=16))
    fuzz(name="dectris", path=path, damaged=path, reader=reader)


def test_dectris_file_of_frames(tmp_path: Path, reader: Reader) -> None:
    """The master file is whole; what it links to is damaged."""
    path = tmp_path / "scan_master.h5"
    write_dectris(path, a_scan(N=16))
    frames = tmp_path / "scan_data_000002.h5"
    fuzz(name="frames of dectris", path=path, damaged=frames, reader=reader)


def test_file_of_a_folder(tmp_path: Path, reader: Reader) -> None:
    """All files hold one pattern each; one of them is damaged."""
    folder = tmp_path / "patterns"
    folder.mkdir()
    for number, frame in enumerate(a_scan(N=16).frames[:4]):
        with h5py.File(folder / f"{number}.h5", "w") as file:
            file["entry/pattern"] = frame
    fuzz(name="folder", path=folder, damaged=folder / "3.h5", reader=reader)
