"""Products of ptychodus (1.7.0): probe, object and positions, as NPZ or HDF5."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.content import Content
from ptychopareto.files.npz import read_headers
from ptychopareto.readers.array_axes import object_image
from ptychopareto.readers.finished_reconstruction import FinishedReconstruction
from ptychopareto.readers.flat import arrays_of
from ptychopareto.readers.format import Contents
from ptychopareto.readers.npz_arrays import (
    number_of,
    shared_probe_of,
    take,
    vector_of,
    without_singletons,
)
from ptychopareto.readers.units import wavelength_of

_INDEXES, _X, _Y = (f"probe_position_{name}" for name in ("indexes", "x_m", "y_m"))
# names in an NPZ file: those in an HDF5 file, where numbers are attributes
_NUMBERS = {
    "detector_object_distance_m": "@detector_object_distance_m",
    "photon_energy_eV": "@photon_energy_eV",
    "object_pixel_width_m": "object@pixel_width_m",
    "object_pixel_height_m": "object@pixel_height_m",
    "object_center_x_m": "object@center_x_m",
    "object_center_y_m": "object@center_y_m",
}
_ARRAYS = ("probe", "object", _INDEXES, _X, _Y)
_LARGEST_INDEX = 2**53  # float64 still tells it from the next one


def is_product(contents: Contents) -> bool:
    """Tell whether a file of these contents is a product of ptychodus, or has one in it."""
    return all(key in contents for key in _ARRAYS)


def read_product(path: Path) -> FinishedReconstruction:
    """Read a product.

    Raises
    ------
    FileError
        The file is damaged, or a part of it is missing or cannot be right.

    Notes
    -----
    Positions are metres, y down the rows and x along the columns; the object's centre lies at
    pixel (size - 1) / 2, and so does the centre of a patch, which is the position. `probe` is
    (variable modes, modes, h, w): the first variable mode is what all patterns share.
    """
    content = arrays_of(path, (*_ARRAYS, *_NUMBERS, *_NUMBERS.values()))
    numbers = {name: _number(content, name, other) for name, other in _NUMBERS.items()}
    remarks: list[str] = []
    probe = shared_probe_of(content, "probe", remarks)
    image = _object(content, remarks)
    indexes = as_indexes(content, _INDEXES)
    positions = np.stack([vector_of(content, key, len(indexes)) for key in (_Y, _X)], axis=-1)
    pixel = numbers["object_pixel_height_m"], numbers["object_pixel_width_m"]
    origins = {"probe": "probe", "positions": f"{_Y}, {_X}", "indexes": _INDEXES}
    found: dict[str, Any] = {}
    if pixel[0] and pixel[1]:
        found["object_pixel"] = pixel
        origins["object_pixel"] = "object_pixel_height_m, object_pixel_width_m"
    wavelength = wavelength_of(path, numbers["photon_energy_eV"] or 0, "eV", "photon_energy_eV")
    if wavelength is not None:
        found["wavelength"], origins["wavelength"] = wavelength
    if numbers["detector_object_distance_m"]:
        found["distance"] = numbers["detector_object_distance_m"]
        origins["distance"] = "detector_object_distance_m"
    if image is not None:
        found["object"], origins["object"] = image, "object"
        centre = numbers["object_center_y_m"], numbers["object_center_x_m"]
        if "object_pixel" in found and None not in centre:
            patch = np.array(probe.shape[1:])
            relative = (positions - np.array(centre, float)) / found["object_pixel"]
            found["corners_on_object"] = relative + (np.array(image.shape) - patch) / 2
            origins["corners_on_object"] = "positions, object_center_y_m, object_center_x_m"
    return FinishedReconstruction(
        str(path),
        "ptychodus",
        probe,
        positions=positions,
        position_unit="m",
        indexes=indexes,
        origins=origins,
        remarks=tuple(remarks),
        **found,
    )


def as_indexes(content: Content, key: str) -> NDArray[np.int64]:
    """Take the numbers of patterns; each may occur once.

    Parameters
    ----------
    content : Content
        The arrays of a file.
    key : str
        Name of the array.

    Returns
    -------
    (B,) int64
        The number of each pattern.

    Raises
    ------
    FileError
        They are missing, no whole numbers, or not different.
    """
    numbers = vector_of(content, key)
    if not ((np.abs(numbers) < _LARGEST_INDEX) & (numbers == np.rint(numbers))).all():
        raise content.refusal(f"{key} holds other numbers than whole ones")
    indexes = numbers.astype(np.int64)
    if len(np.unique(indexes)) != len(indexes):
        raise content.refusal(f"{key} has a number twice; a pattern has one position")
    return indexes


def product_of(path: Path) -> Path | None:
    """Find the product that belongs to an NPZ file of patterns; None if there is none.

    The product is in the file itself, or in `product.h5` or `product.npz` beside it, as in the
    folders that ptychodus makes.
    """
    if set(_ARRAYS) <= read_headers(path).keys():
        return path
    for name in ("product.h5", "product.npz"):
        if (path.with_name(name)).is_file() and name != path.name:
            return path.with_name(name)
    return None


def _number(content: Content, name: str, other: str) -> float | None:
    number = number_of(content, name)
    return number_of(content, other) if number is None else number


def _object(content: Content, remarks: list[str]) -> NDArray[np.complex64] | None:
    image = take(content, "object", "iufc")
    shape = without_singletons(image.shape, 2)
    if len(shape) == 3:
        remarks.append(f"The object has {shape[0]} layers; it is not used.")
        return None
    return object_image(content.path, image, "object")
