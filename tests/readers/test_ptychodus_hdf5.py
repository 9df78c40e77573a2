"""ptychodus: patterns and positions belong together by their index."""

import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pytest

from ptychopareto.readers import read_scan
from readers.compare import check, replace
from readers.writers import (
    ELECTRONVOLT,
    Scan,
    write_ptychodus_hdf5,
)


def test_ptychodus_patterns_without_a_position_are_left_out(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "diffraction.h5"
    write_ptychodus_hdf5(path, scan)
    with h5py.File(tmp_path / "product.h5", "r+") as file:
        indexes = file["probe_position_indexes"][()]
        kept = indexes != 14
        for name in ("indexes", "y_m", "x_m"):
            array = file[f"probe_position_{name}"][()]
            replace(file, f"probe_position_{name}", array[kept])
    rest = np.delete(np.arange(35), 4)
    positions, frames = scan.positions[rest], scan.frames[rest]
    check(read_scan(path), dataclasses.replace(scan, frames=frames, positions=positions))


def test_ptychodus_patterns_and_positions_in_one_file(scan: Scan, tmp_path: Path) -> None:
    path, rows = tmp_path / "all.h5", 62
    write_ptychodus_hdf5(path, scan)
    image = np.exp(1j * np.random.default_rng(0).normal(size=(1, rows, 64)))
    with h5py.File(path, "r+") as file, h5py.File(tmp_path / "product.h5") as product:
        for name in product:
            product.copy(name, file)
        file.attrs.update(dict(product.attrs))
        file["object"] = image
        for name in ("pixel_height_m", "pixel_width_m"):
            file["object"].attrs[name] = scan.object_pixel
        file["object"].attrs["center_y_m"], file["object"].attrs["center_x_m"] = 1e-6, 2e-6
    (tmp_path / "product.h5").unlink()
    found = read_scan(path)
    check(found, scan)
    assert found.object is not None
    assert found.object.shape == (rows, 64)
    centre = (scan.positions - np.array([1e-6, 2e-6])) / scan.object_pixel + np.array([30.5, 31.5])
    np.testing.assert_allclose(found.corners_on_object, centre - 15.5, atol=1e-6)


def test_ptychodus_patterns_alone_have_no_positions(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "diffraction.h5"
    write_ptychodus_hdf5(path, scan)
    (tmp_path / "product.h5").unlink()
    found = read_scan(path)
    assert found.positions is None
    assert found.remarks == ("the file holds no positions, and there is no product.h5 beside it",)
    assert (found.valid == scan.valid).all()


def test_ptychodus_training_data(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "training.h5"
    corners = scan.positions / scan.object_pixel
    with h5py.File(path, "w") as file:
        file["patterns"], file["bad_pixels"] = scan.frames, ~scan.valid
        file["probe"] = scan.probe[None]
        file["object"] = np.ones((70, 70), np.complex64)
        file["probe_position_y_px"], file["probe_position_x_px"] = (corners + 15.5).T
        for name in ("object_pixel_height_m", "object_pixel_width_m"):
            file[name] = scan.object_pixel
        file["detector_object_distance_m"] = scan.distance
        file["photon_energy_eV"] = scan.energy / ELECTRONVOLT
    found = read_scan(path)
    assert found.format == "ptychodus_hdf5"
    assert found.position_unit == "px"
    np.testing.assert_allclose(found.positions, corners, atol=1e-6)
    np.testing.assert_allclose(found.corners_on_object, corners, atol=1e-6)
    assert found.object_pixel == pytest.approx((scan.object_pixel, scan.object_pixel))
    assert (found.probe == scan.probe[None]).all()
    assert found.wavelength == pytest.approx(scan.wavelength, rel=1e-6)
