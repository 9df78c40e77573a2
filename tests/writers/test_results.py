"""What is written is read back: by our readers, by h5py as CXI has it, and whole or not at all."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from ptychopareto.files import FileError
from ptychopareto.readers.finished import read_reconstruction_of
from ptychopareto.writers import hdf5_image
from ptychopareto.writers.registry import WRITERS, check_writable, write_result
from ptychopareto.writers.result import Result

PIXEL = (3e-8, 2e-8)  # rows and columns differ, so that none can stand for the other


@pytest.fixture
def result() -> Result:
    rng = np.random.default_rng(0)
    image = (rng.normal(size=(40, 38)) + 1j * rng.normal(size=(40, 38))).astype(np.complex64)
    probe = (rng.normal(size=(2, 16, 16)) + 1j * rng.normal(size=(2, 16, 16))).astype(np.complex64)
    covered = np.ones((40, 38), bool)
    covered[:3] = False
    return Result(
        object=image,
        covered=covered,
        probe=probe,
        corners=rng.uniform(0, 22, (12, 2)),
        frames=np.arange(3, 15),
        free=np.arange(12) == 4,
        pixel=PIXEL,
        wavelength=1.5e-10,
        distance=2.0,
        detector_pixel=(6e-5, 5e-5),
        figures={"r_work": 0.125},
        provenance={"program": "ptycho-pareto", "version": "1", "date": "now", "command": "x y"},
    )


def test_a_product_is_a_finished_reconstruction(result: Result, tmp_path: Path) -> None:
    write_result(tmp_path / "out.h5", result, "ptychodus")
    found = read_reconstruction_of(tmp_path / "out.h5")
    assert found.format == "ptychodus"
    assert found.object is not None
    assert found.positions is not None
    assert found.corners_on_object is not None
    np.testing.assert_array_equal(found.object, result.object)
    np.testing.assert_array_equal(found.probe, result.probe)
    np.testing.assert_allclose(found.corners_on_object, result.corners, atol=1e-9)
    steps = np.diff(found.positions, axis=0)
    np.testing.assert_allclose(steps, np.diff(result.corners, axis=0) * PIXEL, atol=1e-18)
    assert found.indexes is not None
    np.testing.assert_array_equal(found.indexes, result.frames)
    assert found.object_pixel == PIXEL
    assert found.distance == 2.0
    assert found.wavelength == pytest.approx(1.5e-10, rel=1e-8)


def test_cxi_has_metres_joules_and_an_image(result: Result, tmp_path: Path) -> None:
    write_result(tmp_path / "out.cxi", result, "cxi")
    with h5py.File(tmp_path / "out.cxi") as file:
        assert file["cxi_version"][()] >= 130
        image = file["entry_1/image_1"]
        np.testing.assert_array_equal(image["data"], result.object)
        assert image["data_space"].asstr()[()] == "real"
        np.testing.assert_allclose(image["image_size"], [38 * 2e-8, 40 * 3e-8, 0])
        assert (image["x_pixel_size"][()], image["y_pixel_size"][()]) == (2e-8, 3e-8)
        np.testing.assert_array_equal(image["mask"][()] == 0, result.covered)
        source = file["entry_1/instrument_1/source_1"]
        assert source["energy"][()] == pytest.approx(12398.41984 / 1.5 * 1.602176634e-19, rel=1e-8)
        assert source["wavelength"][()] == 1.5e-10
        assert image["source_1"] == source
        np.testing.assert_array_equal(source["illumination"], result.probe)
        np.testing.assert_array_equal(image["process_1/final_illumination"], result.probe)
        detector = image["detector_1"]
        assert detector["distance"][()] == 2.0
        assert (detector["y_pixel_size"][()], detector["x_pixel_size"][()]) == (6e-5, 5e-5)
        places = file["entry_1/sample_1/geometry_1/translation"][()]
        assert places.shape == (12, 3)
        rows, columns = np.diff(places[:, 1]) / 3e-8, np.diff(places[:, 0]) / 2e-8
        np.testing.assert_allclose(
            np.stack([rows, columns], -1), np.diff(result.corners, axis=0), atol=1e-9
        )
        process = image["process_1"]
        assert process["command"].asstr()[()] == "x y"
        assert process["r_work"][()] == 0.125
        np.testing.assert_array_equal(process["frames"], result.frames)
        np.testing.assert_array_equal(process["free"], result.free)
        assert image.attrs["NX_class"] == "NXdata"


def test_what_is_not_known_is_not_written(result: Result, tmp_path: Path) -> None:
    unknown = replace(result, pixel=None, wavelength=None, distance=None, detector_pixel=None)
    write_result(tmp_path / "out.cxi", unknown, "cxi")
    with h5py.File(tmp_path / "out.cxi") as file:
        assert "image_size" not in file["entry_1/image_1"]
        assert "sample_1" not in file["entry_1"]
        assert set(file["entry_1/instrument_1/source_1"]) == {"illumination"}
        np.testing.assert_array_equal(file["entry_1/image_1/process_1/corners"], result.corners)


def test_a_product_without_metres_is_refused(tmp_path: Path) -> None:
    check_writable(tmp_path / "out.cxi", "cxi", None)
    with pytest.raises(FileError, match=r"holds metres.*--object-pixel"):
        check_writable(tmp_path / "out.h5", "ptychodus", None)


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_old_file(
    result: Result, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.h5"
    path.write_bytes(b"old")

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as stream:
            stream.write(data[:100])
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(hdf5_image.Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write_result(path, result, name)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
