"""Files of MATLAB 7.3, which are HDF5 with the axes of arrays in the reversed order."""

from collections.abc import Mapping
from pathlib import Path

from ptychopareto.files.errors import refusal
from ptychopareto.readers.format import Contents, Format
from ptychopareto.readers.hdf5 import opened, read_contents
from ptychopareto.readers.keyed import check_keys, read_hdf5
from ptychopareto.readers.measured_scan import MeasuredScan

_PREAMBLE = b"MATLAB 7.3 MAT-file"
# What the arrays of a scan are usually called, where `keys:` does not say it.
_NAMES = {
    "diffraction": ("diffraction", "patterns", "dp", "data", "intensity", "ptychogram"),
    "positions": ("positions", "coords", "encoder"),
    "probe": ("probe", "probeGuess"),
    "object": ("object",),
    "mask": ("mask",),
    "wavelength": ("wavelength", "lambda"),
    "energy": ("energy",),
    "distance": ("distance", "zo", "z"),
    "pixel_size": ("pixel_size", "dxd"),
}


def read(path: Path, keys: Mapping[str, str]) -> MeasuredScan:
    """Read a file of MATLAB 7.3.

    MATLAB names an array (rows, columns, frames) that HDF5 lists as (frames, columns, rows), so
    frames are transposed here; positions are (frames, 2) in MATLAB, (row, column).

    Parameters
    ----------
    keys : which variable holds what; without them, variables with the usual names are taken

    Raises
    ------
    FileError
        There is no variable with frames, or one has a shape that does not fit.
    """
    if keys:
        check_keys(path, keys)
        return read_hdf5(path, keys, reversed_axes=True)
    contents = read_contents(path)
    with opened(path) as file:
        filled = [name for name in contents.entries if not file[name].attrs.get("MATLAB_empty")]
    found = {
        key: name for key, names in _NAMES.items() for name in reversed(names) if name in filled
    }
    if "diffraction" not in found:
        raise refusal(
            path,
            f"has no variable {', '.join(_NAMES['diffraction'])}; `keys:` can say which of "
            f"{', '.join(filled)} holds the frames",
        )
    return read_hdf5(path, found, reversed_axes=True)


def _recognises(contents: Contents) -> bool:
    if contents.container != "hdf5":
        return False
    compounds = [entry.dtype.names for entry in contents.entries.values() if entry.dtype]
    return (
        contents.preamble.startswith(_PREAMBLE)
        or "#refs#" in contents
        or ("real", "imag") in compounds
    )


FORMAT = Format("matlab", "files of MATLAB 7.3", _recognises, read, takes_keys=True)
