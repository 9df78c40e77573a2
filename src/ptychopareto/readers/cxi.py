"""CXI, the format of the Coherent X-ray Imaging data bank (versions 1.3 to 1.6).

`translation` is the position (x, y, z) [m] of the sample. The axes of the detector's array are
`basis_vectors`, (0, −y_pixel_size, 0) for rows and (−x_pixel_size, 0, 0) for columns where the
file has none. The beam moves over the sample against the translation, so

    row = −t · b_row / |b_row|,  column = −t · b_column / |b_column|

which for the default vectors is row = +y, column = +x.
"""

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import refusal
from ptychopareto.readers.array_axes import a_position_per_frame
from ptychopareto.readers.cxi_entry import DETECTOR, Layout, Placed, basis_vectors, format_of
from ptychopareto.readers.format import Contents
from ptychopareto.readers.hdf5 import find_dataset
from ptychopareto.readers.hdf5_values import read_array
from ptychopareto.readers.units import read_energy, read_length

_HAS_SIGNAL = 0x1000  # the one bit of a mask that marks no bad pixel
_FRAMES = ("data_1/data", f"{DETECTOR}/data")
_TRANSLATIONS = (
    "sample_1/geometry_1/translation",
    f"{DETECTOR}/translation",
    "data_1/translation",
)


def _positions(path: Path, entry: h5py.Group, frames: int | None) -> Placed | None:
    dataset = find_dataset(path, entry, *_TRANSLATIONS)
    if dataset is None:
        return None
    name = str(dataset.name)
    stored = a_position_per_frame(path, read_array(path, dataset), frames, name)
    basis = basis_vectors(path, entry)
    if basis is None:
        said = f"{name} (x, y): row = +y, column = +x, metres"
        return Placed(stored[:, [1, 0]], (1.0, 1.0), said)
    unit = basis / np.linalg.norm(basis, axis=0)
    in_plane = stored[:, :2] @ unit[:2]
    said = f"{name} (x, y) along basis_vectors of the detector, reversed, metres"
    return Placed(-in_plane, (1.0, 1.0), said)


def _valid(path: Path, entry: h5py.Group) -> tuple[NDArray[np.bool_], str] | None:
    dataset = find_dataset(path, entry, f"{DETECTOR}/mask")
    if dataset is None:
        return None
    mask = read_array(path, dataset)
    if mask.dtype.kind not in "biu":
        if not (np.isfinite(mask).all() and (mask == np.floor(mask)).all()):
            raise refusal(path, f"{dataset.name} holds {mask.dtype}; bits are wanted")
        mask = mask.astype(np.int64)
    bits = mask.astype(np.uint64, copy=False)
    while bits.ndim > 2 and bits.shape[0] == 1:
        bits = bits[0]
    valid = (bits & ~np.uint64(_HAS_SIGNAL)) == 0
    return valid, f"{dataset.name}, where any bit but 0x1000 (has signal) marks a bad pixel"


def _wavelength(path: Path, entry: h5py.Group) -> tuple[float, str] | None:
    """Read the wavelength, or else the energy: in joules, unless its size tells another unit."""
    source = "instrument_1/source_1"
    return read_length(path, entry, f"{source}/wavelength") or read_energy(
        path, entry, f"{source}/energy"
    )


_LAYOUT = Layout(
    *("cxi", _FRAMES, _positions, _valid, _wavelength), position_unit="the format: metres"
)


def _recognises(contents: Contents) -> bool:
    named = "cxi_version" in contents or "cxi_version" in contents.attributes
    return contents.container == "hdf5" and (named or "entry_1" in contents)


FORMAT = format_of(_LAYOUT, "CXI, as of the Coherent X-ray Imaging data bank", _recognises)
