"""NXcxi_ptycho, the NeXus application definition for ptychography that CXI can read too.

The energy of the X-rays is that of the beam: `source_1/energy` is the energy of the electrons in
the ring. Frames have one axis for the scan or, on a raster, two. Positions (x, y, z) mean what they
do in CXI without basis vectors: row = +y, column = +x.
"""

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import refusal
from ptychopareto.readers.array_axes import a_position_per_frame
from ptychopareto.readers.cxi_entry import DETECTOR, Layout, Placed, format_of
from ptychopareto.readers.format import Contents
from ptychopareto.readers.hdf5 import find_dataset
from ptychopareto.readers.hdf5_values import read_array, text_attribute
from ptychopareto.readers.units import length_of, read_energy, read_length

_BEAM = "instrument_1/beam_1"
_FRAMES = (f"{DETECTOR}/data", "data_1/data")
_TRANSLATIONS = (
    f"{DETECTOR}/translation",
    "data_1/translation",
    "sample_1/geometry_1/translation",
)
_MOTORS = ("sample_1/transformations/y", "sample_1/transformations/x")
_DEFINITIONS = ("NXcxi_ptycho", "NXptycho")  # the definition's own list names the second one
_BAD_BITS = 0xFFFF


def _positions(path: Path, entry: h5py.Group, count: int | None) -> Placed | None:
    """Read positions from the list of all, or from the motors."""
    dataset = find_dataset(path, entry, *_TRANSLATIONS)
    if dataset is not None:
        name, unit = str(dataset.name), text_attribute(dataset, "units")
        array = read_array(path, dataset)
        if array.ndim > 2 and array.shape[-1] in (2, 3):
            array = array.reshape(-1, array.shape[-1])  # a raster's two axes
        stored = a_position_per_frame(path, array, count, name)
        scale = length_of(unit)
        said = f"{name} (x, y): row = +y, column = +x, {unit or 'assumed to be metres'}"
        positions = stored[:, [1, 0]] * (scale or 1.0)
        return Placed(positions, (scale or 1.0, scale or 1.0), said, scale is not None)
    columns, units = [], []
    for motor in (find_dataset(path, entry, name) for name in _MOTORS):
        if motor is None:
            return None
        numbers = read_array(path, motor).reshape(-1)
        if count is not None and numbers.size != count:
            raise refusal(path, f"{motor.name} has {numbers.size} values for {count} patterns")
        units.append(text_attribute(motor, "units"))
        columns.append(numbers)
    name = " and ".join(_MOTORS)
    most = min(map(len, columns))  # where a scan is measured, one motor may be ahead
    positions = np.stack([column[:most] for column in columns], axis=1)
    positions = a_position_per_frame(path, positions, count, name)
    rows, across = (length_of(unit) for unit in units)
    if rows is None or across is None:
        said = f"{name}: row = +y, column = +x, {' and '.join(unit or 'metres' for unit in units)}"
        return Placed(positions, (1.0, 1.0), said, in_metres=False)
    said = f"{name}: row = +y, column = +x, metres"
    return Placed(positions * [rows, across], (rows, across), said)


def _valid(path: Path, entry: h5py.Group) -> tuple[NDArray[np.bool_], str] | None:
    dataset = find_dataset(path, entry, f"{DETECTOR}/pixel_mask", f"{DETECTOR}/mask")
    if dataset is None:
        return None
    mask = read_array(path, dataset)
    if mask.dtype.kind not in "biu":
        raise refusal(path, f"{dataset.name} holds {mask.dtype}; bits are wanted")
    while mask.ndim > 2 and mask.shape[0] == 1:
        mask = mask[0]
    valid = (mask.astype(np.int64) & _BAD_BITS) == 0
    return valid, f"{dataset.name}, where one of the lower 16 bits marks a bad pixel"


def _wavelength(path: Path, entry: h5py.Group) -> tuple[float, str] | None:
    return (
        read_length(path, entry, f"{_BEAM}/wavelength", f"{_BEAM}/incident_wavelength")
        or read_energy(path, entry, f"{_BEAM}/energy", f"{_BEAM}/incident_energy")
        or read_energy(path, entry, f"{_BEAM}/incident_beam_energy")
    )


_LAYOUT = Layout("nxcxi_ptycho", _FRAMES, _positions, _valid, _wavelength)


def _recognises(contents: Contents) -> bool:
    return any(text in _DEFINITIONS for text in contents.definitions.values())


FORMAT = format_of(_LAYOUT, "NeXus files of the definition NXcxi_ptycho", _recognises)
