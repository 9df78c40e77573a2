"""Read any HDF5 or NPZ file, where `keys:` of the study says which of its arrays hold what."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import refusal
from ptychopareto.files.npz import read_npz
from ptychopareto.readers.array_axes import a_position_per_frame, object_image, probe_modes
from ptychopareto.readers.format import Contents, Format
from ptychopareto.readers.frames import frames_of
from ptychopareto.readers.hdf5 import find_dataset, opened, read_contents
from ptychopareto.readers.hdf5_values import read_array, text_attribute
from ptychopareto.readers.measured_scan import Frames, MeasuredScan
from ptychopareto.readers.units import energy_unit, length_of, metres, wavelength_of

# The keys that `keys:` can have.
KEYS = (
    *("diffraction", "positions", "position_rows", "position_columns", "probe", "object", "mask"),
    *("wavelength", "energy", "distance", "pixel_size", "object_pixel_size"),
)
_PREAMBLE = b"MATLAB 7.3 MAT-file"
_LARGEST_SPAN_IN_METRES = 0.1  # a scan that extends further counts pixels


def read(path: Path, keys: Mapping[str, str], *, growing: bool = False) -> MeasuredScan:
    """Read a scan from the arrays that `keys` names.

    Parameters
    ----------
    path : Path
        The file.
    keys : dict of str
        For some of `KEYS`, diffraction among them, the name of an array of the file. All but
        diffraction may be `FILE:NAME`, an array of another file in the same folder.
    growing : bool, optional
        Whether the scan is still being measured, with more positions than frames, or fewer.

    Returns
    -------
    MeasuredScan
        The scan, with what the keys name and nothing else.

    Raises
    ------
    FileError
        A key is not known, an array is missing, or an array has a shape that does not fit.
    """
    if "diffraction" not in keys:
        raise refusal(path, "keys: diffraction is missing; it names the array of the frames")
    name = keys["diffraction"]
    if h5py.is_hdf5(path):
        reversed_axes = _is_matlab(path)
        said = f"{name}, axes reversed as MATLAB stores them" if reversed_axes else name
        with opened(path) as file:
            found = frames_of(path, file, name, reversed_axes=reversed_axes, growing=growing)
        frames: Frames | None = found
    else:
        frames, said = read_npz(path, {name}).get(name), name
        while isinstance(frames, np.ndarray) and frames.ndim > 3 and frames.shape[0] == 1:
            frames = frames[0]
    if frames is None:
        raise refusal(path, f"has no {name}, which `keys:` names")
    bare = MeasuredScan(str(path), "keys", frames, origins={"frames": said})
    others = {key: name for key, name in keys.items() if key != "diffraction"}
    return completed(bare, others, growing=growing)


def completed(
    scan: MeasuredScan, keys: Mapping[str, str], *, growing: bool = False
) -> MeasuredScan:
    """Replace parts of a scan by the arrays that `keys` names.

    Parameters
    ----------
    scan : MeasuredScan
        A scan as its format describes it.
    keys : dict of str
        For some of `KEYS`, diffraction not among them, the name of an array, or `FILE:NAME`.
    growing : bool, optional
        Whether the scan is still being measured, with more positions than frames, or fewer.

    Returns
    -------
    MeasuredScan
        The scan with these parts in the place of its own.

    Raises
    ------
    FileError
        A key is not known, an array is missing, or an array has a shape that does not fit.
    """
    path = Path(scan.path)
    arrays: dict[str, NDArray[Any]] = {}
    units: dict[str, str | None] = {}
    for key, name in keys.items():
        if key not in KEYS:
            raise refusal(path, f"keys: {key} is not known; known are: {', '.join(KEYS)}")
        arrays[key], units[key] = _array(path, name)
    found: dict[str, Any] = {}
    origins = dict(scan.origins)
    count = None if growing else scan.frames.shape[0]
    for attribute, convert in _PARTS.items():
        part = convert(path, arrays, keys, units, count)
        if part is not None:
            found[attribute], origins[attribute] = part
    if "positions" in found:
        positions, unit, scale = found["positions"]
        found |= {"positions": positions, "position_unit": unit, "position_scale": (scale, scale)}
        origins["position_unit"] = origins["positions"]
    return replace(scan, origins=origins, **found)


def _array(path: Path, name: str) -> tuple[NDArray[Any], str | None]:
    """Read an array of the file, or of another one beside it, and its unit if it has one."""
    other, colon, inside = name.partition(":")
    place, inside = (path.parent / other, inside) if colon else (path, name)
    array, unit = None, None
    if colon and not place.is_file():
        raise refusal(path, f"needs the file {other} beside it, which `keys:` names")
    if h5py.is_hdf5(place):
        with opened(place) as file:
            dataset = find_dataset(place, file, inside)
            if dataset is not None:
                array, unit = read_array(place, dataset), text_attribute(dataset, "units")
        array = array.transpose() if array is not None and _is_matlab(place) else array
    else:
        array = read_npz(place, {inside}).get(inside)
    if array is None:
        raise refusal(place, f"has no {inside}, which `keys:` names")
    return array, unit


def _is_matlab(path: Path) -> bool:
    """Tell whether MATLAB wrote a file: MATLAB names the axes of arrays in the reversed order."""
    return is_matlab(read_contents(path))


_Arrays = Mapping[str, NDArray[Any]]
_Names = Mapping[str, str]
_Units = Mapping[str, str | None]
_Positions = tuple[NDArray[np.float64], Literal["m", "px"] | None, float]
_Part = Callable[[Path, _Arrays, _Names, _Units, int | None], tuple[Any, str] | None]


def _positions(
    path: Path, arrays: _Arrays, names: _Names, units: _Units, count: int | None
) -> tuple[_Positions, str] | None:
    """Return positions, unit and scale; columns of the array are (row, column)."""
    if "positions" in arrays:
        key = "positions"
        array, name = arrays[key], names[key]
        positions = a_position_per_frame(path, array, count, name)
        if positions.shape[1] != 2:
            raise refusal(path, f"{name} has three numbers a position; `keys:` needs (row, column)")
    elif "position_rows" in arrays and "position_columns" in arrays:
        key = "position_rows"
        pair = [arrays[k].reshape(-1) for k in ("position_rows", "position_columns")]
        name = f"{names['position_rows']} and {names['position_columns']}"
        if count is None:
            pair = [column[: min(map(len, pair))] for column in pair]
        if len(pair[0]) != len(pair[1]):
            raise refusal(path, f"{name} differ in length; one number each per pattern is wanted")
        positions = a_position_per_frame(path, np.stack(pair, axis=1), count, name)
    else:
        return None
    unit = units.get(key)
    if unit and unit.lower() in ("px", "pixel", "pixels"):
        return (positions, "px", 1.0), f"{name}, (row, column) in the file's unit, pixels"
    if unit:
        scale = length_of(unit)
        said = f"{name}, (row, column) in {unit}"
        return ((positions, None, 1.0) if scale is None else (positions * scale, "m", scale)), said
    if _span(positions) < _LARGEST_SPAN_IN_METRES:
        said = f"{name}, (row, column), assumed to be metres as they are small"
        return (positions, "m", 1.0), said
    return (positions, "px", 1.0), f"{name}, (row, column), assumed to be pixels as they are large"


def _span(positions: NDArray[np.float64]) -> float:
    """Return the larger extent of positions, some of which may not be written yet."""
    written = positions[np.isfinite(positions).all(axis=1)]
    return float(np.ptp(written, axis=0).max()) if len(written) else 0.0


def _valid(
    path: Path, arrays: _Arrays, names: _Names, units: _Units, count: int | None
) -> tuple[NDArray[np.bool_], str] | None:
    """Tell which pixels are good: most of a detector is."""
    if "mask" not in arrays:
        return None
    mask = arrays["mask"]
    while mask.ndim > 2 and mask.shape[0] == 1:
        mask = mask[0]
    marked = mask != 0
    if marked.mean() > 0.5:
        return marked, f"{names['mask']}, where 0 is assumed to mean bad, as most pixels are not 0"
    return ~marked, f"{names['mask']}, where 0 is assumed to mean good, as most pixels are 0"


def _probe(
    path: Path, arrays: _Arrays, names: _Names, units: _Units, count: int | None
) -> tuple[NDArray[np.complex64], str] | None:
    if "probe" not in arrays:
        return None
    return probe_modes(path, arrays["probe"], names["probe"]), names["probe"]


def _object(
    path: Path, arrays: _Arrays, names: _Names, units: _Units, count: int | None
) -> tuple[NDArray[np.complex64], str] | None:
    if "object" not in arrays:
        return None
    return object_image(path, arrays["object"], names["object"]), names["object"]


def _wavelength(
    path: Path, arrays: _Arrays, names: _Names, units: _Units, count: int | None
) -> tuple[float, str] | None:
    if "wavelength" in arrays:
        return _length(path, "wavelength", arrays, names, units)
    if "energy" not in arrays:
        return None
    energy = _one_number(path, arrays["energy"], names["energy"])
    unit = energy_unit(path, units.get("energy"))
    return wavelength_of(path, energy, unit, names["energy"])


def _distance(
    path: Path, arrays: _Arrays, names: _Names, units: _Units, count: int | None
) -> tuple[float, str] | None:
    return _length(path, "distance", arrays, names, units)


def _detector_pixel(
    path: Path, arrays: _Arrays, names: _Names, units: _Units, count: int | None
) -> tuple[tuple[float, float], str] | None:
    return _pixel(path, "pixel_size", arrays, names, units)


def _object_pixel(
    path: Path, arrays: _Arrays, names: _Names, units: _Units, count: int | None
) -> tuple[tuple[float, float], str] | None:
    return _pixel(path, "object_pixel_size", arrays, names, units)


def _length(
    path: Path, key: str, arrays: _Arrays, names: _Names, units: _Units
) -> tuple[float, str] | None:
    if key not in arrays:
        return None
    value = _one_number(path, arrays[key], names[key]) * metres(path, units.get(key))
    return value, f"{names[key]}, in {units.get(key) or 'metres'}"


def _pixel(
    path: Path, key: str, arrays: _Arrays, names: _Names, units: _Units
) -> tuple[tuple[float, float], str] | None:
    if key not in arrays:
        return None
    sides = arrays[key].reshape(-1)
    if sides.size not in (1, 2) or sides.dtype.kind not in "iuf":
        raise refusal(path, f"{names[key]} has {sides.size} numbers; one or (row, column) wanted")
    scale = metres(path, units.get(key))
    pitch = (float(sides[0]) * scale, float(sides[-1]) * scale)
    return pitch, f"{names[key]}, in {units.get(key) or 'metres'}"


def _one_number(path: Path, array: NDArray[Any], name: str) -> float:
    if array.size != 1 or array.dtype.kind not in "iuf":
        raise refusal(path, f"{name} has the shape {array.shape}; one real number is wanted")
    return float(array.reshape(-1)[0])


_PARTS: dict[str, _Part] = {
    "positions": _positions,
    "valid": _valid,
    "probe": _probe,
    "object": _object,
    "wavelength": _wavelength,
    "distance": _distance,
    "detector_pixel": _detector_pixel,
    "object_pixel": _object_pixel,
}


def is_matlab(contents: Contents) -> bool:
    """Tell whether MATLAB wrote the HDF5 file that has these contents."""
    compounds = [entry.dtype.names for entry in contents.entries.values() if entry.dtype]
    return contents.container == "hdf5" and (
        contents.preamble.startswith(_PREAMBLE)
        or "#refs#" in contents
        or ("real", "imag") in compounds
    )


def _recognises(contents: Contents) -> bool:
    """Recognise nothing: no file says how it is laid out, only `keys:` does."""
    return False


FORMAT = Format(
    *("keys", "any HDF5 or NPZ file whose arrays `keys:` names", _recognises, read),
    read_growing=partial(read, growing=True),
)
