"""Energies and lengths, which formats store in different units."""

from collections.abc import Iterable
from pathlib import Path

import h5py

from ptychopareto.config.measured import ELECTRONVOLT_METRES
from ptychopareto.files.errors import refusal
from ptychopareto.readers.hdf5_values import read_number, text_attribute

_UNITS = {"J": 1 / 1.602176634e-19, "keV": 1e3, "eV": 1.0}  # in eV
_XRAYS = (100.0, 100e3)  # eV
_LENGTHS = {"m": 1.0, "mm": 1e-3, "um": 1e-6, "µm": 1e-6, "nm": 1e-9, "Å": 1e-10, "pm": 1e-12}


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
    length = length_of(unit)
    if length is None:
        raise refusal(path, f"gives a length in {unit}; one of {', '.join(_LENGTHS)} is wanted")
    return length


def length_of(unit: str | None) -> float | None:
    """Return the length of a unit in metres, if it is one of length.

    Parameters
    ----------
    unit : str or None
        The unit as a file writes it; None stands for metres.

    Returns
    -------
    float or None
        Length of one unit [m]; None if the unit is no length, such as the steps of a motor.
    """
    if not unit or not unit.strip():
        return 1.0
    name = unit.strip().replace("μ", "µ")
    known = {**_LENGTHS, "meter": 1.0, "metre": 1.0, "micron": 1e-6, "micrometer": 1e-6}
    known |= {"angstrom": 1e-10, "Angstrom": 1e-10, "A": 1e-10}
    return known.get(name) or known.get(name.rstrip("s"))


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
    found = _first_known(path, file, names)
    if found is None:
        return None
    number, unit, name = found
    where = f"{name}, {unit}" if unit else f"{name}, assumed to be metres"
    return number * metres(path, unit), where


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
    found = _first_known(path, file, names)
    if found is None:
        return None
    energy, unit, name = found
    return wavelength_of(path, energy, energy_unit(path, unit), name)


def _first_known(
    path: Path, file: h5py.Group, names: Iterable[str]
) -> tuple[float, str | None, str] | None:
    """Read the first number that is there and not 0, with its unit and the name of its dataset."""
    for name in names:
        number = read_number(path, file, name)
        if number:
            dataset = file[name]
            unit = text_attribute(dataset, "units") or text_attribute(dataset, "unit")
            return number, unit, str(dataset.name)
    return None


def is_xray(electronvolts: float) -> bool:
    """Tell whether an energy [eV] is one of X-rays, 0.1 to 100 keV."""
    return _XRAYS[0] <= electronvolts <= _XRAYS[1]
