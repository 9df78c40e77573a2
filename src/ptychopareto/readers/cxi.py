"""CXI, the format of the Coherent X-ray Imaging data bank (versions 1.3 to 1.6)."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import refusal
from ptychopareto.readers.format import Contents, Format
from ptychopareto.readers.frames import HDF5Frames, frames_of
from ptychopareto.readers.hdf5 import find, find_dataset, opened
from ptychopareto.readers.hdf5_values import read_array
from ptychopareto.readers.measured_scan import MeasuredScan
from ptychopareto.readers.quantities import (
    a_position_per_frame,
    probe_modes,
    read_energy,
    read_length,
)

_HAS_SIGNAL = 0x1000  # the one bit of a mask that marks no bad pixel
_INSTRUMENT, _DETECTOR = "instrument_1", "instrument_1/detector_1"
_FRAMES = ("data_1/data", f"{_DETECTOR}/data")
_TRANSLATIONS = (
    "sample_1/geometry_1/translation",
    f"{_DETECTOR}/translation",
    "data_1/translation",
)


def read(path: Path, keys: Mapping[str, str], *, growing: bool = False) -> MeasuredScan:
    """Read a CXI file; see `registry.read_scan`.

    Parameters
    ----------
    path : Path
        The file.
    keys : dict of str
        Not used: the format has fixed names.
    growing : bool, optional
        Whether the scan is still being measured, with more positions than frames, or fewer.

    Returns
    -------
    MeasuredScan
        Frames, positions [m] and what else the file says.

    Raises
    ------
    FileError
        The file has no frames, or something in it has a shape or value that cannot be right.

    Notes
    -----
    `translation` is the position (x, y, z) [m] of the sample. The axes of the detector's array are
    `basis_vectors`, (0, −y_pixel_size, 0) for rows and (−x_pixel_size, 0, 0) for columns where the
    file has none. The beam moves over the sample against the translation, so

        row = −t · b_row / |b_row|,  column = −t · b_column / |b_column|

    which for the default vectors is row = +y, column = +x.
    """
    with opened(path) as file:
        entry, name_of_entry = find_entry(path, file)
        names = [f"{name_of_entry}/{name}" for name in _FRAMES]
        frames = find_frames(path, file, names, growing=growing)
        origins = {"frames": frames.name, "values": "the format: counts"}
        found: dict[str, Any] = {}
        parts = {
            "positions": _positions(path, entry, None if growing else frames.shape[0]),
            "valid": _valid(path, entry),
            "wavelength": _wavelength(path, entry),
            "distance": read_length(path, entry, f"{_DETECTOR}/distance"),
            "detector_pixel": read_pixel_size(path, entry),
            "probe": read_probe(path, entry),
        }
        for name, part in parts.items():
            if part is not None:
                found[name], origins[name] = part
        if "positions" in found:
            origins["position_unit"] = "the format: metres"
        dark = f"{_DETECTOR}/data_dark"
        remarks = (f"{dark} is not subtracted",) if find(path, entry, dark) is not None else ()
        return MeasuredScan(
            str(path), "cxi", frames, values="intensity", origins=origins, remarks=remarks, **found
        )


def find_entry(path: Path, file: h5py.File) -> tuple[h5py.Group, str]:
    """Find the group of a scan, and the name under which this file has it.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    file : File
        The open file.

    Returns
    -------
    tuple of Group and str
        The group, and its name.

    Raises
    ------
    FileError
        There is no such group.
    """
    for name in ("entry_1", "entry"):
        entry = find(path, file, name)
        if isinstance(entry, h5py.Group):
            return entry, name
    raise refusal(path, "has no group entry_1; a CXI file has one")


def find_frames(
    path: Path, file: h5py.File, names: Sequence[str], *, growing: bool = False
) -> HDF5Frames:
    """Find the frames under the first of several names that exists.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    file : File
        The open file.
    names : sequence of str
        Names of datasets.
    growing : bool, optional
        Whether the scan is still being measured; see `frames_of`.

    Returns
    -------
    HDF5Frames

    Raises
    ------
    FileError
        There are none, or the dataset holds no frames.
    """
    for name in names:
        frames = frames_of(path, file, name, growing=growing)
        if frames is not None:
            return frames
    raise refusal(path, f"has no frames; one of {', '.join(names)} is wanted")


def _positions(
    path: Path, entry: h5py.Group, frames: int | None
) -> tuple[NDArray[np.float64], str] | None:
    dataset = find_dataset(path, entry, *_TRANSLATIONS)
    if dataset is None:
        return None
    name = str(dataset.name)
    stored = a_position_per_frame(path, read_array(path, dataset), frames, name)
    basis = _basis(path, entry)
    if basis is None:
        return stored[:, [1, 0]], f"{name} (x, y): row = +y, column = +x, metres"
    unit = basis / np.linalg.norm(basis, axis=0)
    in_plane = stored[:, :2] @ unit[:2]
    return -in_plane, f"{name} (x, y) along basis_vectors of the detector, reversed, metres"


def _basis(path: Path, entry: h5py.Group) -> NDArray[np.float64] | None:
    """Read the steps (x, y, z) [m] from row to row and from column to column, as columns."""
    dataset = find_dataset(path, entry, f"{_DETECTOR}/basis_vectors")
    if dataset is None:
        return None
    basis = read_array(path, dataset)
    basis = basis.T if basis.shape == (2, 3) else basis
    if basis.shape != (3, 2) or basis.dtype.kind not in "iuf":
        raise refusal(path, f"basis_vectors have the shape {basis.shape}; (3, 2) is wanted")
    lengths = np.linalg.norm(basis[:2], axis=0)
    if not (np.isfinite(basis).all() and (lengths > 0).all()):
        raise refusal(path, "basis_vectors do not span the plane of the detector")
    return np.asarray(basis, np.float64)


def _valid(path: Path, entry: h5py.Group) -> tuple[NDArray[np.bool_], str] | None:
    dataset = find_dataset(path, entry, f"{_DETECTOR}/mask")
    if dataset is None:
        return None
    mask = read_array(path, dataset)
    if mask.dtype.kind not in "biu":
        if not (np.isfinite(mask).all() and (mask == np.floor(mask)).all()):
            raise refusal(path, f"{dataset.name} holds {mask.dtype}; bits are wanted")
        mask = mask.astype(np.int64)
    bits = mask.astype(np.uint64, copy=False)
    while bits.ndim > 2 and bits.shape[0] == 1:
        bits = bits[0]
    valid = (bits & ~np.uint64(_HAS_SIGNAL)) == 0
    return valid, f"{dataset.name}, where any bit but 0x1000 (has signal) marks a bad pixel"


def _wavelength(path: Path, entry: h5py.Group) -> tuple[float, str] | None:
    """Read the wavelength, or else the energy: in joules, unless its size tells another unit."""
    source = f"{_INSTRUMENT}/source_1"
    return read_length(path, entry, f"{source}/wavelength") or read_energy(
        path, entry, f"{source}/energy"
    )


def read_pixel_size(path: Path, entry: h5py.Group) -> tuple[tuple[float, float], str] | None:
    """Read the pitch of the detector's pixels.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    entry : Group
        The group of the scan.

    Returns
    -------
    tuple of tuple of float and str or None
        The sizes (row, column) [m], and where they came from; None if the file does not say them.

    Raises
    ------
    FileError
        A size is no finite number, or has a unit that is no length.
    """
    rows = read_length(path, entry, f"{_DETECTOR}/y_pixel_size")
    columns = read_length(path, entry, f"{_DETECTOR}/x_pixel_size")
    if rows and columns:
        return (rows[0], columns[0]), f"{rows[1]}, and {columns[1]}"
    basis = _basis(path, entry)
    if basis is None:
        return None
    lengths = np.linalg.norm(basis, axis=0)
    return (float(lengths[0]), float(lengths[1])), "lengths of basis_vectors, metres"


def read_probe(path: Path, entry: h5py.Group) -> tuple[NDArray[np.complex64], str] | None:
    """Read the probe at the sample, which some programs write beside the source.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    entry : Group
        The group of the scan.

    Returns
    -------
    tuple of complex64 array and str or None
        The probe (modes, h, w) and where it came from; None if the file has none.

    Raises
    ------
    FileError
        The array has another shape than a probe, or numbers that are not finite.
    """
    dataset = find_dataset(path, entry, f"{_INSTRUMENT}/source_1/illumination")
    if dataset is None or dataset.ndim < 2:
        return None
    return probe_modes(path, read_array(path, dataset), str(dataset.name)), str(dataset.name)


def _recognises(contents: Contents) -> bool:
    named = "cxi_version" in contents or "cxi_version" in contents.attributes
    return contents.container == "hdf5" and (named or "entry_1" in contents)


FORMAT = Format(
    *("cxi", "CXI, as of the Coherent X-ray Imaging data bank", _recognises, read),
    read_growing=partial(read, growing=True),
)
