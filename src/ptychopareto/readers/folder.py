"""Read a folder with one HDF5 file for each pattern, as MATLAB scripts and some beamlines write."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import reading, refusal
from ptychopareto.readers.format import Contents, Format
from ptychopareto.readers.hdf5 import check_size, find_dataset, opened, read_contents
from ptychopareto.readers.hdf5_values import number_type
from ptychopareto.readers.keyed import is_matlab
from ptychopareto.readers.measured_scan import MeasuredScan

_SMALLEST_FRAME = 8  # px a side


@dataclass(frozen=True, eq=False)
class FramesOfFiles:
    """Frames that lie in one file each, under the same name in all files.

    Attributes
    ----------
    paths : sequence of Path
        The files, in the order of the frames.
    name : str
        Name of the dataset in each file.
    shape : tuple of int
        Number of frames, rows and columns.
    dtype : dtype
        Type of the numbers.
    reversed_axes : bool
        Whether rows and columns are exchanged, as MATLAB stores them.
    """

    paths: Sequence[Path]
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    reversed_axes: bool

    def __getitem__(self, which: slice) -> NDArray[Any]:
        """Read the frames of a slice, (b, H, W), each from its file."""
        paths = self.paths[which]
        frames = np.empty((len(paths), *self.shape[1:]), self.dtype)
        for frame, path in zip(frames, paths, strict=True):
            with opened(path) as file:
                dataset = find_dataset(path, file, self.name)
                shape = () if dataset is None else _without_ones(dataset.shape)
                wanted = self.shape[:0:-1] if self.reversed_axes else self.shape[1:]
                if dataset is None or shape != wanted or dataset.dtype != self.dtype:
                    raise refusal(
                        path,
                        f"holds no {self.name} of {self.dtype} of the shape {wanted}, as "
                        f"{self.paths[0].name} does",
                    )
                pattern = dataset[()].reshape(shape)
            frame[...] = pattern.T if self.reversed_axes else pattern
        return frames


def read(path: Path, keys: Mapping[str, str]) -> MeasuredScan:
    """Read a folder of HDF5 files as the patterns of one scan.

    Parameters
    ----------
    path : Path
        The folder.
    keys : dict of str
        `diffraction` names the array of each file that holds the pattern; without it the only array
        that can be one is taken.

    Returns
    -------
    MeasuredScan
        Frames without positions.

    Raises
    ------
    FileError
        The folder has no HDF5 files, or the first one has no array of one pattern, or several.

    Notes
    -----
    The order is that of the numbers in the files' names: 2 stands before 10, which sorting as text
    would put first. Positions are in none of the files; `keys:` says where they are.
    """
    with reading(path, "a folder with one HDF5 file for each pattern"):
        paths = sorted(filter(_is_hdf5, path.iterdir()), key=_by_numbers)
    if not paths:
        raise refusal(path, "is a folder without HDF5 files; one for each pattern is wanted")
    first = paths[0]
    contents = read_contents(first)
    reversed_axes = is_matlab(contents)
    name = keys.get("diffraction") or _the_pattern(first, contents)
    with opened(first) as file:
        dataset = find_dataset(first, file, name)
        if dataset is None:
            raise refusal(first, f"has no {name}, which `keys:` names")
        shape, dtype = _without_ones(dataset.shape), number_type(first, dataset)
        if len(shape) != 2 or dtype.kind == "c":
            raise refusal(
                first, f"{name} holds {dtype} of the shape {shape}; one pattern is wanted"
            )
        check_size(first, dataset, dataset.size)
    frame = shape[::-1] if reversed_axes else shape
    frames = FramesOfFiles(paths, name, (len(paths), *frame), dtype, reversed_axes)
    said = f"{name} of {len(paths)} files, in the order of their numbers"
    origins = {"frames": said + (", axes reversed as MATLAB stores them" if reversed_axes else "")}
    return MeasuredScan(
        str(path), "folder", frames, origins=origins, remarks=("the files hold no positions",)
    )


def _is_hdf5(path: Path) -> bool:
    return path.is_file() and bool(h5py.is_hdf5(path))


def _by_numbers(path: Path) -> list[tuple[int, str]]:
    """Return a key that sorts the numbers of a name as numbers, and the rest as text."""
    parts = re.split(r"([0-9]+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _the_pattern(path: Path, contents: Contents) -> str:
    """Return the name of the only array of a file that can be a pattern."""
    names = [
        name
        for name, entry in contents.entries.items()
        if entry.shape and len(_without_ones(entry.shape)) == 2
        if min(_without_ones(entry.shape)) >= _SMALLEST_FRAME
    ]
    if len(names) != 1:
        raise refusal(
            path,
            f"has {len(names)} arrays that can be a pattern ({', '.join(names)}); `keys: "
            "{diffraction: …}` can name one",
        )
    return names[0]


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Drop axes of length 1 from a shape, first or last, until two axes are left."""
    while len(shape) > 2 and 1 in (shape[0], shape[-1]):
        shape = shape[1:] if shape[0] == 1 else shape[:-1]
    return shape


def _recognises(contents: Contents) -> bool:
    return contents.container == "folder"


FORMAT = Format("folder", "a folder with one HDF5 file for each pattern", _recognises, read)
