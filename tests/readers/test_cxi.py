"""CXI: axes, signs, energies and masks, and a measured file in near field."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from ptychopareto.files import FileError
from ptychopareto.readers import read_scan
from readers.compare import check, replace
from readers.writers import (
    Scan,
    write_cxi,
)

DATA = Path(__file__).resolve().parents[2] / "../shared/data"


def cxi(path: Path, scan: Scan) -> h5py.File:
    write_cxi(path, scan)
    return h5py.File(path, "r+")


TRANSLATION = "entry_1/sample_1/geometry_1/translation"
DETECTOR = "entry_1/instrument_1/detector_1"
SOURCE = "entry_1/instrument_1/source_1"


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
