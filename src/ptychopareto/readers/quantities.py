"""Quantities that formats store in different shapes and units, and the checks they share."""

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptychopareto.config.measured import ELECTRONVOLT_METRES
from ptychopareto.files.errors import refusal
from ptychopareto.readers.hdf5_values import read_number, text_attribute
from ptychopareto.readers.measured_scan import MeasuredScan

_UNITS = {"J": 1 / 1.602176634e-19, "keV": 1e3, "eV": 1.0}  # in eV
_XRAYS = (100.0, 100e3)  # eV
_LENGTHS = {"m": 1.0, "mm": 1e-3, "um": 1e-6, "µm": 1e-6, "nm": 1e-9, "Å": 1e-10, "pm": 1e-12}
_SMALLEST_FRAME = 8  # px a side
_LARGEST_POSITION = 1e9  # px or m


def wavelength_of(
    path: Path, energy: float, unit: str | None, name: str
) -> tuple[float, str] | None:
    """Convert the energy of X-rays to their wavelength.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    energy : float
        Energy of a photon, in `unit`; 0 stands for not known.
    unit : str or None
        J, eV or keV; None takes the one in which the energy is one of X-rays.
    name : str
        Name of the dataset that the energy comes from.

    Returns
    -------
    tuple of float and str or None
        The wavelength [m] and where it came from; None if the energy is not known.

    Raises
    ------
    FileError
        The energy is outside 0.1 to 100 keV.

    Notes
    -----
    λ = h c / E. The ranges of X-rays in J, keV and eV do not overlap.
    """
    if energy == 0:
        return None
    assumed = unit or next((u for u in _UNITS if is_xray(energy * _UNITS[u])), "eV")
    if assumed not in _UNITS or not is_xray(energy * _UNITS[assumed]):
        raise refusal(
            path,
            f"{name} is {energy:g} {assumed}; the energy of X-rays, 0.1 to 100 keV, is wanted",
        )
    said = assumed if unit else f"{assumed}, assumed from its size"
    return ELECTRONVOLT_METRES / (energy * _UNITS[assumed]), f"{name}, an energy in {said}"


def energy_unit(path: Path, text: str | None) -> str | None:
    """Check the unit of an energy that a file names.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    text : str or None
        The unit as the file writes it; None if it names none.

    Returns
    -------
    str or None
        J, eV or keV; None if the file names none.

    Raises
    ------
    FileError
        The unit is another one than J, eV or keV.
    """
    if not text or not text.strip():
        return None
    for unit in _UNITS:
        if text.strip().lower() in (unit.lower(), {"J": "joule", "eV": "electronvolt"}.get(unit)):
            return unit
    raise refusal(path, f"gives an energy in {text}; J, eV or keV is wanted")


def metres(path: Path, unit: str | None) -> float:
    """Return the length of a unit in metres.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    unit : str or None
        The unit as the file writes it; None stands for metres.

    Returns
    -------
    float
        Length of one unit [m].

    Raises
    ------
    FileError
        The unit is no length.
    """
    if not unit or not unit.strip():
        return 1.0
    name = unit.strip().replace("μ", "µ")
    known = {**_LENGTHS, "meter": 1.0, "metre": 1.0, "micron": 1e-6, "micrometer": 1e-6}
    known |= {"angstrom": 1e-10, "Angstrom": 1e-10, "A": 1e-10}
    if name in known or name.rstrip("s") in known:
        return known.get(name) or known[name.rstrip("s")]
    raise refusal(path, f"gives a length in {unit}; one of {', '.join(_LENGTHS)} is wanted")


def read_length(path: Path, file: h5py.Group, *names: str) -> tuple[float, str] | None:
    """Read a length from the first dataset that exists under one of several names.

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
    tuple of float and str or None
        The length [m] and where it came from; None if there is none, or a 0, which files hold for
        what they do not know.

    Raises
    ------
    FileError
        The dataset is not one finite number, or its unit is no length.
    """
    for name in names:
        number = read_number(path, file, name)
        if number:
            dataset = file[name]
            unit = text_attribute(dataset, "units") or text_attribute(dataset, "unit")
            where = f"{dataset.name}, {unit}" if unit else f"{dataset.name}, assumed to be metres"
            return number * metres(path, unit), where
    return None


def read_energy(path: Path, file: h5py.Group, *names: str) -> tuple[float, str] | None:
    """Read the energy of X-rays from the first dataset that exists under one of several names.

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
    tuple of float and str or None
        The wavelength [m] and where it came from; None if there is no energy, or a 0.

    Raises
    ------
    FileError
        The dataset is not one finite number, or not the energy of X-rays.
    """
    for name in names:
        energy = read_number(path, file, name)
        if energy:
            dataset = file[name]
            unit = text_attribute(dataset, "units") or text_attribute(dataset, "unit")
            return wavelength_of(path, energy, energy_unit(path, unit), str(dataset.name))
    return None


def a_position_per_frame(
    path: Path, array: NDArray[Any], frames: int | None, name: str
) -> NDArray[np.float64]:
    """Turn positions so that there is one row for each frame.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    array : (B, n) or (n, B)
        Positions, n being 2 or 3; axes of length 1 may come before.
    frames : int or None
        Number B of frames, which decides what the axes are. None while a scan is still being
        measured: as many positions are taken as there are, NaN where one is not written yet.
    name : str
        Name of the array, for messages.

    Returns
    -------
    (B, n) float64
        One position in each row.

    Raises
    ------
    FileError
        No axis is as long as there are frames, or the numbers are not finite and real.
    """
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    fits = [
        turned
        for turned in (array, array.T)
        if turned.ndim == 2
        and turned.shape[0] == (frames or len(turned))
        and turned.shape[1] in (2, 3)
    ]
    if not fits:
        raise refusal(
            path,
            f"{name} has the shape {array.shape}, which gives no position to each of the "
            f"{frames or ''} patterns; ({frames or 'B'}, 2) or ({frames or 'B'}, 3) is wanted",
        )
    complete = frames is None or array.dtype.kind not in "iuf" or np.isfinite(array).all()
    if array.dtype.kind not in "iuf" or not complete:
        raise refusal(path, f"{name} holds {array.dtype} with gaps; finite numbers are wanted")
    return np.asarray(fits[0], np.float64)


def probe_modes(path: Path, array: NDArray[Any], name: str) -> NDArray[np.complex64]:
    """Give a probe the axes (modes, rows, columns).

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    array : (h, w) or (modes, h, w)
        A probe, with axes of length 1 besides.
    name : str
        Name of the array, for messages.

    Returns
    -------
    (modes, h, w) complex64
        The probe.

    Raises
    ------
    FileError
        The array has more axes, or holds NaN or infinite numbers, or nothing but zeros.
    """
    original = array.shape
    while array.ndim > 3 and 1 in array.shape[:-2]:
        array = array.reshape([*_without_one(array.shape[:-2]), *array.shape[-2:]])
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or 0 in array.shape:
        raise refusal(path, f"{name} has the shape {original}; (modes, rows, columns) is wanted")
    return _finite_image(path, array, name)


def object_image(path: Path, array: NDArray[Any], name: str) -> NDArray[np.complex64]:
    """Give an object the axes (rows, columns).

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    array : (rows, columns)
        An object, with axes of length 1 before.
    name : str
        Name of the array, for messages.

    Returns
    -------
    (rows, columns) complex64
        The object.

    Raises
    ------
    FileError
        The array has more axes than two that are longer than 1, or numbers that are not finite.
    """
    image = array
    while image.ndim > 2 and 1 in image.shape[:-2]:
        image = image.reshape([*_without_one(image.shape[:-2]), *image.shape[-2:]])
    if image.ndim != 2 or 0 in image.shape:
        raise refusal(path, f"{name} has the shape {array.shape}; (rows, columns) is wanted")
    return _finite_image(path, image, name)


def check_scan(scan: MeasuredScan) -> MeasuredScan:
    """Return a scan if its parts agree with each other.

    Raises
    ------
    FileError
        Frames, positions, mask, probe, object or a length cannot be right.
    """
    path, shape, kind = Path(scan.path), scan.frames.shape, scan.frames.dtype.kind
    if len(shape) != 3 or shape[0] < 1 or min(shape[1:]) < _SMALLEST_FRAME or kind not in "biuf":
        raise refusal(
            path,
            f"holds frames of {scan.frames.dtype} of the shape {shape}; real numbers (frames, "
            f"rows, columns) are wanted, at least {_SMALLEST_FRAME} rows and columns",
        )
    for name in ("positions", "corners_on_object"):
        positions = getattr(scan, name)
        if positions is None:
            continue
        if positions.shape != (shape[0], 2):
            raise refusal(
                path, f"has {len(positions)} positions for {shape[0]} patterns; one each is wanted"
            )
        if not (np.abs(positions) < _LARGEST_POSITION).all():
            raise refusal(path, "holds positions that are NaN or beyond all bounds")
        if shape[0] > 1 and (positions == positions[0]).all():
            raise refusal(path, "has the same position for all patterns; a scan is wanted")
    if scan.valid is not None and scan.valid.shape not in (shape, shape[1:]):
        raise refusal(path, f"has a mask of {scan.valid.shape} for patterns of {shape[1:]}")
    _check_lengths(path, scan)
    return scan


def _check_lengths(path: Path, scan: MeasuredScan) -> None:
    """Refuse a wavelength, distance or pixel size that is no positive length."""
    lengths = {
        "wavelength": (scan.wavelength,),
        "distance": (scan.distance,),
        "detector pixel": scan.detector_pixel or (),
        "object pixel": scan.object_pixel or (),
    }
    for name, values in lengths.items():
        for value in values:
            if value is not None and not (math.isfinite(value) and value > 0):
                raise refusal(path, f"gives the {name} as {value:g} m; a positive length is wanted")


def _finite_image(path: Path, array: NDArray[Any], name: str) -> NDArray[np.complex64]:
    with np.errstate(over="ignore"):  # an infinite result is refused
        image = np.ascontiguousarray(array, np.complex64)
    if not np.isfinite(image).all() or not image.any():
        raise refusal(path, f"{name} is zero everywhere or not finite; complex numbers are wanted")
    return image


def _without_one(shape: tuple[int, ...]) -> list[int]:
    """Drop the first axis of length 1."""
    sides = list(shape)
    sides.remove(1)
    return sides


def is_xray(electronvolts: float) -> bool:
    """Tell whether an energy [eV] is one of X-rays, 0.1 to 100 keV."""
    return _XRAYS[0] <= electronvolts <= _XRAYS[1]
