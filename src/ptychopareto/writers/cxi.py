"""CXI files of reconstructions, version 1.6 of the format of the Coherent X-ray Imaging data bank.

The object is `entry_1/image_1/data`. Lengths are metres and energies joules, as the format wants
them; what is not known is left out.
"""

from pathlib import Path

import h5py
import numpy as np

from ptychopareto.writers.hdf5_image import hdf5_file
from ptychopareto.writers.result import Result

VERSION = 160
MISSING = 0x200  # the bit of a mask that marks a pixel without a value
_PLANCK_TIMES_LIGHT = 6.62607015e-34 * 299792458.0  # J m

# The attribute NX_class, by which NeXus viewers know what a group is.
_CLASSES = {
    "entry_1": "NXentry",
    "entry_1/image_1": "NXdata",
    "entry_1/image_1/process_1": "NXprocess",
    "entry_1/instrument_1": "NXinstrument",
    "entry_1/instrument_1/detector_1": "NXdetector",
    "entry_1/instrument_1/source_1": "NXsource",
    "entry_1/sample_1": "NXsample",
}


def write_cxi(path: Path, result: Result) -> None:
    """Write a reconstruction as CXI.

    Parameters
    ----------
    path : Path
        Where to write it.
    result : Result
        The reconstruction.

    Notes
    -----
    `translation` (x, y, 0) holds where the centre of each patch lies from the centre of the object,
    x along its columns and y along its rows.
    """
    with hdf5_file(path) as file:
        file["cxi_version"] = VERSION
        file.attrs["default"] = "entry_1/image_1"
        entry = file.create_group("entry_1")
        entry["program_name"] = result.provenance.get("program", "ptycho-pareto")
        entry["end_time"] = result.provenance.get("date", "")
        _write_instrument(entry.create_group("instrument_1"), result)
        _write_image(entry.create_group("image_1"), result)
        centres = result.centres
        if centres is not None:
            places = np.column_stack([centres[:, ::-1], np.zeros(len(centres))])
            entry["sample_1/geometry_1/translation"] = places
            entry["sample_1/geometry_1/translation"].attrs["units"] = "m"
        for name, kind in _CLASSES.items():
            if name in file:
                file[name].attrs["NX_class"] = kind


def _write_instrument(group: h5py.Group, result: Result) -> None:
    source = group.create_group("source_1")
    if result.wavelength is not None:
        _number(source, "wavelength", result.wavelength, "m")
        _number(source, "energy", _PLANCK_TIMES_LIGHT / result.wavelength, "J")
    source["illumination"] = result.probe
    source["illumination"].attrs["axes"] = "mode:y:x"
    detector = group.create_group("detector_1")
    if result.distance is not None:
        _number(detector, "distance", result.distance, "m")
    if result.detector_pixel is not None:
        for name, pitch in zip("yx", result.detector_pixel, strict=True):
            _number(detector, f"{name}_pixel_size", pitch, "m")


def _write_image(group: h5py.Group, result: Result) -> None:
    group["data"] = result.object
    group.attrs["signal"] = "data"
    group.attrs["interpretation"] = "image"
    group["data_type"] = "transmission"
    group["data_space"] = "real"
    group["mask"] = np.where(result.covered, 0, MISSING).astype(np.uint32)
    rows, columns = result.object.shape
    if result.pixel is not None:
        size = np.array([columns * result.pixel[1], rows * result.pixel[0], 0.0])
        group["image_size"] = size
        group["image_size"].attrs["units"] = "m"
        for name, pitch in zip("yx", result.pixel, strict=True):
            _number(group, f"{name}_pixel_size", pitch, "m")
    for name in ("source_1", "detector_1"):
        group[name] = h5py.SoftLink(f"/entry_1/instrument_1/{name}")
    process = group.create_group("process_1")
    for name, text in result.provenance.items():
        process[name] = text
    for name, figure in result.figures.items():
        process[name] = float(figure)
    process["final_illumination"] = h5py.SoftLink("/entry_1/instrument_1/source_1/illumination")
    process["corners"] = result.corners
    process["corners"].attrs["axes"] = "row, column [px] of each patch's first pixel in data"
    process["frames"] = result.frames
    process["free"] = result.free


def _number(group: h5py.Group, name: str, value: float, unit: str) -> None:
    group[name] = float(value)
    group[name].attrs["units"] = unit
