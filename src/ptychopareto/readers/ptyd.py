"""The prepared data of ptypy (`.ptyd`, versions 0.3 to 0.8)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import refusal
from ptychopareto.files.npz import largest_content
from ptychopareto.readers.array_axes import a_position_per_frame
from ptychopareto.readers.format import Contents, Format
from ptychopareto.readers.frames import HDF5Frames, JoinedFrames, SelectedFrames, frames_of
from ptychopareto.readers.hdf5 import find, find_dataset, opened
from ptychopareto.readers.hdf5_values import read_array, text_attribute
from ptychopareto.readers.measured_scan import Frames, MeasuredScan
from ptychopareto.readers.units import wavelength_of

_MOST_CHUNKS = 100_000


def read(path: Path, keys: Mapping[str, str]) -> MeasuredScan:
    """Read a ptyd file.

    Parameters
    ----------
    path : Path
        The file.
    keys : dict of str
        Not used: the format has fixed names.

    Returns
    -------
    MeasuredScan
        Frames in the order of their indices, positions [m] and what else the file says.

    Raises
    ------
    FileError
        The file has no chunks, or something in it has a shape or value that cannot be right.

    Notes
    -----
    Chunks have numbers for names, and HDF5 lists names as text: 0, 1, 10, 11, 2. Frames take the
    place that `indices` says. Positions are (y, x) [m], energies are in keV. What stands for None
    is an array [0.] whose attribute `type` is "None".
    """
    with opened(path) as file:
        chunks = _chunks(path, file)
        pieces = [_frames(path, file, name) for name in chunks]
        if len({(piece.shape[1:], piece.dtype) for piece in pieces}) > 1:
            raise refusal(path, "has chunks whose frames differ in size or type")
        joined: Frames = JoinedFrames(pieces) if len(pieces) > 1 else pieces[0]
        counts = [piece.shape[0] for piece in pieces]
        indices = _indices(path, file, chunks, counts)
        order = np.argsort(indices, kind="stable")
        sorted_already = bool((order == np.arange(len(order))).all())
        origins = {
            "frames": f"data of {len(chunks)} chunks, in the order of their indices",
            "values": "the format: counts",
        }
        parts = {
            "positions": _positions(path, file, chunks, counts, indices),
            "valid": _valid(path, file, chunks, pieces, order),
            "wavelength": _wavelength(path, file),
            "distance": _distance(path, file),
            "detector_pixel": _pixel(path, file),
        }
    found: dict[str, Any] = {}
    for name, part in parts.items():
        if part is not None:
            found[name], origins[name] = part
    if "positions" in found:
        found["positions"] = found["positions"][order]
        origins["position_unit"] = "the format: metres"
    frames = joined if sorted_already else SelectedFrames(joined, order)
    return MeasuredScan(str(path), "ptyd", frames, values="intensity", origins=origins, **found)


def _chunks(path: Path, file: h5py.File) -> list[str]:
    """Return the paths of the chunks, in the order of their numbers."""
    group = find(path, file, "chunks")
    names = [name for name in group if name.isdecimal()] if isinstance(group, h5py.Group) else []
    if not names or len(names) > _MOST_CHUNKS:
        raise refusal(path, f"has {len(names)} chunks; 1 to {_MOST_CHUNKS} are wanted")
    return [f"chunks/{name}" for name in sorted(names, key=int)]


def _frames(path: Path, file: h5py.File, chunk: str) -> HDF5Frames:
    frames = frames_of(path, file, f"{chunk}/data")
    if frames is None:
        raise refusal(path, f"has no {chunk}/data; a chunk holds frames")
    return frames


def _indices(
    path: Path, file: h5py.File, chunks: list[str], counts: list[int]
) -> NDArray[np.int64]:
    """Return the number of each frame in the scan; where a file has none, the order of the file."""
    found, number = [], 0
    for chunk, count in zip(chunks, counts, strict=True):
        array = _array(path, file, f"{chunk}/indices")
        if array is None:
            array = np.arange(number, number + count)
        if array.size != count or array.dtype.kind not in "iuf" or not np.isfinite(array).all():
            raise refusal(path, f"{chunk}/indices has {array.size} numbers for {count} frames")
        found.append(array.reshape(-1).astype(np.int64))
        number += count
    indices = np.concatenate(found)
    if len(np.unique(indices)) < len(indices):
        raise refusal(path, "indices of the chunks name a frame twice; each is wanted once")
    return indices


def _positions(
    path: Path, file: h5py.File, chunks: list[str], counts: list[int], indices: NDArray[np.int64]
) -> tuple[NDArray[np.float64], str] | None:
    """Read the positions of the chunks in the order of the file, else those of the whole scan."""
    found = []
    for chunk, count in zip(chunks, counts, strict=True):
        array = _array(path, file, f"{chunk}/positions")
        if array is None or array.size == 0:
            break
        found.append(a_position_per_frame(path, array, count, f"{chunk}/positions"))
    else:
        positions = np.concatenate([part[:, :2] for part in found])
        return positions, "positions of the chunks, (row, column), metres"
    for name in ("common/positions_scan", "info/positions_scan", "info/positions_theory"):
        array = _array(path, file, name)
        if array is None or array.ndim != 2 or array.shape[1] != 2:
            continue
        if indices.min() < 0 or indices.max() >= len(array):
            raise refusal(path, f"{name} has {len(array)} positions; indices name other ones")
        return np.asarray(array[indices], np.float64), f"{name} at the indices, metres"
    return None


def _valid(
    path: Path,
    file: h5py.File,
    chunks: list[str],
    pieces: list[HDF5Frames],
    order: NDArray[np.int64],
) -> tuple[NDArray[np.bool_], str] | None:
    """Tell where weights are above 0: those of each frame if there are any, else common ones."""
    shape = (len(order), *pieces[0].shape[1:])
    masks = []
    for chunk, piece in zip(chunks, pieces, strict=True):
        dataset = find_dataset(path, file, f"{chunk}/weights")
        if dataset is None or dataset.size == 0 or _is_none(dataset):
            break
        if dataset.shape not in (piece.shape, piece.shape[1:]):
            raise refusal(
                path, f"{chunk}/weights has the shape {dataset.shape}; {piece.shape} is wanted"
            )
        if np.prod(shape) > largest_content():
            raise refusal(path, f"{chunk}/weights are too large for the memory of this machine")
        masks.append(np.broadcast_to(read_array(path, dataset) > 0, piece.shape))
    else:
        valid = np.concatenate(masks)[order]
        same = bool((valid == valid[0]).all())
        return (valid[0] if same else valid), "weights of the chunks, above 0 where good"
    for name in ("meta/weight2d", "common/weight2d", "info/weight2d"):
        weights = _array(path, file, name)
        if weights is not None and weights.shape == shape[1:]:
            return weights > 0, f"{name}, above 0 where good"
    return None


def _wavelength(path: Path, file: h5py.File) -> tuple[float, str] | None:
    energy = _numbers(path, file, "energy")
    return wavelength_of(path, energy[0][0], "keV", energy[1]) if energy else None


def _distance(path: Path, file: h5py.File) -> tuple[float, str] | None:
    distance = _numbers(path, file, "distance")
    return (distance[0][0], f"{distance[1]}, metres") if distance else None


def _pixel(path: Path, file: h5py.File) -> tuple[tuple[float, float], str] | None:
    sides = _numbers(path, file, "psize")
    return ((sides[0][0], sides[0][-1]), f"{sides[1]}, (row, column), metres") if sides else None


def _numbers(path: Path, file: h5py.File, name: str) -> tuple[list[float], str] | None:
    """Read one number or a pair that describes the frames as they are here, else the raw data."""
    for full in (f"meta/{name}", f"info/{name}"):
        array = _array(path, file, full)
        if array is None or not array.any():
            continue
        if array.size > 2 or array.dtype.kind not in "iuf" or not np.isfinite(array).all():
            raise refusal(path, f"{full} has the shape {array.shape}; one number or two are wanted")
        return [float(number) for number in array.reshape(-1)], full
    return None


def _array(path: Path, file: h5py.File, name: str) -> NDArray[Any] | None:
    """Read an array; None if it is not there, or stands for None."""
    dataset = find_dataset(path, file, name)
    if dataset is None or _is_none(dataset) or dataset.dtype.kind not in "biuf":
        return None
    return read_array(path, dataset)


def _is_none(dataset: h5py.Dataset) -> bool:
    return text_attribute(dataset, "type") == "None"


def _recognises(contents: Contents) -> bool:
    return contents.container == "hdf5" and "chunks" in contents and "meta" in contents


FORMAT = Format("ptyd", "data prepared by ptypy", _recognises, read)
