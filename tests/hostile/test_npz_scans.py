"""Scans of NPZ formats and finished reconstructions that are damaged or lie.

Each reader gives what holds together, or one line. To see how many mutations each met:
pytest -n 0 -s tests/hostile/test_npz_scans.py
"""

from pathlib import Path

import numpy as np
import pytest

from counts import HDF5_MUTATIONS
from ptychopareto.files import Dataset
from ptychopareto.preparation.sound_patterns import read_sound_dataset
from ptychopareto.readers import read_scan
from ptychopareto.readers.finished import read_reconstruction_of
from readers.writers import a_scan
from readers.writers_npz import (
    FINISHED,
    WRITERS,
    a_reconstruction,
    write_grid_lines,
    write_ptychodus_product,
)

from .apart import Reader
from .apart import fuzz as fuzz_hdf5
from .mutations import NPZ, packed, unpacked
from .read_apart import holds_together, reconstruction_holds_together
from .test_readers import fuzz


def check_scan(path: Path) -> None:
    holds_together(read_scan(path))


def check_reconstruction(path: Path) -> None:
    reconstruction_holds_together(read_reconstruction_of(path))


@pytest.mark.parametrize("name", WRITERS)
def test_scans(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scan.npz"
    WRITERS[name](path, a_scan(N=16))
    plain = path.read_bytes()
    contents = [plain, packed(unpacked(plain), compress=True)]
    fuzz(f"{name} (NPZ)", path, contents, NPZ, check_scan, monkeypatch, HDF5_MUTATIONS, 0.25)


def test_grid_lines(
    small_scan: tuple[Dataset, Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scan.npz"
    write_grid_lines(path, small_scan[0].part(np.arange(20)), mask=np.ones((32, 32), np.uint8))
    contents = [path.read_bytes()]
    fuzz("grid lines", path, contents, NPZ, check_scan, monkeypatch, HDF5_MUTATIONS, 0.25)


def test_sound_patterns(
    small_scan: tuple[Dataset, Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import of an existing scan, which looks for bad pixels before anything is checked."""
    path = tmp_path / "scan.npz"
    write_grid_lines(path, small_scan[0].part(np.arange(20)), mask=np.ones((32, 32), np.uint8))

    def check(path: Path) -> None:
        dataset = read_sound_dataset(path, patches=True)
        assert np.isfinite(dataset.diffraction).all()
        count, n = dataset.diffraction.shape[:2]
        assert dataset.valid is None or dataset.valid.shape in ((1, n, n), (count, n, n))
        assert dataset.corners.shape == (count, 2)

    contents = [path.read_bytes()]
    fuzz("sound patterns", path, contents, NPZ, check, monkeypatch, HDF5_MUTATIONS, 0.25)


def test_products_beside_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The patterns are whole; the product that has their positions is damaged."""
    scan = a_scan(N=16)
    WRITERS["ptychodus_npz"](tmp_path / "scan.npz", scan)
    product = tmp_path / "product.npz"
    write_ptychodus_product(product, a_reconstruction(scan), mixed=True)

    def check(path: Path) -> None:
        holds_together(read_scan(tmp_path / "scan.npz"))

    contents = [product.read_bytes()]
    fuzz("product of patterns", product, contents, NPZ, check, monkeypatch, HDF5_MUTATIONS, 0.25)


@pytest.mark.parametrize("name", FINISHED)
def test_finished_reconstructions(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: Reader
) -> None:
    is_npz = name.endswith("npz")
    path = tmp_path / ("result.npz" if is_npz else "result.h5")
    FINISHED[name][1](path, a_reconstruction(a_scan(N=16)))
    if is_npz:
        contents = [path.read_bytes()]
        fuzz(name, path, contents, NPZ, check_reconstruction, monkeypatch, HDF5_MUTATIONS, 0.25)
    else:
        fuzz_hdf5(name=name, path=path, damaged=path, reader=reader, what="reconstruction")
