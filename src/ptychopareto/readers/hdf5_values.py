"""Numbers and texts of HDF5 files."""

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import refusal
from ptychopareto.readers.hdf5 import LONGEST_TEXT, check_size, find_dataset
from ptychopareto.readers.swmr import check_not_cut

_COMPLEX_FIELDS = (("real", "imag"), ("r", "i"), ("re", "im"))  # of compound types


def read_array(path: Path, dataset: h5py.Dataset) -> NDArray[Any]:
    """Read all numbers of a dataset, if half of the machine's memory can hold them.

    Complex numbers that are stored as a compound of two fields come back as complex numbers.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    dataset : Dataset
        An open dataset of any shape.

    Returns
    -------
    array
        Numbers of the dataset's shape. A compound of real and imaginary part becomes complex
        numbers.

    Raises
    ------
    FileError
        The dataset is too large, cannot be unpacked, or holds text or objects.
    """
    dtype = number_type(path, dataset)
    check_size(path, dataset, dataset.size)
    check_not_cut(path, dataset)
    array = np.asarray(dataset[()])
    return as_complex(array) if array.dtype.names else array.astype(dtype, copy=False)


def read_number(path: Path, file: h5py.Group, *names: str) -> float | None:
    """Read one real number from the first dataset that exists under one of several names.

    An array of one element is a number too.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    file : Group
        The open file, or a group of it.
    *names : str
        Names of datasets.

    Returns
    -------
    float or None
        The number; None if there is no such dataset.

    Raises
    ------
    FileError
        The dataset holds something else than one finite real number.
    """
    dataset = find_dataset(path, file, *names)
    if dataset is None:
        return None
    if dataset.size != 1:
        raise refusal(path, f"{dataset.name} has the shape {dataset.shape}; one number is wanted")
    number = read_array(path, dataset).reshape(-1)[0]
    if np.iscomplexobj(number) or not math.isfinite(number):
        raise refusal(path, f"{dataset.name} is {number}; a finite real number is wanted")
    return float(number)


def text_attribute(item: h5py.Dataset | h5py.Group, name: str) -> str | None:
    """Read a text that is attached to a dataset or group.

    Parameters
    ----------
    item : Dataset or Group
        The dataset or group.
    name : str
        Name of the attribute.

    Returns
    -------
    str or None
        The text; None if there is none, or it is longer than `LONGEST_TEXT`.
    """
    value = item.attrs.get(name)
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return str(value) if isinstance(value, str) and len(value) <= LONGEST_TEXT else None


def number_attribute(path: Path, item: h5py.Dataset | h5py.Group, name: str) -> float | None:
    """Read a number that is attached to a dataset or group.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    item : Dataset or Group
        The dataset or group.
    name : str
        Name of the attribute.

    Returns
    -------
    float or None
        The number; None if there is none.

    Raises
    ------
    FileError
        The attribute is something else than one finite real number.
    """
    if name not in item.attrs:
        return None
    value = np.asarray(item.attrs[name])
    if value.size != 1 or value.dtype.kind not in "biuf" or not np.isfinite(value).all():
        raise refusal(path, f"attribute {name} is {value}; a finite real number is wanted")
    return float(value.reshape(-1)[0])


def number_type(path: Path, dataset: h5py.Dataset) -> np.dtype[Any]:
    """Return the type of a dataset's numbers.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    dataset : Dataset
        An open dataset.

    Returns
    -------
    dtype
        Complex for a compound of real and imaginary part, else the dataset's own type.

    Raises
    ------
    FileError
        The dataset holds text, objects or another compound.
    """
    dtype: np.dtype[Any] = dataset.dtype
    if dtype.names in _COMPLEX_FIELDS:
        parts = [dtype[name] for name in dtype.names]
        if all(part.kind == "f" and part.shape == () for part in parts):
            return np.dtype(np.complex128 if parts[0].itemsize > 4 else np.complex64)
    if dtype.kind not in "biufc" or dtype.itemsize == 0:
        raise refusal(path, f"{dataset.name} holds {dtype}; plain numbers are wanted")
    return dtype


def as_complex(array: NDArray[Any]) -> NDArray[Any]:
    """Join the real and imaginary parts of an array of compounds to complex numbers."""
    real, imaginary = (array[name] for name in array.dtype.names or ())
    return np.asarray(real + 1j * imaginary)
