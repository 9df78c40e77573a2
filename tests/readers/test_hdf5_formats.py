"""Each HDF5 format gives back the scan that was written, and heeds the traps of its makers."""

from pathlib import Path

import pytest

from ptychopareto.readers import read_scan
from readers.compare import check
from readers.writers import (
    KEYS,
    WRITERS,
    Scan,
)


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
