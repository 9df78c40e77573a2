"""Results of ptypy, `.ptyr`: HDF5 with the groups `content/obj` and `content/probe`."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychopareto.files.errors import refusal
from ptychopareto.readers.array_axes import a_position_per_frame, object_image, probe_modes
from ptychopareto.readers.finished_reconstruction import FinishedReconstruction
from ptychopareto.readers.format import Contents
from ptychopareto.readers.hdf5 import find, find_dataset, opened
from ptychopareto.readers.hdf5_values import read_array, read_number
from ptychopareto.readers.units import wavelength_of


def recognises(contents: Contents) -> bool:
    """Tell whether a file of these contents is a result of ptypy."""
    return (
        contents.container == "hdf5" and {"content/obj", "content/probe"} <= contents.entries.keys()
    )


def read(path: Path) -> FinishedReconstruction:
    """Read a result of ptypy.

    Raises
    ------
    FileError
        The file is damaged, or a part of it is missing or cannot be right.

    Notes
    -----
    `data` of the object is (layers, rows, columns), of the probe (modes, h, w). `_psize` is the
    pixel size [m] and `_origin` the place of pixel (0, 0) [m]; positions (row, column) [m] are the
    places of pixel h // 2, w // 2 of the probe. Where there are several objects or probes, the
    first one by name is read.
    """
    remarks: list[str] = []
    with opened(path) as file:
        storage = {
            part: _first(path, file, f"content/{part}", remarks) for part in ("obj", "probe")
        }
        if storage["probe"] is None:
            raise refusal(path, "has no content/probe with data; a result of ptypy has one")
        probe = probe_modes(path, _data(path, file, storage["probe"]), storage["probe"])
        found: dict[str, Any] = {}
        origins = {"probe": storage["probe"]}
        pixel = _pair(path, file, f"{storage['probe']}/_psize")
        if pixel is not None:
            found["object_pixel"] = pixel
            origins["object_pixel"] = f"{storage['probe']}/_psize"
        energy = read_number(path, file, f"{storage['probe']}/_energy") or 0
        if (known := wavelength_of(path, energy, "keV", "_energy")) is not None:
            found["wavelength"], origins["wavelength"] = known
        if (name := _first(path, file, "content/positions", remarks, "")) is not None:
            positions = _data(path, file, name, "")
            count = max(positions.shape, default=0)
            found["positions"] = a_position_per_frame(path, positions, count, name)
            origins["positions"] = name
        if storage["obj"] is not None:
            image = _data(path, file, storage["obj"])
            if image.ndim == 3 and len(image) > 1:
                remarks.append(f"The object has {len(image)} layers; it is not used.")
            else:
                found["object"] = object_image(path, image, storage["obj"])
                origins["object"] = storage["obj"]
                origin = _pair(path, file, f"{storage['obj']}/_origin", positive=False)
                if origin is not None and pixel is not None and "positions" in found:
                    middle = np.array(probe.shape[1:]) // 2
                    places = (found["positions"] - np.array(origin)) / np.array(pixel)
                    found["corners_on_object"] = places - middle
                    origins["corners_on_object"] = f"{name}, {storage['obj']}/_origin"
    return FinishedReconstruction(
        str(path), "ptypy", probe, origins=origins, remarks=tuple(remarks), **found
    )


def _first(
    path: Path, file: h5py.File, group: str, remarks: list[str], data: str = "/data"
) -> str | None:
    """Return the name of the first storage of a group; None if the group has none."""
    item = find(path, file, group)
    names = sorted(item) if isinstance(item, h5py.Group) else []
    names = [name for name in names if find(path, file, f"{group}/{name}{data}") is not None]
    if len(names) > 1:
        remarks.append(f"{group} has {len(names)} parts; {names[0]} is used.")
    return f"{group}/{names[0]}" if names else None


def _data(path: Path, file: h5py.File, name: str, data: str = "/data") -> np.ndarray:
    dataset = find_dataset(path, file, f"{name}{data}")
    if dataset is None:
        raise refusal(path, f"{name}{data} is no array; one is wanted")
    return read_array(path, dataset)


def _pair(
    path: Path, file: h5py.File, name: str, *, positive: bool = True
) -> tuple[float, float] | None:
    """Read two numbers, or one for both; None if there are none."""
    dataset = find_dataset(path, file, name)
    if dataset is None:
        return None
    numbers = read_array(path, dataset).reshape(-1)
    if numbers.size not in (1, 2) or numbers.dtype.kind not in "iuf":
        raise refusal(path, f"{name} has the shape {dataset.shape}; a row and a column are wanted")
    pair = float(numbers[0]), float(numbers[-1])
    if not np.isfinite(pair).all() or (positive and min(pair) <= 0):
        raise refusal(path, f"{name} is {pair}; finite lengths above 0 are wanted")
    return pair
