"""The formats of measured scans, and the one that a file has."""

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import reading, refusal
from ptychopareto.files.npz import read_headers
from ptychopareto.readers import (
    cxi,
    dectris,
    folder,
    grid_lines,
    keyed,
    matlab,
    nxcxi_ptycho,
    ptychodus_hdf5,
    ptychodus_npz,
    ptychopinn_raw,
    ptyd,
    ptylab,
    tike,
)
from ptychopareto.readers.agreement import check_scan
from ptychopareto.readers.format import Contents, Entry, Format
from ptychopareto.readers.frames import patterns_between
from ptychopareto.readers.hdf5 import read_contents
from ptychopareto.readers.measured_scan import MeasuredScan

# The first format that recognises a file is the one that it has.
READERS: list[Format] = [
    nxcxi_ptycho.FORMAT,
    cxi.FORMAT,
    dectris.FORMAT,
    ptyd.FORMAT,
    ptylab.FORMAT,
    ptychodus_hdf5.FORMAT,
    matlab.FORMAT,
    ptychodus_npz.FORMAT,
    ptychopinn_raw.FORMAT,
    grid_lines.FORMAT,
    tike.FORMAT,
    folder.FORMAT,
    keyed.FORMAT,
]

FORMATS = tuple(reader.name for reader in READERS)


def read_scan(
    path: Path, format: str | None = None, keys: Mapping[str, str] | None = None
) -> MeasuredScan:
    """Read a measured scan in the format that its contents have.

    Parameters
    ----------
    path : Path
        The file; its name says nothing.
    format : str, optional
        One of `FORMATS`, where the contents say none or the wrong one.
    keys : dict of str, optional
        Which array holds what. With diffraction among them the format does not matter; without it
        they say what the format does not say, or overrule it.

    Returns
    -------
    MeasuredScan
        What the file says. Frames are read only where they are asked for.

    Raises
    ------
    FileError
        The file is missing or damaged, has none of the formats, or its parts do not agree.
    """
    contents, keys = read_any(path), keys or {}
    by_keys = "diffraction" in keys and contents.container != "folder"
    reader = keyed.FORMAT if by_keys else _reader(contents, format)
    with reading(path, f"a scan of the format {reader.name}"):
        scan = replace(reader.read(path, keys), path=str(path), format=reader.name)
        if reader is not keyed.FORMAT:
            named = {key: name for key, name in keys.items() if key != "diffraction"}
            scan = keyed.completed(scan, named)
        return check_scan(scan)


def format_of(path: Path) -> str:
    """Recognise the format of a scan by what its file holds.

    Parameters
    ----------
    path : Path
        The file, or the folder.

    Returns
    -------
    str
        One of `FORMATS`.

    Raises
    ------
    FileError
        The file is missing, damaged, or has none of the formats.
    """
    return _reader(read_any(path), None).name


def read_growing_scan(
    path: Path, format: str | None = None, keys: Mapping[str, str] | None = None
) -> MeasuredScan:
    """Read what there is of a scan that is still being measured.

    Parameters
    ----------
    path : Path
        The file.
    format : str, optional
        One of `FORMATS`, as in `read_scan`.
    keys : dict of str, optional
        Which array holds what, as in `read_scan`.

    Returns
    -------
    MeasuredScan
        As many frames as have a position, and these positions; there may be none yet. The last
        frames may be zeros for which a writer has made place.

    Raises
    ------
    FileError
        As in `read_scan`, or the format cannot grow, or there are no positions.
    """
    contents, keys = read_any(path), keys or {}
    by_keys = "diffraction" in keys and contents.container != "folder"
    reader = keyed.FORMAT if by_keys else _reader(contents, format)
    if reader.read_growing is None:
        known = ", ".join(reader.name for reader in READERS if reader.read_growing is not None)
        raise refusal(path, f"is a scan of the format {reader.name}; only {known} can be followed")
    with reading(path, f"a scan of the format {reader.name}"):
        scan = replace(reader.read_growing(path, keys), path=str(path), format=reader.name)
        if reader is not keyed.FORMAT:
            named = {key: name for key, name in keys.items() if key != "diffraction"}
            scan = keyed.completed(scan, named, growing=True)
        if scan.positions is None:
            raise refusal(path, "has no positions; one a pattern is wanted")
        count = min(scan.frames.shape[0], _written(scan.positions))
        if scan.valid is not None and scan.valid.ndim == 3:
            count = min(count, len(scan.valid))
        unplaced = scan.frames.shape[0] - count
        scan = replace(patterns_between(scan, 0, count), unplaced=unplaced)
        return check_scan(scan) if count > 1 else scan


def _written(positions: NDArray[np.float64]) -> int:
    """Count the positions up to the last one that is neither NaN nor all zeros.

    So reads what a writer has made place for and not written yet. A true zero counts as soon as
    another position follows it.
    """
    there = np.asarray(np.isfinite(positions).all(axis=1))
    filled = np.flatnonzero(there & positions.any(axis=1))
    count = int(filled[-1]) + 1 if len(filled) else 0
    return count if there[:count].all() else int(np.argmin(there))


def read_any(path: Path) -> Contents:
    """List what an HDF5 or NPZ file holds; for a folder the list is empty.

    Raises
    ------
    FileError
        The file is missing, damaged, or neither of the two.
    """
    if path.is_dir():
        return Contents(path, "folder", {})
    with reading(path, "an HDF5 or NPZ file"):
        with path.open("rb") as stream:
            preamble = stream.read(128)
        is_hdf5, is_npz = h5py.is_hdf5(path), zipfile.is_zipfile(path)
    if is_hdf5:
        return read_contents(path)
    if is_npz:
        entries = {key: Entry(*header) for key, header in read_headers(path).items()}
        return Contents(path, "npz", entries, preamble=preamble)
    raise refusal(path, f"is neither HDF5 nor NPZ; a scan is wanted in one of: {_known()}")


def _reader(contents: Contents, format: str | None) -> Format:
    """Return the format of this name, or else the first one that recognises the file."""
    for reader in READERS:
        if reader.name == format or (format is None and reader.recognises(contents)):
            return reader
    if format is not None:
        raise refusal(contents.path, f"format {format!r} is not known; known are: {_known()}")
    raise refusal(
        contents.path,
        f"is a scan of no known format ({_known()}); `keys:` can say what its arrays hold",
    )


def _known() -> str:
    return ", ".join(reader.name for reader in READERS)
