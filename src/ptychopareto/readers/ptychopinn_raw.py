"""Scans as PtychoPINN stores measured data: NPZ with `diff3d`, `xcoords` and `ycoords`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.content import Content
from ptychopareto.readers.format import Contents, Format
from ptychopareto.readers.measured_scan import MeasuredScan
from ptychopareto.readers.npz_arrays import (
    MASKS,
    content_of,
    frames_of,
    number_of,
    object_of,
    probe_of,
    take_mask,
    vector_of,
)
from ptychopareto.readers.units import wavelength_of

_FRAMES = ("diff3d", "diffraction")
_ENERGIES = ("photon_energy_eV", "probe_energy_ev")
_KEYS = frozenset(
    {*_FRAMES, *MASKS, *_ENERGIES, "xcoords", "ycoords", "probeGuess", "objectGuess"}
    | {"detector_distance_m", "detector_pixel_size_m"}
)
_LARGEST_METRES = 1e-3  # m: numbers of a scan in metres are smaller, those of one in pixels larger
_FACTOR = 2.0  # the energies of patterns and probe may differ by it: objects absorb


def read(path: Path, keys: Mapping[str, str]) -> MeasuredScan:
    """Read a scan of PtychoPINN's raw layout.

    Parameters
    ----------
    path : Path
        The file.
    keys : dict of str
        Not used: the format has fixed names.

    Returns
    -------
    MeasuredScan
        Frames, positions [px] or [m], and what else the file has.

    Raises
    ------
    FileError
        The file is damaged, or an array is missing or cannot be right.

    Notes
    -----
    `xcoords` and `ycoords` are column and row [px] of each patch's centre on `objectGuess`. That is
    pixel N // 2 of the patch where PtychoPINN itself cuts it, but the point between the two middle
    pixels where ptychodus wrote the file, or all centres are half-integer. Frames are (B, H, W), by
    older writers (H, W, B). Whole numbers are counts; other ones are counts or their root by the
    energy of the probe, and roots, as PtychoPINN documents, where that does not tell. Only arrays
    with known names are read: `_metadata` may be a pickle.
    """
    content = content_of(path, _KEYS)
    x = vector_of(content, "xcoords")
    positions = np.stack([vector_of(content, "ycoords", len(x)), x], axis=-1)
    key = next((key for key in _FRAMES if key in content), _FRAMES[0])
    frames = frames_of(content, key, len(positions))
    by_ptychodus = "bad_pixels" in content
    probe = probe_of(content, "probeGuess")
    values, why = _values(frames, probe)
    in_metres = np.ptp(positions) > 0 and np.abs(positions).max() <= _LARGEST_METRES
    origins = {
        "frames": key,
        "positions": "ycoords, xcoords",
        "position_unit": f"assumed: {'metres, as they are small' if in_metres else 'pixels'}",
        "values": why,
        "zero_frequency": "the format: at N // 2",
    }
    found: dict[str, Any] = {}
    valid, mask = take_mask(content, frames.shape)
    if mask is not None:
        found["valid"], origins["valid"] = valid, mask
    if probe is not None:
        found["probe"], origins["probe"] = probe, "probeGuess"
    if "objectGuess" in content and not in_metres:
        found["object"] = object_of(content, "objectGuess")
        found["corners_on_object"] = positions - _middle(frames.shape[1:], positions, by_ptychodus)
        origins |= {"object": "objectGuess", "corners_on_object": "ycoords, xcoords"}
    for name, (part, origin) in _geometry(content).items():
        found[name], origins[name] = part, origin
    return MeasuredScan(
        str(path),
        "ptychopinn_raw",
        frames,
        positions=positions,
        position_unit="m" if in_metres else "px",
        values=values,
        zero_frequency="centre",
        origins=origins,
        **found,
    )


def _values(
    frames: NDArray[Any], probe: NDArray[np.complex64] | None
) -> tuple[Literal["intensity", "amplitude"], str]:
    """Tell whether frames hold counts or their roots, and why that is assumed."""
    if frames.dtype.kind in "iu":
        return "intensity", f"assumed: counts, as the frames are {frames.dtype}"
    sample = frames[:: max(1, len(frames) // 16)].astype(np.float64)
    with np.errstate(all="ignore"):
        known = np.where((sample >= 0) & (sample < np.sqrt(np.finfo(np.float32).max)), sample, 0)
        if known.max(initial=0) > 1 and np.array_equal(known, np.rint(known)):
            return "intensity", "assumed: counts, as the frames hold whole numbers"
        if probe is not None:
            light = np.square(np.abs(probe.astype(np.complex128))).sum()
            energies = (known.sum(axis=(1, 2)), np.square(known).sum(axis=(1, 2)))
            fits = [1 / _FACTOR <= energy.mean() / light <= _FACTOR for energy in energies]
            if fits == [True, False]:
                return "intensity", "assumed: counts, as they sum to the energy of the probe"
            if fits == [False, True]:
                return "amplitude", "assumed: roots, as their squares sum to the probe's energy"
    return "amplitude", "assumed: roots of counts, as PtychoPINN documents them"


def _middle(
    shape: tuple[int, ...], positions: NDArray[np.float64], by_ptychodus: bool
) -> NDArray[np.float64]:
    """Return the step (row, column) [px] from a patch's first pixel to its centre."""
    sides = np.array(shape, np.float64)
    half_integers = np.allclose(positions % 1, 0.5, atol=1e-3)
    if by_ptychodus or (half_integers and (sides % 2 == 0).all()):
        return (sides - 1) / 2
    return sides // 2


def _geometry(content: Content) -> dict[str, tuple[Any, str]]:
    """Read the distances, pixel size and energy that ptychodus looks for in such files."""
    found: dict[str, tuple[Any, str]] = {}
    distance = number_of(content, "detector_distance_m")
    if distance:
        found["distance"] = (distance, "detector_distance_m")
    pixel = number_of(content, "detector_pixel_size_m")
    if pixel:
        found["detector_pixel"] = ((pixel, pixel), "detector_pixel_size_m")
    for key in reversed(_ENERGIES):
        known = wavelength_of(content.path, number_of(content, key) or 0, "eV", key)
        if known is not None:
            found["wavelength"] = known
    return found


def _recognises(contents: Contents) -> bool:
    names = ("xcoords", "ycoords")
    return contents.container == "npz" and all(name in contents for name in names)


FORMAT = Format(
    "ptychopinn_raw",
    "NPZ files of measured data for PtychoPINN: diff3d, xcoords, ycoords",
    _recognises,
    read,
)
