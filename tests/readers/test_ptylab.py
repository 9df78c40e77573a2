"""PtyLab: encoder, orientation, and what is no scan of a moved sample."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from ptychopareto.files import FileError
from ptychopareto.readers import read_scan
from readers.compare import check, replace
from readers.writers import (
    WRITERS,
    Scan,
)


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
