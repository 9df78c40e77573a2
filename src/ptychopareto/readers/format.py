"""A format of measured scans, and the contents of a file as known before it is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ptychopareto.readers.measured_scan import MeasuredScan


@dataclass(frozen=True)
class Entry:
    """Shape and type of an array of a file; both None for a group or a link to elsewhere.

    Attributes
    ----------
    shape : tuple of int or None
        Length of each axis.
    dtype : dtype or None
        Type of the numbers.
    """

    shape: tuple[int, ...] | None = None
    dtype: np.dtype[Any] | None = None


@dataclass(frozen=True)
class Contents:
    """The contents of a file, as far as they can be told without reading arrays.

    Attributes
    ----------
    path : Path
        The file.
    container : {"hdf5", "npz", "folder"}
        How arrays are stored in it; a folder has no entries.
    entries : dict of Entry
        Names of an NPZ file's arrays, or of the upper levels of an HDF5 file in the form
        `entry_1/data_1/data`, each with shape and type.
    attributes : frozenset of str
        Names of the attributes of an HDF5 file's root.
    definitions : dict of str
        For each dataset called `definition` of a NeXus file, its text.
    preamble : bytes
        First bytes of the file, where MATLAB names itself.
    """

    path: Path
    container: Literal["hdf5", "npz", "folder"]
    entries: Mapping[str, Entry]
    attributes: frozenset[str] = frozenset()
    definitions: Mapping[str, str] = field(default_factory=dict)
    preamble: bytes = b""

    def __contains__(self, name: str) -> bool:
        """Tell whether the file has an array or group of this name."""
        return name in self.entries

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Return the shape of an array; None for a group, a link, or an unknown name."""
        entry = self.entries.get(name)
        return entry.shape if entry else None


@dataclass(frozen=True)
class Format:
    """One format of measured scans.

    Attributes
    ----------
    name : str
        The name that `format:` of a study uses.
    description : str
        One line for the user.
    recognises : callable
        Tells whether a file of these contents is one of this format.
    read : callable
        Reads a file that is recognised, or that `format:` says to be one. Its second argument holds
        the `keys:` of a study that name the frames; the registry deals with the other keys.
    read_growing : callable, optional
        Reads a file that is still being written, whose numbers of frames and of positions may
        differ; None where the format cannot grow.
    """

    name: str
    description: str
    recognises: Callable[[Contents], bool]
    read: Callable[[Path, Mapping[str, str]], MeasuredScan]
    read_growing: Callable[[Path, Mapping[str, str]], MeasuredScan] | None = None
