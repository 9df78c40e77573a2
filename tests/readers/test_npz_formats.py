"""Each NPZ format gives back the scan that was written, and heeds the traps of its makers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ptychopareto.files import Dataset, FileError, write_dataset
from ptychopareto.readers import MeasuredScan, read_scan
from readers.writers import Scan, a_scan
from readers.writers_npz import (
    WRITERS,
    a_reconstruction,
    write_grid_lines,
    write_ptychodus_npz,
    write_ptychodus_product_hdf5,
    write_ptychopinn_raw,
    write_tike,
)

DATA = Path(__file__).resolve().parents[2] / "../shared/data"


@pytest.fixture(scope="module")
def scan() -> Scan:
    return a_scan(photons=2e4)


def pixels(scan: Scan) -> NDArray[np.float64]:
    steps = scan.positions / scan.object_pixel
    return steps - steps[0]


def found_pixels(found: MeasuredScan, scan: Scan) -> NDArray[np.float64]:
    assert found.positions is not None
    steps = found.positions - found.positions[0]
    return steps / scan.object_pixel if found.position_unit == "m" else steps


def frames_of(found: MeasuredScan) -> NDArray[Any]:
    frames = found.frames[0 : found.frames.shape[0]]
    assert frames.shape == found.frames.shape
    assert frames.dtype == found.frames.dtype
    return np.fft.fftshift(frames, axes=(1, 2)) if found.zero_frequency == "corner" else frames


@pytest.mark.parametrize("name", WRITERS)
def test_a_scan_comes_back(name: str, scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan.dat.npz"
    WRITERS[name](path, scan)
    found = read_scan(path)
    assert found.format == name
    np.testing.assert_array_equal(frames_of(found), scan.frames)
    np.testing.assert_allclose(found_pixels(found, scan), pixels(scan), atol=1e-3)
    assert found.probe is not None
    np.testing.assert_array_equal(found.probe[0], scan.probe)
    assert found.values == "intensity"
    if name != "tike":
        np.testing.assert_array_equal(found.valid, scan.valid)
        done = a_reconstruction(scan)
        np.testing.assert_array_equal(found.object, done.object)
        np.testing.assert_allclose(found.corners_on_object, done.corners, atol=1e-3)
    if name == "ptychodus_npz":
        assert found.wavelength == pytest.approx(scan.wavelength, rel=1e-6)
        assert found.distance == pytest.approx(scan.distance)
        assert found.object_pixel == pytest.approx((scan.object_pixel,) * 2)
    known = {"frames", "positions", "position_unit", "values", "zero_frequency", "probe"}
    assert known <= set(found.origins)


# --- tike ---------------------------------------------------------------------------------------


def test_the_measured_siemens_star() -> None:
    path = DATA / "siemens_star.npz"
    if not path.is_file():
        pytest.skip(f"{path} is not there: the project does not contain it")
    found = read_scan(path)
    assert (found.format, found.frames.shape) == ("tike", (516, 128, 128))
    assert (found.values, found.zero_frequency) == ("intensity", "corner")
    assert found.positions is not None
    assert found.positions[0] == pytest.approx((167.5796, -159.7340), abs=1e-3)
    assert found.probe is not None
    assert found.probe.shape == (1, 128, 128)
    frames = found.frames[0:516]
    assert frames.sum(axis=(1, 2)).mean() == pytest.approx(4.6e5, rel=0.02)
    centred = frames_of(found).mean(axis=0)
    rows, columns = np.mgrid[:128, :128]
    middle = (centred * rows).sum() / centred.sum(), (centred * columns).sum() / centred.sum()
    assert middle == pytest.approx((64, 64), abs=4)


def test_all_modes_of_a_tike_probe_and_its_object_are_read(scan: Scan, tmp_path: Path) -> None:
    arrays = write_tike(tmp_path / "scan.npz", scan)
    done = a_reconstruction(scan)
    arrays["probe"] = done.probe[None, None, None]
    arrays["psi"], arrays["scan"] = done.object[None], done.corners[None]
    np.savez(tmp_path / "scan.npz", **arrays)
    found = read_scan(tmp_path / "scan.npz")
    np.testing.assert_array_equal(found.probe, done.probe)
    np.testing.assert_array_equal(found.object, done.object)
    np.testing.assert_array_equal(found.corners_on_object, done.corners)


# --- PtychoPINN ---------------------------------------------------------------------------------


def test_frames_of_older_ptychopinn_files(scan: Scan, tmp_path: Path) -> None:
    """(H, W, B) under another name, a probe (H, W, 1) and metadata that is a pickle."""
    path = tmp_path / "scan.npz"
    arrays = write_ptychopinn_raw(path, scan)
    arrays["diffraction"] = np.moveaxis(arrays.pop("diff3d"), 0, -1)
    arrays["probeGuess"] = scan.probe[..., None]
    np.savez(path, **arrays, _metadata=np.array({"a": 1}, dtype=object))
    found = read_scan(path)
    np.testing.assert_array_equal(found.frames[0:99], scan.frames)
    np.testing.assert_array_equal(found.probe, scan.probe[None])


def test_as_many_frames_as_rows(tmp_path: Path) -> None:
    """(B, H, W) is believed where (H, W, B) is possible too."""
    scan = a_scan(N=35)
    write_ptychopinn_raw(tmp_path / "scan.npz", scan)
    np.testing.assert_array_equal(read_scan(tmp_path / "scan.npz").frames[0:35], scan.frames)


@pytest.mark.parametrize(
    ("scale", "power", "values", "why"),
    [
        (1.0, 1.0, "intensity", "uint16"),
        (1.0, 1.5, "amplitude", "documents"),
        (0.999, 1.0, "intensity", "sum to the energy"),
        (0.999, 0.5, "amplitude", "squares sum"),
    ],
)
def test_counts_or_their_roots(
    scan: Scan, tmp_path: Path, scale: float, power: float, values: str, why: str
) -> None:
    path = tmp_path / "scan.npz"
    arrays = write_ptychopinn_raw(path, scan)
    light = scan.frames.sum(axis=(1, 2)).mean()
    probe = scan.probe * np.sqrt(light / np.square(np.abs(scan.probe)).sum())
    if why != "uint16":
        arrays["diff3d"] = (scale * scan.frames.astype(np.float32)) ** power
    np.savez(path, **(arrays | {"probeGuess": probe.astype(np.complex64)}))
    found = read_scan(path)
    assert found.values == values
    assert why in found.origins["values"]
    if scale == 1.0 and power == 1.0:
        np.savez(path, **(arrays | {"diff3d": scan.frames.astype(np.float64)}))
        assert "whole numbers" in read_scan(path).origins["values"]


def test_where_ptychopinn_itself_cuts_a_patch(scan: Scan, tmp_path: Path) -> None:
    """A whole centre lies at pixel N // 2, a half-integer one between the middle pixels."""
    path = tmp_path / "scan.npz"
    arrays = write_ptychopinn_raw(path, scan)
    del arrays["bad_pixels"]
    corners = np.rint(a_reconstruction(scan).corners)
    for middle in (16, 15.5):
        centres = corners + middle
        np.savez(path, **(arrays | {"xcoords": centres[:, 1], "ycoords": centres[:, 0]}))
        np.testing.assert_array_equal(read_scan(path).corners_on_object, corners)


def test_ptychopinn_positions_in_metres_and_its_geometry(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan.npz"
    arrays = write_ptychopinn_raw(path, scan)
    arrays |= {"xcoords": scan.positions[:, 1], "ycoords": scan.positions[:, 0]}
    arrays |= {"detector_distance_m": 2.0, "photon_energy_eV": 8265.6}
    np.savez(path, **arrays, detector_pixel_size_m=55e-6)
    found = read_scan(path)
    assert found.position_unit == "m"
    assert found.object is None
    np.testing.assert_allclose(found_pixels(found, scan), pixels(scan), atol=1e-6)
    assert found.wavelength == pytest.approx(1.5e-10, rel=1e-4)
    assert (found.distance, found.detector_pixel) == (2.0, (55e-6, 55e-6))


def test_masks_of_ptychopinn_files(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan.npz"
    arrays = write_ptychopinn_raw(path, scan)
    del arrays["bad_pixels"]
    for key in ("mask", "valid"):
        np.savez(path, **arrays, **{key: scan.valid.astype(np.uint8)})
        np.testing.assert_array_equal(read_scan(path).valid, scan.valid)


# --- grid lines ---------------------------------------------------------------------------------


def test_a_grid_lines_file_is_a_scan(small_scan: tuple[Dataset, Dataset], tmp_path: Path) -> None:
    given = small_scan[0]
    write_grid_lines(tmp_path / "theirs.npz", given)
    valid = np.ones((1, 32, 32), bool)
    valid[0, 3, 4] = False
    write_dataset(tmp_path / "ours.npz", replace(given, valid=valid))
    for name in ("theirs", "ours"):
        found = read_scan(tmp_path / f"{name}.npz")
        assert (found.format, found.values) == ("grid_lines", "amplitude")
        np.testing.assert_array_equal(found.positions, given.corners)
        np.testing.assert_array_equal(found.corners_on_object, given.corners)
        np.testing.assert_array_equal(found.probe, given.probe[None])
    np.testing.assert_array_equal(found.valid, valid[0])


def test_bad_pixels_of_a_grid_lines_file(
    small_scan: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    """What is no amplitude is left for the preparation of the scan."""
    path = tmp_path / "scan.npz"
    diffraction = small_scan[0].diffraction[..., None].copy()
    diffraction[4, 5, 6], diffraction[7] = -1, np.nan
    bad = np.zeros((32, 32), bool)
    bad[3, 4] = True
    write_grid_lines(path, small_scan[0], diffraction=diffraction, bad_pixels=bad)
    found = read_scan(path)
    np.testing.assert_array_equal(found.frames[0:81], diffraction[..., 0])
    np.testing.assert_array_equal(found.valid, ~bad)
    assert "bad_pixels" in found.origins["valid"]


# --- ptychodus ----------------------------------------------------------------------------------


def test_patterns_and_positions_pair_by_number(scan: Scan, tmp_path: Path) -> None:
    """The product may be HDF5 too; an index that is another's row does not mislead."""
    path = tmp_path / "scan.npz"
    write_ptychodus_npz(path, scan)
    (tmp_path / "product.npz").unlink()
    write_ptychodus_product_hdf5(tmp_path / "product.h5", a_reconstruction(scan), mixed=True)
    found = read_scan(path)
    np.testing.assert_allclose(found_pixels(found, scan), pixels(scan), atol=1e-6)
    assert found.frames.shape[0] == len(scan.frames)
    assert "1 of 36 patterns have no position: left out." in found.remarks
    np.testing.assert_array_equal(found.frames[3:5], scan.frames[3:5])
    assert "of product.h5" in found.origins["positions"]


def test_patterns_without_a_product(scan: Scan, tmp_path: Path) -> None:
    write_ptychodus_npz(tmp_path / "scan.npz", scan)
    (tmp_path / "product.npz").unlink()
    found = read_scan(tmp_path / "scan.npz")
    assert found.positions is None
    assert found.frames.shape[0] == 36
    assert "product.h5 or product.npz" in found.remarks[0]


def test_patterns_and_product_in_one_file(scan: Scan, tmp_path: Path) -> None:
    write_ptychodus_npz(tmp_path / "scan.npz", scan)
    with np.load(tmp_path / "scan.npz") as patterns, np.load(tmp_path / "product.npz") as product:
        np.savez(tmp_path / "one.npz", **patterns, **product)
    (tmp_path / "product.npz").unlink()
    found = read_scan(tmp_path / "one.npz")
    np.testing.assert_allclose(found_pixels(found, scan), pixels(scan), atol=1e-6)


# --- what cannot be right -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("write", "change", "message"),
    [
        (write_tike, {"scan": np.zeros((1, 961, 2))}, r"data has the shape.*\(961, H, W\)"),
        (write_tike, {"scan": np.zeros((35, 2))}, r"same position for all"),
        (write_tike, {"scan": np.full((35, 2), np.nan)}, r"scan holds float64 with gaps"),
        (write_tike, {"scan": np.zeros((35, 3))}, r"scan has the shape \(35, 3\)"),
        (write_tike, {"data": np.zeros((35, 32, 32), complex)}, r"data holds complex128"),
        (write_tike, {"probe": np.zeros((2, 3, 32, 32))}, r"probe has the shape \(2, 3, 32, 32\)"),
        (write_tike, {"probe": np.zeros((32, 32))}, r"probe is zero everywhere"),
        (
            write_ptychopinn_raw,
            {"xcoords": np.zeros(34)},
            r"ycoords has the shape \(35,\); \(34,\)",
        ),
        (write_ptychopinn_raw, {"diff3d": np.zeros((20, 32, 32))}, r"\(35, H, W\) or \(H, W, 35\)"),
        (write_ptychopinn_raw, {"bad_pixels": np.ones((32, 32), bool)}, r"leaves no good pixel"),
        (
            write_ptychopinn_raw,
            {"bad_pixels": np.ones((9, 9), bool)},
            r"bad_pixels is bool \(9, 9\)",
        ),
        (write_ptychopinn_raw, {"photon_energy_eV": 8.0}, r"photon_energy_eV is 8 eV"),
        (write_ptychodus_npz, {"indexes": np.zeros(36, int)}, r"indexes has a number twice"),
        (write_ptychodus_npz, {"indexes": np.arange(36) + 5000}, r"none of its 36 indexes"),
        (write_ptychodus_npz, {"indexes": np.arange(9)}, r"has 9 indexes for 36 patterns"),
    ],
)
def test_what_cannot_be_right_is_refused(
    write: Any, change: dict[str, Any], message: str, scan: Scan, tmp_path: Path
) -> None:
    path = tmp_path / "scan.npz"
    np.savez(path, **(write(path, scan) | change))
    with pytest.raises(FileError, match=message) as refused:
        read_scan(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert len(str(refused.value).splitlines()) == 1
