"""Arrays of a file by their names, whether the file is HDF5 or NPZ."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.content import Content
from ptychopareto.files.errors import reading
from ptychopareto.readers.hdf5 import find, find_dataset, opened
from ptychopareto.readers.hdf5_values import read_array
from ptychopareto.readers.npz_arrays import content_of


def arrays_of(path: Path, keys: Iterable[str]) -> Content:
    """Read the arrays that a file has under some names.

    Parameters
    ----------
    path : Path
        An HDF5 or NPZ file.
    keys : iterable of str
        The names; in an HDF5 file `probe` is a dataset, `probe@pixel_width_m` an attribute of it
        and `@photon_energy_eV` an attribute of the file.

    Returns
    -------
    Content
        The arrays that there are, by their names.

    Raises
    ------
    FileError
        The file is damaged, or what has one of the names is no array of plain numbers.
    """
    with reading(path, "an HDF5 or NPZ file"):
        is_hdf5 = h5py.is_hdf5(path)
    if not is_hdf5:
        return content_of(path, keys)
    found: dict[str, NDArray[Any]] = {}
    with opened(path) as file:
        for key in keys:
            name, _, attribute = key.partition("@")
            array = _attribute(path, file, name, attribute) if attribute else None
            if not attribute and (dataset := find_dataset(path, file, name)) is not None:
                array = read_array(path, dataset)
            if array is not None:
                found[key] = array
    return Content(path, found)


def _attribute(path: Path, file: h5py.File, name: str, attribute: str) -> NDArray[Any] | None:
    """Read an attribute of numbers; None if there is none, or it is text."""
    item = find(path, file, name) if name else file
    if item is None or attribute not in item.attrs:
        return None
    value = np.asarray(item.attrs[attribute])
    return value if value.dtype.kind in "iuf" else None
