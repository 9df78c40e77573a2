"""Results of cdtools (0.3.2), which `model.save_to_h5` writes; older `.mat` files and NPZ too."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.content import Content
from ptychopareto.readers.array_axes import object_image, probe_modes
from ptychopareto.readers.finished_reconstruction import FinishedReconstruction
from ptychopareto.readers.flat import arrays_of
from ptychopareto.readers.format import Contents
from ptychopareto.readers.npz_arrays import number_of, take

_FOURIER = "state_dict/fourier_probe"  # whether the probe is given at the detector
_LOGARITHM = "state_dict/exponentiate_obj"  # whether exp(i obj) is the object
_KEYS = (
    *("probe", "obj", "obj_basis", "probe_basis", "translations", "wavelength"),
    *("oversampling", "state_dict/min_translation", _FOURIER, _LOGARITHM),
)


def recognises(contents: Contents) -> bool:
    """Tell whether a file of these contents is a result of cdtools."""
    bases = ("probe_basis", "obj_basis", "basis")
    return all(key in contents for key in ("probe", "obj")) and any(
        basis in contents for basis in bases
    )


def read(path: Path) -> FinishedReconstruction:
    """Read a result of cdtools.

    Raises
    ------
    FileError
        The file is damaged, or a part of it is missing or cannot be right.

    Notes
    -----
    `translations` (B, 3) [m] become pixels by the columns of `obj_basis`, the steps along rows and
    columns, which point down y and x in cdtools' default geometry: both signs cancel. Less
    `state_dict/min_translation`, they are the first pixels of the patches on `obj`. Complex arrays
    of older versions have a last axis of real and imaginary part.
    """
    content = arrays_of(path, _KEYS)
    remarks: list[str] = []
    probe = probe_modes(path, _complex(content, "probe"), "probe")
    image = object_image(path, _complex(content, "obj"), "obj")
    if _LOGARITHM in content and take(content, _LOGARITHM, "biuf").any():
        with np.errstate(all="ignore"):
            image = object_image(path, np.exp(1j * image), "exp(i obj)")
    origins = {"probe": "probe", "object": "obj"}
    found: dict[str, Any] = {}
    oversampling = number_of(content, "oversampling") or 1
    if oversampling != 1:
        remarks.append(f"The object is oversampled {oversampling:g} times; it is not used.")
    if _FOURIER in content and take(content, _FOURIER, "biuf").any():
        raise content.refusal(
            "holds the probe at the detector (fourier_probe); its image is wanted"
        )
    wavelength = number_of(content, "wavelength")
    if wavelength:
        found["wavelength"], origins["wavelength"] = wavelength, "wavelength"
    key = next((key for key in ("obj_basis", "probe_basis") if key in content), None)
    basis = _basis(content, key) if key else None
    if basis is not None:
        lengths = np.linalg.norm(basis, axis=0)
        found["object_pixel"] = (float(lengths[0]), float(lengths[1]))
        origins["object_pixel"] = str(key)
    if basis is not None and "translations" in content:
        pixels = _translations(content) @ np.linalg.pinv(basis).T
        found |= {"positions": pixels, "position_unit": "px"}
        origins["positions"] = f"translations, {key}"
        if "state_dict/min_translation" in content and oversampling == 1:
            least = take(content, "state_dict/min_translation").reshape(-1).astype(np.float64)
            if least.size != 2 or not np.isfinite(least).all():
                raise content.refusal("state_dict/min_translation is no row and column")
            found["corners_on_object"] = pixels - least
            origins["corners_on_object"] = "translations, state_dict/min_translation"
    if oversampling == 1:
        found["object"] = image
    return FinishedReconstruction(
        str(path), "cdtools", probe, origins=origins, remarks=tuple(remarks), **found
    )


def _complex(content: Content, key: str) -> NDArray[Any]:
    array = take(content, key, "iufc")
    if array.dtype.kind != "c" and array.ndim > 2 and array.shape[-1] == 2:
        return np.asarray(array[..., 0] + 1j * array[..., 1])
    return array


def _basis(content: Content, key: str) -> NDArray[np.float64]:
    """Read the steps of the object along its rows and columns, (3, 2) [m]."""
    basis = take(content, key).astype(np.float64)
    if basis.shape != (3, 2) or not np.isfinite(basis).all():
        raise content.refusal(f"{key} has the shape {basis.shape}; (3, 2), finite, is wanted")
    lengths = np.linalg.norm(basis, axis=0)
    if not (lengths > 0).all() or np.linalg.matrix_rank(basis / lengths) < 2:
        raise content.refusal(f"{key} spans no plane; two directions are wanted")
    return basis


def _translations(content: Content) -> NDArray[np.float64]:
    steps = take(content, "translations").astype(np.float64)
    if steps.ndim != 2 or steps.shape[1] != 3 or not np.isfinite(steps).all():
        raise content.refusal(f"translations is {steps.shape}; (B, 3), finite, is wanted")
    steps[:, 2] = 0  # along the beam
    return steps
