"""Master files of DECTRIS detectors: their files of frames, and masked pixels."""

from pathlib import Path

import numpy as np
import pytest

from ptychopareto.files import FileError
from ptychopareto.readers import read_scan
from readers.writers import (
    Scan,
    write_dectris,
)

DATA = Path(__file__).resolve().parents[2] / "../shared/data"


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
