"""The parts that CXI and NXcxi_ptycho share: one entry with a detector, a source and a sample."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import refusal
from ptychopareto.readers.array_axes import probe_modes
from ptychopareto.readers.format import Contents, Format
from ptychopareto.readers.frames import HDF5Frames, frames_of
from ptychopareto.readers.hdf5 import find, find_dataset, opened
from ptychopareto.readers.hdf5_values import read_array
from ptychopareto.readers.measured_scan import MeasuredScan
from ptychopareto.readers.units import read_length

DETECTOR = "instrument_1/detector_1"
_SOURCE = "instrument_1/source_1"

# A part of a scan and where it came from; None if the file does not have it.
Part = tuple[Any, str] | None


class Placed(NamedTuple):
    """Positions as a file has them.

    Attributes
    ----------
    positions : (B, 2) float64
        Row and column [m].
    scale : tuple of float
        What the numbers of the file were multiplied by.
    origin : str
        Where they came from.
    in_metres : bool
        False if the file names a unit that is no length; the numbers are then those of the file.
    """

    positions: NDArray[np.float64]
    scale: tuple[float, float]
    origin: str
    in_metres: bool = True


@dataclass(frozen=True)
class Layout:
    """The parts in which one of the two formats differs from the other.

    Attributes
    ----------
    name : str
        Name of the format.
    frames : sequence of str
        Names of the frames inside the entry; the first that exists counts.
    positions : callable
        Reads the positions, given path, entry and the number of frames, which is None while a scan
        is still being measured.
    valid : callable
        Reads which pixels to believe, given path and entry.
    wavelength : callable
        Reads the wavelength [m], given path and entry.
    position_unit : str
        Where the unit of the positions came from; "" if the positions say it.
    """

    name: str
    frames: Sequence[str]
    positions: Callable[[Path, h5py.Group, int | None], Placed | None]
    valid: Callable[[Path, h5py.Group], Part]
    wavelength: Callable[[Path, h5py.Group], Part]
    position_unit: str = ""


def format_of(layout: Layout, description: str, recognises: Callable[[Contents], bool]) -> Format:
    """Make the format of a layout; its files can be read while they are written.

    Parameters
    ----------
    layout : Layout
        The parts in which it differs from the other format.
    description : str
        The format in words.
    recognises : callable
        Tells whether contents are of this format.

    Returns
    -------
    Format
    """

    def read(path: Path, keys: Mapping[str, str], *, growing: bool = False) -> MeasuredScan:
        return read_entry(path, layout, growing=growing)  # without `keys`: all names are fixed

    growing = partial(read, growing=True)
    return Format(layout.name, description, recognises, read, read_growing=growing)


def read_entry(path: Path, layout: Layout, *, growing: bool = False) -> MeasuredScan:
    """Read the scan of a file.

    Parameters
    ----------
    path : Path
        The file.
    layout : Layout
        The format.
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
    """
    with opened(path) as file:
        entry, name_of_entry = _entry(path, file)
        names = [f"{name_of_entry}/{name}" for name in layout.frames]
        frames = _frames(path, file, names, growing=growing)
        origins = {"frames": frames.name, "values": "the format: counts"}
        found: dict[str, Any] = {}
        placed = layout.positions(path, entry, None if growing else frames.shape[0])
        if placed is not None:
            found |= {"positions": placed.positions, "position_scale": placed.scale}
            found["position_unit"] = "m" if placed.in_metres else None
            origins["positions"] = placed.origin
            origins["position_unit"] = layout.position_unit or placed.origin
        parts = {
            "valid": layout.valid(path, entry),
            "wavelength": layout.wavelength(path, entry),
            "distance": read_length(path, entry, f"{DETECTOR}/distance"),
            "detector_pixel": _pixel_size(path, entry),
            "probe": _probe(path, entry),
        }
        for name, part in parts.items():
            if part is not None:
                found[name], origins[name] = part
        dark = f"{DETECTOR}/data_dark"
        remarks = (f"{dark} is not subtracted",) if find(path, entry, dark) is not None else ()
        return MeasuredScan(
            *(str(path), layout.name, frames),
            values="intensity",
            origins=origins,
            remarks=remarks,
            **found,
        )


def _entry(path: Path, file: h5py.File) -> tuple[h5py.Group, str]:
    """Find the group of a scan, and the name under which this file has it."""
    for name in ("entry_1", "entry"):
        entry = find(path, file, name)
        if isinstance(entry, h5py.Group):
            return entry, name
    raise refusal(path, "has no group entry_1; a CXI file has one")


def _frames(
    path: Path, file: h5py.File, names: Sequence[str], *, growing: bool = False
) -> HDF5Frames:
    """Find the frames under the first of several names that exists."""
    for name in names:
        frames = frames_of(path, file, name, growing=growing)
        if frames is not None:
            return frames
    raise refusal(path, f"has no frames; one of {', '.join(names)} is wanted")


def basis_vectors(path: Path, entry: h5py.Group) -> NDArray[np.float64] | None:
    """Read the steps of the detector's array from row to row and from column to column.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    entry : Group
        The group of the scan.

    Returns
    -------
    (3, 2) float64 or None
        The steps (x, y, z) [m] as columns; None if the file does not say them.

    Raises
    ------
    FileError
        The array has another shape, or does not span the plane of the detector.
    """
    dataset = find_dataset(path, entry, f"{DETECTOR}/basis_vectors")
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


def _pixel_size(path: Path, entry: h5py.Group) -> tuple[tuple[float, float], str] | None:
    """Read the pitch of the detector's pixels."""
    rows = read_length(path, entry, f"{DETECTOR}/y_pixel_size")
    columns = read_length(path, entry, f"{DETECTOR}/x_pixel_size")
    if rows and columns:
        return (rows[0], columns[0]), f"{rows[1]}, and {columns[1]}"
    basis = basis_vectors(path, entry)
    if basis is None:
        return None
    lengths = np.linalg.norm(basis, axis=0)
    return (float(lengths[0]), float(lengths[1])), "lengths of basis_vectors, metres"


def _probe(path: Path, entry: h5py.Group) -> tuple[NDArray[np.complex64], str] | None:
    """Read the probe at the sample, which some programs write beside the source."""
    dataset = find_dataset(path, entry, f"{_SOURCE}/illumination")
    if dataset is None or dataset.ndim < 2:
        return None
    return probe_modes(path, read_array(path, dataset), str(dataset.name)), str(dataset.name)
