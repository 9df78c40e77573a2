"""The HDF5 files of PtyLab (0.3.7), for ptychography with a moved sample (CPM)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import refusal
from ptychopareto.readers.array_axes import a_position_per_frame, probe_modes
from ptychopareto.readers.format import Contents, Format
from ptychopareto.readers.frames import frames_of
from ptychopareto.readers.hdf5 import find, find_dataset, opened
from ptychopareto.readers.hdf5_values import read_array
from ptychopareto.readers.measured_scan import MeasuredScan
from ptychopareto.readers.units import read_length

# (transpose, flip rows, flip columns), the codes that ptypy uses too
_ORIENTATIONS = tuple((bool(code & 4), bool(code & 2), bool(code & 1)) for code in range(8))


def read(path: Path, keys: Mapping[str, str]) -> MeasuredScan:
    """Read a PtyLab file.

    Parameters
    ----------
    path : Path
        The file.
    keys : dict of str
        Not used: the format has fixed names.

    Returns
    -------
    MeasuredScan
        Frames, positions [m] and what else the file says.

    Raises
    ------
    FileError
        The file is one of Fourier ptychography, has no frames, or something in it has a shape or
        value that cannot be right.

    Notes
    -----
    `encoder` holds (row, column) [m] as (N, 2), or as (2, N), which PtyLab centres besides: only
    differences count here. `orientation` is to be applied to the frames, transposed first.
    """
    with opened(path) as file:
        if find(path, file, "zled") is not None:
            raise refusal(path, "holds Fourier ptychography (zled); a moved sample is wanted")
        frames = frames_of(path, file, "ptychogram")
        if frames is None:
            raise refusal(path, "has no ptychogram; a PtyLab file has one")
        origins = {"frames": "ptychogram", "values": "the format: counts"}
        found: dict[str, Any] = {}
        parts = {
            "positions": _positions(path, file, frames.shape[0]),
            "wavelength": read_length(path, file, "wavelength"),
            "distance": read_length(path, file, "zo"),
            "detector_pixel": _pixel(path, file),
            "probe": _probe(path, file),
            "orientation": _orientation(path, file),
        }
        for name, part in parts.items():
            if part is not None:
                found[name], origins[name] = part
        if "positions" in found:
            origins["position_unit"] = "the format: metres"
        return MeasuredScan(
            str(path), "ptylab", frames, values="intensity", origins=origins, **found
        )


def _positions(path: Path, file: h5py.File, frames: int) -> tuple[NDArray[np.float64], str] | None:
    dataset = find_dataset(path, file, "encoder")
    if dataset is None:
        return None
    positions = a_position_per_frame(path, read_array(path, dataset), frames, "encoder")
    return positions[:, :2], "encoder, (row, column), metres"


def _pixel(path: Path, file: h5py.File) -> tuple[tuple[float, float], str] | None:
    pixel = read_length(path, file, "dxd")
    return ((pixel[0], pixel[0]), pixel[1]) if pixel else None


def _probe(path: Path, file: h5py.File) -> tuple[NDArray[np.complex64], str] | None:
    """Read the probe, which PtyLab writes beside its results and some users beside their data."""
    dataset = find_dataset(path, file, "probe")
    if dataset is None:
        return None
    return probe_modes(path, read_array(path, dataset), "probe"), "probe"


def _orientation(path: Path, file: h5py.File) -> tuple[tuple[bool, bool, bool], str] | None:
    """Read how frames are to be turned: a code, a whole number of any type or an array of one."""
    dataset = find_dataset(path, file, "orientation")
    if dataset is None or dataset.size == 0:
        return None
    code = read_array(path, dataset).reshape(-1)[0]
    if code not in range(8):
        raise refusal(path, f"orientation is {code}; a whole number from 0 to 7 is wanted")
    return _ORIENTATIONS[int(code)], f"orientation, code {int(code)} of PtyLab"


def _recognises(contents: Contents) -> bool:
    return contents.container == "hdf5" and "ptychogram" in contents and "encoder" in contents


FORMAT = Format("ptylab", "HDF5 files of PtyLab", _recognises, read)
