"""Master files of DECTRIS detectors (Eiger, Arina), which link to their files of frames."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import refusal
from ptychopareto.readers.format import Contents, Format
from ptychopareto.readers.frames import HDF5Frames, JoinedFrames, frames_of
from ptychopareto.readers.hdf5 import find, find_dataset, opened
from ptychopareto.readers.hdf5_values import read_array, read_number, text_attribute
from ptychopareto.readers.measured_scan import Frames, MeasuredScan
from ptychopareto.readers.units import is_xray, read_energy, read_length

_DETECTOR = "entry/instrument/detector"
_SPECIFIC = f"{_DETECTOR}/detectorSpecific"
_WAVELENGTHS = (
    "entry/instrument/beam/incident_wavelength",
    "entry/sample/beam/incident_wavelength",
)
_CUTOFFS = (f"{_SPECIFIC}/countrate_correction_count_cutoff", f"{_DETECTOR}/saturation_value")


def read(path: Path, keys: Mapping[str, str]) -> MeasuredScan:
    """Read a master file; the frames that it links to are read where they are asked for.

    Parameters
    ----------
    path : Path
        The master file.
    keys : dict of str
        Not used: the format has fixed names.

    Returns
    -------
    MeasuredScan
        Frames and geometry; such files hold no positions.

    Raises
    ------
    FileError
        A file of frames is missing, or something has a shape or value that cannot be right.

    Notes
    -----
    Pixels that the detector masks hold a large number in all frames: above the largest count it can
    tell, in the first frame and in the last one, they are taken for bad. `pixel_mask` may have the
    size of the whole detector, where frames are cut out or binned, and is not used then.
    """
    with opened(path) as file:
        frames, name_of_frames = _frames(path, file)
        origins = {"frames": name_of_frames, "values": "the format: counts"}
        found: dict[str, Any] = {}
        remarks = ["the file holds no positions"]
        if not any(find(path, file, name) is not None for name in _CUTOFFS):
            remarks.append("the file does not say which counts are too large")
        parts = {
            "valid": _valid(path, file, frames, remarks),
            "wavelength": _wavelength(path, file, remarks),
            "distance": read_length(
                path, file, f"{_DETECTOR}/detector_distance", f"{_DETECTOR}/distance"
            ),
            "detector_pixel": _pixel(path, file),
        }
        for name, part in parts.items():
            if part is not None:
                found[name], origins[name] = part
        return MeasuredScan(
            *(str(path), "dectris", frames),
            values="intensity",
            origins=origins,
            remarks=tuple(remarks),
            **found,
        )


def _is_frames(name: str) -> bool:
    return name.startswith("data_") and name.removeprefix("data_").isdecimal()


def _frames(path: Path, file: h5py.File) -> tuple[Frames, str]:
    """Return the frames of all files in the order of their numbers, and where they are linked."""
    for name in ("entry/data", "entry"):
        group = find(path, file, name)
        links = list(filter(_is_frames, group)) if isinstance(group, h5py.Group) else []
        if links:
            links.sort(key=lambda link: int(link.removeprefix("data_")))
            return _joined(path, file, [f"{name}/{link}" for link in links]), f"{name}/data_*"
    raise refusal(path, "has no entry/data/data_000001; a DECTRIS master file has one")


def _joined(path: Path, file: h5py.File, names: Sequence[str]) -> Frames:
    pieces: list[HDF5Frames] = []
    for name in names:
        piece = frames_of(path, file, name)
        if piece is None:
            raise refusal(path, f"{name} holds no frames")
        if pieces and (piece.shape[1:], piece.dtype) != (pieces[0].shape[1:], pieces[0].dtype):
            raise refusal(path, f"{name} holds frames of another size or type than {names[0]}")
        pieces.append(piece)
    return JoinedFrames(pieces) if len(pieces) > 1 else pieces[0]


def _valid(
    path: Path, file: h5py.File, frames: Frames, remarks: list[str]
) -> tuple[NDArray[np.bool_], str] | None:
    shape = frames.shape[1:]
    valid, said = np.ones(shape, np.bool_), []
    dataset = find_dataset(path, file, f"{_SPECIFIC}/pixel_mask", f"{_DETECTOR}/pixel_mask")
    if dataset is not None and dataset.shape == shape:
        valid &= read_array(path, dataset) == 0
        said.append("pixel_mask, 0 where good")
    elif dataset is not None:
        remarks.append(f"pixel_mask has the shape {dataset.shape} and is not used")
    cutoff = read_number(path, file, *_CUTOFFS)
    if cutoff:
        count = frames.shape[0]
        valid &= (frames[0:1][0] <= cutoff) | (frames[count - 1 : count][0] <= cutoff)
        said.append(f"counts above {cutoff:g} in the first and in the last frame are bad")
    return (valid, "; ".join(said)) if said else None


def _wavelength(path: Path, file: h5py.File, remarks: list[str]) -> tuple[float, str] | None:
    """Read the wavelength of X-rays; what the detector says of electrons is left to the user."""
    dataset = find_dataset(path, file, *_WAVELENGTHS)
    if dataset is not None and text_attribute(dataset, "units"):
        return read_length(path, file, *_WAVELENGTHS)
    if dataset is not None and (length := read_number(path, file, str(dataset.name))):
        return length * 1e-10, f"{dataset.name}, assumed to be Å"
    energy = f"{_SPECIFIC}/photon_energy"
    number = read_number(path, file, energy)
    if number and not is_xray(number):
        remarks.append(f"{energy} is {number:g} eV, no energy of X-rays, and is not used")
        return None
    return read_energy(path, file, energy)


def _pixel(path: Path, file: h5py.File) -> tuple[tuple[float, float], str] | None:
    rows = read_length(path, file, f"{_DETECTOR}/y_pixel_size")
    columns = read_length(path, file, f"{_DETECTOR}/x_pixel_size")
    return ((rows[0], columns[0]), f"{rows[1]}, and {columns[1]}") if rows and columns else None


def _recognises(contents: Contents) -> bool:
    names = ("entry/data/data_000001", "entry/data_000001")
    return contents.container == "hdf5" and any(name in contents for name in names)


FORMAT = Format("dectris", "master files of DECTRIS detectors", _recognises, read)
