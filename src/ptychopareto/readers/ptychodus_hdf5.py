"""HDF5 files of ptychodus (1.7.0): patterns with their product, and training data."""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import refusal
from ptychopareto.readers.array_axes import object_image, probe_modes
from ptychopareto.readers.format import Contents, Format
from ptychopareto.readers.frames import SelectedFrames, frames_of
from ptychopareto.readers.hdf5 import find_dataset, opened
from ptychopareto.readers.hdf5_values import number_attribute, read_array, read_number
from ptychopareto.readers.measured_scan import Frames, MeasuredScan
from ptychopareto.readers.units import wavelength_of

_PRODUCT = "product.h5"  # the name that ptychodus gives it, beside diffraction.h5
_Parts = dict[str, tuple[Any, str] | None]


def read(path: Path, keys: Mapping[str, str], *, growing: bool = False) -> MeasuredScan:
    """Read patterns, and positions, probe and object from the same file or from its product.

    A file of patterns has no positions: they are in the product, which ptychodus writes into the
    same folder as `product.h5`. In a file that is `growing`, patterns are taken up to the first one
    whose index or position is not there yet.

    Parameters
    ----------
    path : Path
        The file of patterns, or of training data.
    keys : dict of str
        Not used: the format has fixed names.
    growing : bool, optional
        Whether the scan is still being measured.

    Returns
    -------
    MeasuredScan
        The patterns that have a position, with what else the files say.

    Raises
    ------
    FileError
        There are no patterns, no pattern has a position, or something in one of the files has a
        shape or value that cannot be right.

    Notes
    -----
    Patterns and positions belong together by the value of their index, not by their row. Positions
    are those of the patches' centres, +y down; pixel (N − 1) / 2 of an object of N pixels lies at
    its `center`. An object of several layers is not used.
    """
    with ExitStack() as files:
        file = files.enter_context(opened(path))
        frames: Frames | None = frames_of(path, file, "patterns", growing=growing)
        if frames is None:
            raise refusal(path, "has no patterns; a file of ptychodus has them")
        origins = {"frames": "patterns", "values": "the format: counts"}
        parts: _Parts = {
            "valid": _valid(path, file),
            "detector_pixel": _pixel(path, find_dataset(path, file, "patterns"), "detector_"),
        }
        remarks = []
        if "probe_position_x_px" in file:
            parts |= _of_training_data(path, file, frames)
        else:
            place, product, name = path, file, ""
            if "probe_position_indexes" not in file:
                place, name = path.with_name(_PRODUCT), f"{_PRODUCT}: "
                product = files.enter_context(opened(place)) if place.is_file() else None
            if product is None:
                remarks.append(f"the file holds no positions, and there is no {_PRODUCT} beside it")
            else:
                frames, of_product = _of_product(place, product, path, file, frames, growing)
                parts |= {
                    key: part and (part[0], name + part[1]) for key, part in of_product.items()
                }
        found: dict[str, Any] = {}
        for key, part in parts.items():
            if part is not None:
                found[key], origins[key] = part
        return MeasuredScan(
            *(str(path), "ptychodus_hdf5", frames),
            values="intensity",
            origins=origins,
            remarks=tuple(remarks),
            **found,
        )


def _of_product(
    place: Path, product: h5py.File, path: Path, file: h5py.File, frames: Frames, growing: bool
) -> tuple[Frames, _Parts]:
    """Return the frames that have a position, and what the product says of them."""
    columns = [
        _vector(place, product, f"probe_position_{name}") for name in ("indexes", "y_m", "x_m")
    ]
    dataset = find_dataset(path, file, "indexes")
    count = frames.shape[0]
    indexes = np.arange(count) if dataset is None else read_array(path, dataset).reshape(-1)
    if growing:
        count = min(count, len(indexes))
        indexes = indexes[:count]
    if len(indexes) != count or indexes.dtype.kind not in "iu":
        raise refusal(path, f"has {len(indexes)} indexes for {count} patterns; one each is wanted")
    # The last position of an index counts; patterns without a position are left out.
    place_of = {int(index): row for row, index in enumerate(columns[0])}
    pairs = [
        (row, place_of[int(index)]) for row, index in enumerate(indexes) if int(index) in place_of
    ]
    if growing:  # what comes later must not change the order of what is there
        pairs = [pair for number, pair in enumerate(pairs) if pair[0] == number]
    if not pairs and not growing:
        raise refusal(path, f"has no pattern whose index is one of the positions' in {place}")
    rows, places = np.array(pairs, np.int64).reshape(-1, 2).T
    positions = np.stack(columns[1:], axis=1)[places]
    parts: _Parts = {
        "positions": (positions, "probe_position_y_m and probe_position_x_m by index, metres"),
        "position_unit": ("m", "the format: metres"),
        "probe": _probe(place, product),
        "wavelength": _of_attribute(place, product, "photon_energy_eV", "probe_energy_eV"),
        "distance": _distance(number_attribute(place, product, "detector_object_distance_m")),
        "object_pixel": _pixel(place, find_dataset(place, product, "probe"), ""),
    }
    image = find_dataset(place, product, "object")
    if image is not None and _has_one_layer(image):
        pixel = _pixel(place, image, "")
        centre = [number_attribute(place, image, f"center_{axis}_m") for axis in "yx"]
        parts["object"] = object_image(place, read_array(place, image), "object"), "object"
        if pixel is not None and centre[0] is not None and centre[1] is not None:
            on_object = (positions - np.array(centre)) / pixel[0]
            on_object += (np.array(image.shape[-2:]) - 1) / 2
            corners = on_object - (np.array(frames.shape[1:]) - 1) / 2
            parts["corners_on_object"] = corners, "positions about the centre of the object"
    unselected = len(rows) == count and bool((np.diff(rows) == 1).all())
    return (frames if unselected else SelectedFrames(frames, rows)), parts


def _of_training_data(path: Path, file: h5py.File, frames: Frames) -> _Parts:
    """Return what a file of training data says; its positions are on the object's pixels."""
    names = ("probe_position_y_px", "probe_position_x_px")
    centres = np.stack([_vector(path, file, name) for name in names], axis=1)
    corners = centres - (np.array(frames.shape[1:]) - 1) / 2
    energy = read_number(path, file, "photon_energy_eV")
    sides = [read_number(path, file, f"object_pixel_{side}_m") for side in ("height", "width")]
    parts: _Parts = {
        "positions": (corners, f"{' and '.join(names)}, of the patches' centres, pixels"),
        "position_unit": ("px", "the format: pixels"),
        "probe": _probe(path, file),
        "wavelength": wavelength_of(path, energy, "eV", "photon_energy_eV") if energy else None,
        "distance": _distance(read_number(path, file, "detector_object_distance_m")),
    }
    if sides[0] and sides[1]:
        parts["object_pixel"] = (sides[0], sides[1]), "object_pixel_height_m and _width_m, metres"
    image = find_dataset(path, file, "object")
    if image is not None and _has_one_layer(image):
        parts["object"] = object_image(path, read_array(path, image), "object"), "object"
        parts["corners_on_object"] = corners, "positions, which are on the object's pixels"
    return parts


def _has_one_layer(image: h5py.Dataset) -> bool:
    return image.ndim >= 2 and bool(np.prod(image.shape[:-2]) == 1)


def _vector(path: Path, file: h5py.File, name: str) -> NDArray[Any]:
    dataset = find_dataset(path, file, name)
    if dataset is None:
        raise refusal(path, f"has no {name}; it is needed with the other positions")
    array = read_array(path, dataset)
    first = find_dataset(path, file, "probe_position_indexes") or dataset
    if array.ndim != 1 or array.shape != first.shape or array.dtype.kind not in "iuf":
        raise refusal(path, f"{name} has the shape {array.shape}; one number a position is wanted")
    if not np.isfinite(array).all():
        raise refusal(path, f"{name} holds NaN or infinite numbers; finite ones are wanted")
    return array


def _valid(path: Path, file: h5py.File) -> tuple[NDArray[np.bool_], str] | None:
    dataset = find_dataset(path, file, "bad_pixels")
    if dataset is None:
        return None
    return read_array(path, dataset) == 0, "bad_pixels, true where bad"


def _probe(path: Path, file: h5py.File) -> tuple[NDArray[np.complex64], str] | None:
    """Return the modes of the probe; where probes vary along the scan, the first of each set."""
    dataset = find_dataset(path, file, "probe")
    if dataset is None:
        return None
    array = read_array(path, dataset)
    return probe_modes(path, array[0] if array.ndim == 4 else array, "probe"), "probe"


def _pixel(
    path: Path, dataset: h5py.Dataset | None, prefix: str
) -> tuple[tuple[float, float], str] | None:
    """Read a pixel size (row, column) [m] from the attributes of an array."""
    if dataset is None:
        return None
    names = [f"{prefix}pixel_{side}_m" for side in ("height", "width")]
    sides = [number_attribute(path, dataset, name) for name in names]
    if not sides[0] or not sides[1]:
        return None
    return (sides[0], sides[1]), f"{' and '.join(names)} of {dataset.name}, metres"


def _distance(number: float | None) -> tuple[float, str] | None:
    return (number, "detector_object_distance_m, metres") if number else None


def _of_attribute(path: Path, file: h5py.File, *names: str) -> tuple[float, str] | None:
    """Return the wavelength of the energy [eV] that the first of some attributes has."""
    for name in names:
        energy = number_attribute(path, file, name)
        if energy:
            return wavelength_of(path, energy, "eV", name)
    return None


def _recognises(contents: Contents) -> bool:
    with_positions = "indexes" in contents or "probe_position_x_px" in contents
    return contents.container == "hdf5" and "patterns" in contents and with_positions


FORMAT = Format(
    *("ptychodus_hdf5", "patterns and training data of ptychodus (HDF5)", _recognises, read),
    read_growing=partial(read, growing=True),
)
