"""Files of MATLAB 7.3, which are HDF5 with the axes of arrays in the reversed order."""

from collections.abc import Mapping
from pathlib import Path

from ptychopareto.files.errors import refusal
from ptychopareto.readers import keyed
from ptychopareto.readers.format import Format
from ptychopareto.readers.hdf5 import opened, read_contents
from ptychopareto.readers.keyed import is_matlab
from ptychopareto.readers.measured_scan import MeasuredScan

# Usual names of the arrays of a scan, where `keys:` does not name them.
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

    Variables with the usual names are taken; `keys:` of the study can name others, after this.

    Parameters
    ----------
    path : Path
        The file.
    keys : dict of str
        Not used here.

    Returns
    -------
    MeasuredScan
        Frames, and what else has a usual name.

    Raises
    ------
    FileError
        There is no variable with frames, or one has a shape that does not fit.

    Notes
    -----
    MATLAB names an array (rows, columns, frames) that HDF5 lists as (frames, columns, rows), so
    frames are transposed here; positions are (frames, 2) in MATLAB, (row, column).
    """
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
    return keyed.read(path, found)


FORMAT = Format("matlab", "files of MATLAB 7.3", is_matlab, read)
