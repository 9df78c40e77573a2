"""Products of ptychodus (1.7.0), HDF5: object, probe and positions, as its own `save_product`."""

from pathlib import Path

import numpy as np

from ptychopareto.writers.hdf5_image import hdf5_file
from ptychopareto.writers.result import Result

_ELECTRONVOLT_METRES = 1.239841984e-6  # Planck's constant times the speed of light


def write_product(path: Path, result: Result) -> None:
    """Write a reconstruction as a product of ptychodus.

    Parameters
    ----------
    path : Path
        Where to write it.
    result : Result
        The reconstruction; its pixel size is known, since a product holds metres.

    Notes
    -----
    Positions are those of the patches' centres [m], +y down the rows; the centre of the object is
    their origin. What is not known is 0, as ptychodus has it.
    """
    assert result.pixel is not None
    assert result.centres is not None
    rows, columns = result.pixel
    pixel = {"pixel_height_m": rows, "pixel_width_m": columns}
    wavelength = result.wavelength
    with hdf5_file(path) as file:
        file.attrs["name"] = path.stem
        file.attrs["comments"] = _in_words(result)
        file.attrs["detector_object_distance_m"] = result.distance or 0.0
        file.attrs["photon_energy_eV"] = _ELECTRONVOLT_METRES / wavelength if wavelength else 0.0
        file.attrs["probe_photon_count"] = float((np.abs(result.probe) ** 2).sum(dtype=float))
        file.attrs["far_field"] = True
        for name in (
            "exposure_time_s",
            "focus_object_distance_m",
            "mass_attenuation_m2_per_kg",
            "tilt_angle_deg",
            "tomography_angle_deg",
        ):
            file.attrs[name] = 0.0
        file["probe"] = result.probe[None]
        file["probe"].attrs.update(pixel)
        file["object"] = result.object[None]
        file["object"].attrs.update(pixel | {"center_x_m": 0.0, "center_y_m": 0.0})
        file["object_layer_spacing_m"] = np.zeros(0)
        file["probe_position_indexes"] = result.frames
        for axis, name in enumerate("yx"):
            file[f"probe_position_{name}_m"] = result.centres[:, axis]
        for name in ("loss_epochs", "loss_values"):
            file[name] = np.zeros(0)


def _in_words(result: Result) -> str:
    """Write R-factors and provenance, a line each."""
    figures = [f"{name}: {figure:.5g}" for name, figure in result.figures.items()]
    return "\n".join([*figures, *(f"{name}: {text}" for name, text in result.provenance.items())])
