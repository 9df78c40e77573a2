"""Finished reconstructions: probe, object and positions, whatever program wrote them."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ptychopareto.files import FileError
from ptychopareto.readers.finished import read_reconstruction_of
from readers.writers import a_scan
from readers.writers_npz import (
    FINISHED,
    Finished,
    a_reconstruction,
    product_arrays,
    write_cdtools,
    write_ptychi,
    write_ptyr,
)

DATA = Path(__file__).resolve().parents[2] / "../shared/data"


@pytest.fixture(scope="module")
def done() -> Finished:
    return a_reconstruction(a_scan())


@pytest.mark.parametrize("name", FINISHED)
def test_a_reconstruction_comes_back(name: str, done: Finished, tmp_path: Path) -> None:
    path = tmp_path / "result.npz"
    format, write = FINISHED[name]
    write(path, done)
    found = read_reconstruction_of(path)
    assert (found.path, found.format) == (str(path), format)
    np.testing.assert_array_equal(found.probe, done.probe)
    np.testing.assert_array_equal(found.object, done.object)
    np.testing.assert_allclose(found.corners_on_object, done.corners, atol=1e-3)
    assert found.positions is not None
    pixel = done.scan.object_pixel if found.position_unit == "m" else 1
    steps = (found.positions - found.positions[0]) / pixel
    np.testing.assert_allclose(steps, done.corners - done.corners[0], atol=1e-3)
    if name != "ptychi_npz":
        assert found.object_pixel == pytest.approx((done.scan.object_pixel,) * 2, rel=1e-5)
    if format != "ptychi":
        assert found.wavelength == pytest.approx(done.scan.wavelength, rel=1e-6)
    assert {"probe", "object", "positions", "corners_on_object"} <= set(found.origins)


def test_ptypys_own_result() -> None:
    path = DATA / "ptypy_result.ptyr"
    if not path.is_file():
        pytest.skip(f"{path} is not there: the project does not contain it")
    found = read_reconstruction_of(path)
    assert (found.format, found.probe.shape) == ("ptypy", (1, 128, 128))
    assert found.object is not None
    assert found.object.shape == (402, 416)
    assert found.object_pixel == pytest.approx((6.3582e-8,) * 2, rel=1e-4)
    assert found.wavelength == pytest.approx(2.0e-10, rel=1e-3)  # 6.2 keV
    corners = found.corners_on_object
    assert corners is not None
    assert corners.shape == (92, 2)
    # ptypy leaves 4 px around what the patches cover.
    np.testing.assert_allclose(corners.min(axis=0), 4, atol=0.5)
    np.testing.assert_allclose(corners.max(axis=0) + 128, (398, 412), atol=0.5)


def test_what_has_several_layers_or_varies_is_said(done: Finished, tmp_path: Path) -> None:
    path = tmp_path / "product.npz"
    arrays = product_arrays(done)
    arrays["object"] = np.stack([done.object] * 2)
    arrays["probe"] = np.stack([done.probe, 0.1 * done.probe])
    np.savez(path, **arrays)
    found = read_reconstruction_of(path)
    assert found.object is None
    np.testing.assert_array_equal(found.probe, done.probe)
    assert "2 layers" in found.remarks[1]
    assert "2 variable modes" in found.remarks[0]


def test_older_results_of_cdtools_hold_pairs_of_real_numbers(
    done: Finished, tmp_path: Path
) -> None:
    path = tmp_path / "result.mat"
    write_cdtools(path, done)
    with h5py.File(path, "r+") as file:
        for name in ("probe", "obj"):
            array = file[name][()]
            del file[name]
            file[name] = np.stack([array.real, array.imag], axis=-1)
    found = read_reconstruction_of(path)
    np.testing.assert_array_equal(found.probe, done.probe)
    np.testing.assert_array_equal(found.object, done.object)


def test_an_oversampled_object_of_cdtools_is_not_used(done: Finished, tmp_path: Path) -> None:
    path = tmp_path / "result.h5"
    write_cdtools(path, done)
    with h5py.File(path, "r+") as file:
        file["oversampling"][...] = 2
    found = read_reconstruction_of(path)
    assert found.object is None
    assert "oversampled 2 times" in found.remarks[0]


def test_the_logarithm_of_an_object(done: Finished, tmp_path: Path) -> None:
    path = tmp_path / "result.h5"
    write_cdtools(path, done)
    with h5py.File(path, "r+") as file:
        file["obj"][...] = -1j * np.log(done.object)
        file["state_dict/exponentiate_obj"][...] = True
    np.testing.assert_allclose(read_reconstruction_of(path).object, done.object, rtol=1e-5)
    with h5py.File(path, "r+") as file:
        file["state_dict/fourier_probe"][...] = True
    with pytest.raises(FileError, match="holds the probe at the detector"):
        read_reconstruction_of(path)


def change(path: Path, name: str, value: Any) -> None:
    with h5py.File(path, "r+") as file:
        del file[name]
        if value is not None:
            file[name] = value


@pytest.mark.parametrize(
    ("write", "name", "value", "message"),
    [
        (write_cdtools, "obj_basis", np.zeros((3, 2)), r"obj_basis spans no plane"),
        (write_cdtools, "obj_basis", np.zeros((2, 2)), r"obj_basis has the shape \(2, 2\)"),
        (write_cdtools, "translations", np.zeros((4, 2)), r"translations is \(4, 2\)"),
        (write_cdtools, "obj", np.ones((9, 9)), r"smaller than its probe"),
        (write_cdtools, "probe", np.full((32, 32), np.nan), r"probe is zero everywhere or not"),
        (write_ptychi, "positions_px", np.zeros((9, 5)), r"positions_px has the shape \(9, 5\)"),
        (write_ptychi, "obj_pixel_size_m", -1.0, r"has a length of -1 m"),
        (write_ptychi, "positions_px", None, r"is no reconstruction of a known program"),
        (write_ptyr, "content/probe", None, r"is no reconstruction of a known program"),
        (write_ptyr, "content/probe/SMFG00/data", "text", r"holds object; plain numbers"),
        (write_ptyr, "content/obj/SMFG00/_psize", None, None),
        (write_ptyr, "content/probe/SMFG00/_psize", [0.0, 1.0], r"_psize is \(0.0, 1.0\)"),
    ],
)
def test_what_cannot_be_right_is_refused(
    write: Any, name: str, value: Any, message: str | None, done: Finished, tmp_path: Path
) -> None:
    path = tmp_path / "result.h5"
    write(path, done)
    change(path, name, value)
    if message is None:
        assert read_reconstruction_of(path).probe is not None
        return
    with pytest.raises(FileError, match=message) as refused:
        read_reconstruction_of(path)
    assert len(str(refused.value).splitlines()) == 1


def test_a_scan_is_no_reconstruction(tmp_path: Path) -> None:
    np.savez(tmp_path / "scan.npz", data=np.ones((3, 9, 9)))
    with pytest.raises(FileError, match="ptypy, ptychodus, cdtools, ptychi"):
        read_reconstruction_of(tmp_path / "scan.npz")
