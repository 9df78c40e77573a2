"""Each HDF5 format gives back the scan that was written, and heeds the traps of its makers."""

import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pytest

from ptychopareto.files import FileError
from ptychopareto.readers import MeasuredScan, read_scan
from readers.writers import (
    ELECTRONVOLT,
    KEYS,
    WRITERS,
    Scan,
    a_scan,
    write_cxi,
    write_dectris,
    write_ptychodus_hdf5,
    write_ptyd,
)

DATA = Path(__file__).resolve().parents[2] / "../shared/data"


@pytest.fixture(scope="module")
def scan() -> Scan:
    return a_scan()


def differences(positions: np.ndarray) -> np.ndarray:
    return positions - positions[0]


def check(
    found: MeasuredScan, scan: Scan, *, has_mask: bool = True, has_probe: bool = True
) -> None:
    frames = found.frames[0 : found.frames.shape[0]]
    assert found.frames.shape == scan.frames.shape == frames.shape
    assert (frames == scan.frames).all()
    assert frames.dtype == found.frames.dtype
    assert found.positions is not None
    assert found.position_unit == "m"
    expected = differences(scan.positions)
    np.testing.assert_allclose(
        differences(found.positions), expected, atol=1e-4 * scan.object_pixel
    )
    if has_mask:
        assert (found.valid == scan.valid).all()
    if has_probe:
        assert (found.probe == scan.probe[None]).all()
        assert "probe" in found.origins
    np.testing.assert_allclose(found.wavelength, scan.wavelength, rtol=1e-6)
    np.testing.assert_allclose(found.distance, scan.distance, rtol=1e-6)
    np.testing.assert_allclose(found.detector_pixel, (scan.pixel, scan.pixel), rtol=1e-6)
    known = {"frames", "positions", "position_unit", "wavelength", "distance"}
    assert known <= set(found.origins)


@pytest.mark.parametrize("format", WRITERS)
def test_a_scan_comes_back(format: str, scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan.dat"
    WRITERS[format](path, scan)
    found = read_scan(path, keys=KEYS if format == "keys" else None)
    assert found.format == format
    check(found, scan, has_mask=format != "ptylab", has_probe=format != "ptyd")


@pytest.mark.parametrize("format", WRITERS)
def test_frames_are_read_in_pieces(format: str, scan: Scan, tmp_path: Path) -> None:
    WRITERS[format](tmp_path / "scan", scan)
    frames = read_scan(tmp_path / "scan", keys=KEYS if format == "keys" else None).frames
    for piece in (slice(0, 0), slice(3, 9), slice(6, 8), slice(33, 99), slice(1, 30, 4)):
        assert (frames[piece] == scan.frames[piece]).all()
        assert frames[piece].shape == scan.frames[piece].shape


# --- CXI ----------------------------------------------------------------------------------------


def cxi(path: Path, scan: Scan) -> h5py.File:
    write_cxi(path, scan)
    return h5py.File(path, "r+")


TRANSLATION = "entry_1/sample_1/geometry_1/translation"
DETECTOR = "entry_1/instrument_1/detector_1"
SOURCE = "entry_1/instrument_1/source_1"


def replace(file: h5py.File, name: str, value: object) -> None:
    del file[name]
    file[name] = value


def test_cxi_without_basis_vectors_means_the_default_ones(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan.cxi"
    with cxi(path, scan) as file:
        del file[f"{DETECTOR}/basis_vectors"]
    check(read_scan(path), scan)


def test_cxi_basis_vectors_turn_the_positions(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan.cxi"
    with cxi(path, scan) as file:  # rows of the detector run along +x, its columns along −y
        replace(file, f"{DETECTOR}/basis_vectors", np.array([[1, 0], [0, -1], [0, 0]]) * 55e-6)
    found = read_scan(path).positions
    assert found is not None
    expected = np.stack([-scan.positions[:, 1], scan.positions[:, 0]], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_cxi_translations_may_have_their_axes_exchanged(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan.cxi"
    with cxi(path, scan) as file:
        replace(file, TRANSLATION, file[TRANSLATION][()].T)
    check(read_scan(path), scan)


def test_cxi_refuses_positions_of_another_number(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan.cxi"
    with cxi(path, scan) as file:
        replace(file, TRANSLATION, np.random.default_rng(0).normal(size=(961, 3)))
    with pytest.raises(FileError, match=r"\(961, 3\), which gives no position to each of the 35"):
        read_scan(path)


@pytest.mark.parametrize("wavelength", [True, False])
def test_cxi_energy_in_electronvolts_is_told(scan: Scan, tmp_path: Path, wavelength: bool) -> None:
    path = tmp_path / "scan.cxi"
    with cxi(path, scan) as file:
        replace(file, f"{SOURCE}/energy", 8265.6)
        if not wavelength:
            del file[f"{SOURCE}/wavelength"]
    found = read_scan(path)
    assert found.wavelength == pytest.approx(1.5e-10, rel=1e-5)
    source = "wavelength, assumed to be metres" if wavelength else "eV, assumed from its size"
    assert source in found.origins["wavelength"]


@pytest.mark.parametrize("energy", [1e-12, 3e6, -8000.0])
def test_cxi_energy_of_no_x_rays_is_refused(scan: Scan, tmp_path: Path, energy: float) -> None:
    path = tmp_path / "scan.cxi"
    with cxi(path, scan) as file:
        replace(file, f"{SOURCE}/energy", energy)
        del file[f"{SOURCE}/wavelength"]
    with pytest.raises(FileError, match=r"energy is .*; the energy of X-rays, 0\.1 to 100 keV"):
        read_scan(path)


def test_cxi_mask_bit_of_signal_marks_no_bad_pixel(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan.cxi"
    with cxi(path, scan) as file:
        mask = file[f"{DETECTOR}/mask"][()]
        mask[8:24, 8:24] |= 0x1000
        replace(file, f"{DETECTOR}/mask", mask)
    check(read_scan(path), scan)


def test_near_field_file_of_petra() -> None:
    path = DATA / "petra_near_field.cxi"
    if not path.exists():
        pytest.skip(f"{path.name} is not in shared/data beside the checkout")
    found = read_scan(path)
    assert found.format == "cxi"
    assert found.frames.shape == (200, 100, 100)
    assert found.frames.dtype == np.int32
    assert found.wavelength == pytest.approx(9.794912e-11)
    assert found.distance == pytest.approx(1.12)
    assert found.detector_pixel == pytest.approx((5.5e-5, 5.5e-5))
    assert found.valid is not None
    assert (~found.valid).sum() == 5
    with h5py.File(path) as file:
        stored = file[TRANSLATION][()]
    assert found.positions is not None
    np.testing.assert_allclose(found.positions, stored[:, [1, 0]], rtol=1e-6)


# --- ptyd ---------------------------------------------------------------------------------------


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


# --- PtyLab -------------------------------------------------------------------------------------


def test_ptylab_encoder_with_axes_exchanged_and_orientation(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    WRITERS["ptylab"](path, scan)
    with h5py.File(path, "r+") as file:
        replace(file, "encoder", file["encoder"][()].T)
        replace(file, "orientation", np.array([[5.0]]))
    found = read_scan(path)
    check(found, scan, has_mask=False)
    assert found.orientation == (True, False, True)


@pytest.mark.parametrize("code", [8, 1.5, -1, np.nan])
def test_ptylab_orientation_that_is_none_is_refused(
    scan: Scan, tmp_path: Path, code: float
) -> None:
    WRITERS["ptylab"](tmp_path / "scan.h5", scan)
    with h5py.File(tmp_path / "scan.h5", "r+") as file:
        replace(file, "orientation", code)
    with pytest.raises(FileError, match=r"orientation is .*; a whole number from 0 to 7"):
        read_scan(tmp_path / "scan.h5")


def test_ptylab_fourier_ptychography_is_refused(scan: Scan, tmp_path: Path) -> None:
    WRITERS["ptylab"](tmp_path / "scan.h5", scan)
    with h5py.File(tmp_path / "scan.h5", "r+") as file:
        file["zled"] = 0.1
    with pytest.raises(FileError, match=r"Fourier ptychography"):
        read_scan(tmp_path / "scan.h5")


# --- ptychodus ----------------------------------------------------------------------------------


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


# --- DECTRIS ------------------------------------------------------------------------------------


def test_dectris_frames_of_several_files(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan_master.h5"
    write_dectris(path, scan)
    found = read_scan(path)
    assert found.format == "dectris"
    frames = found.frames[0:35]
    assert frames.dtype == np.uint32
    assert (frames[:, scan.valid] == scan.frames[:, scan.valid]).all()
    assert (frames[:, ~scan.valid] == 2**32 - 1).all()
    assert (found.frames[10:14] == frames[10:14]).all()
    assert (found.valid == scan.valid).all()
    assert found.wavelength == pytest.approx(scan.wavelength, rel=1e-6)
    assert found.positions is None


def test_dectris_missing_file_is_named(scan: Scan, tmp_path: Path) -> None:
    path = tmp_path / "scan_master.h5"
    write_dectris(path, scan)
    (tmp_path / "scan_data_000002.h5").unlink()
    with pytest.raises(FileError, match=r"needs the file scan_data_000002\.h5 .*missing"):
        read_scan(path)


def test_arina() -> None:
    path = DATA / "arina/test_arina_master.h5"
    if not path.exists():
        pytest.skip(f"{path.name} is not in shared/data beside the checkout")
    found = read_scan(path)
    assert found.format == "dectris"
    assert found.frames.shape == (16, 24, 24)
    frames = found.frames[0:16]
    assert frames.dtype == np.uint32
    assert found.valid is not None
    assert np.argwhere(~found.valid).tolist() == [[3, 16], [9, 9], [14, 1], [19, 1]]
    assert frames[:, found.valid].max() == 966
    assert (found.wavelength, found.distance) == (None, None)
    remarks = " ".join(found.remarks)
    assert "pixel_mask has the shape (192, 192)" in remarks
    assert "200000 eV, no energy of X-rays" in remarks


# --- MATLAB and keys ----------------------------------------------------------------------------


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
