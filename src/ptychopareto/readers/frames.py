"""Frames of HDF5 files, read where they are asked for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import refusal
from ptychopareto.readers.hdf5 import (
    check_readable,
    check_size,
    check_stored,
    find,
    find_dataset,
    opened,
)
from ptychopareto.readers.hdf5_values import number_type
from ptychopareto.readers.measured_scan import Frames, MeasuredScan
from ptychopareto.readers.swmr import check_not_cut


@dataclass(frozen=True, eq=False)
class HDF5Frames:
    """Frames of an HDF5 file, read where they are asked for.

    Axes before the last two count frames, the last of them fastest.

    Attributes
    ----------
    path : Path
        The file.
    name : str
        Name of the dataset.
    shape : tuple of int
        Number of frames, rows and columns.
    dtype : dtype
        The file's own type.
    leading : tuple of int
        Lengths of the axes before the last two, as the file has them.
    reversed_axes : bool
        For MATLAB, which names the axes of an array in the other order: (rows, columns, frames)
        there is (frames, columns, rows) here.
    """

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    leading: tuple[int, ...]
    reversed_axes: bool = False

    def __getitem__(self, which: slice) -> NDArray[Any]:
        """Read the frames of a slice, (b, H, W), in the file's own type."""
        start, stop, step = which.indices(self.shape[0])
        if step < 0:
            raise ValueError(f"frames are read forwards, not by {step}")
        if start >= stop:
            return np.empty((0, *self.shape[1:]), self.dtype)
        inner = math.prod(self.leading[1:])
        first, last = start // inner, -(-stop // inner)
        with opened(self.path) as file:
            dataset = find(self.path, file, self.name)
            if not isinstance(dataset, h5py.Dataset) or not self._is_part_of(dataset):
                raise refusal(self.path, f"{self.name} is no longer what it was")
            check_readable(self.path, dataset)
            check_size(self.path, dataset, (last - first) * dataset.size // dataset.shape[0])
            check_not_cut(self.path, dataset)
            block = dataset[first:last]
        frames = block.reshape(-1, *block.shape[-2:])
        frames = frames[start - first * inner : stop - first * inner : step]
        return frames.swapaxes(1, 2) if self.reversed_axes else frames

    def _is_part_of(self, dataset: h5py.Dataset) -> bool:
        """Whether a dataset has these frames still; where a scan is measured, it has more."""
        leading = dataset.shape[:-2]
        return leading[1:] == self.leading[1:] and leading[:1] >= self.leading[:1]


def frames_of(
    path: Path,
    file: h5py.Group,
    name: str,
    *,
    reversed_axes: bool = False,
    growing: bool = False,
) -> HDF5Frames | None:
    """Find the frames of a file, and read nothing of them.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    file : Group
        The open file, or a group of it.
    name : str
        Name of the dataset.
    reversed_axes : bool, optional
        Whether rows and columns are exchanged, as MATLAB stores them.
    growing : bool, optional
        Whether the scan is still being measured: there may be no frame yet, or place for more.

    Returns
    -------
    HDF5Frames or None
        The frames; None if nothing has this name.

    Raises
    ------
    FileError
        The dataset holds no frames of real numbers, or numbers that were never written, or is kept
        in files that are missing.
    """
    dataset = find_dataset(path, file, name)
    if dataset is None:
        return None
    shape, dtype = dataset.shape, number_type(path, dataset)
    if dtype.kind == "c" or len(shape) < 3 or 0 in (shape[1:] if growing else shape):
        raise refusal(
            path,
            f"{name} holds {dtype} of the shape {shape}; real numbers are wanted, at least three "
            "axes: frames, rows and columns",
        )
    check_size(path, dataset, math.prod(shape[1:]))
    if not growing:
        if not dataset.is_virtual and dataset.id.get_storage_size() == 0:
            raise refusal(
                path, f"{name} was never written: its {dataset.size} numbers are not there"
            )
        check_stored(path, dataset, dataset.size)
    leading, frame = shape[:-2], shape[-2:]
    return HDF5Frames(
        path,
        name,
        (math.prod(leading), *(frame[::-1] if reversed_axes else frame)),
        dtype,
        leading,
        reversed_axes,
    )


@dataclass(frozen=True, eq=False)
class JoinedFrames:
    """Frames of several places, of the same size and type, one after the other.

    Attributes
    ----------
    pieces : sequence of Frames
        The frames (b, H, W) of each place.
    """

    pieces: Sequence[Frames]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of frames of all pieces, rows and columns."""
        return (sum(piece.shape[0] for piece in self.pieces), *self.pieces[0].shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type that the pieces have."""
        return self.pieces[0].dtype

    def __getitem__(self, which: slice) -> NDArray[Any]:
        """Read the frames of a slice, (b, H, W)."""
        start, stop, step = which.indices(self.shape[0])
        parts, begin = [self.pieces[0][0:0]], 0
        for piece in self.pieces:
            count = piece.shape[0]
            low, high = max(start - begin, 0), min(stop - begin, count)
            if low < high:
                parts.append(piece[low:high])
            begin += count
        return np.concatenate(parts)[::step]


def patterns_between(scan: MeasuredScan, first: int, last: int) -> MeasuredScan:
    """Take some patterns of a scan: their frames, positions and masks.

    Parameters
    ----------
    scan : MeasuredScan
        The scan.
    first : int
        Number of the first pattern to take.
    last : int
        Number of the first pattern after it that is not taken.

    Returns
    -------
    MeasuredScan
        The scan with these patterns only.
    """

    def of(array: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if array is None else array[first:last]

    frames = scan.frames
    some: Frames = (
        frames[first:last]
        if isinstance(frames, np.ndarray)
        else SelectedFrames(frames, np.arange(first, last))
    )
    per_frame = scan.valid is not None and scan.valid.ndim == 3
    return replace(
        scan,
        frames=some,
        positions=of(scan.positions),
        valid=of(scan.valid) if per_frame else scan.valid,
        corners_on_object=of(scan.corners_on_object),
    )


@dataclass(frozen=True, eq=False)
class SelectedFrames:
    """A selection of other frames, in an order of its own.

    Attributes
    ----------
    frames : Frames
        The frames (B, H, W) to select from.
    order : (b,) int64
        Their indices, in the order of the selection.
    """

    frames: Frames
    order: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of frames that are selected, rows and columns."""
        return (len(self.order), *self.frames.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the frames."""
        return self.frames.dtype

    def __getitem__(self, which: slice) -> NDArray[Any]:
        """Read the frames of a slice, (b, H, W): each run of neighbours at once."""
        wanted = self.order[which]
        runs = np.split(wanted, np.flatnonzero(np.diff(wanted) != 1) + 1)
        parts = [self.frames[int(run[0]) : int(run[-1]) + 1] for run in runs if run.size]
        return np.concatenate([self.frames[0:0], *parts])
