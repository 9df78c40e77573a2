"""Scans as PtychoPINN stores measured data: NPZ with `diff3d`, `xcoords` and `ycoords`."""

from collections.abc import Container
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.content import Content
from ptychopareto.readers.measured_scan import MeasuredScan
from ptychopareto.readers.npz_arrays import (
    checked_positions,
    content_of,
    frames_of,
    marks_of,
    modes_of,
    object_of,
    positive_of,
    vector_of,
)

NAME = "ptychopinn_raw"
DESCRIPTION = "NPZ of PtychoPINN: diff3d or diffraction, xcoords and ycoords [px], probeGuess"

_FRAMES = ("diff3d", "diffraction")
_ENERGIES = ("photon_energy_eV", "probe_energy_ev")
_KEYS = frozenset(
    {*_FRAMES, "xcoords", "ycoords", "probeGuess", "objectGuess", "bad_pixels", "mask", "valid"}
    | {"detector_distance_m", "detector_pixel_size_m", *_ENERGIES}
)
_LARGEST_METRES = 1e-3  # m: scans in pixels span more than so many pixels, in metres less
_FACTOR = 2.0  # by which the energy of patterns and probe may differ: objects absorb
_PLANCK_C = 1.239841984e-6  # eV m, h c


def recognises(contents: Container[str]) -> bool:
    """Whether these names of arrays are those of this format."""
    return "xcoords" in contents and "ycoords" in contents


def read(path: Path) -> MeasuredScan:
    """Read a scan of PtychoPINN's raw layout.

    Parameters
    ----------
    path : the NPZ file: `diff3d` or `diffraction` (B, H, W), or (H, W, B) by older writers;
        `xcoords` and `ycoords` (B,), column and row [px] of each patch's centre on `objectGuess`;
        `probeGuess` (h, w), (h, w, 1) or (modes, h, w); `bad_pixels`, where ptychodus wrote it

    Returns
    -------
    MeasuredScan
        `values` is counts where the frames are whole numbers. Other numbers are counts or their
        root by the energy of the probe, and roots, as documented, where that does not tell.

    Raises
    ------
    FileError
        The file is damaged, or an array is missing or cannot be right.

    Notes
    -----
    Only named arrays are read: `_metadata` may be a pickle. A centre c lies at pixel N // 2 of
    its patch where PtychoPINN cuts it, and between the two middle pixels of an even patch where
    ptychodus wrote the file or all centres are half-integer.
    """
    content = content_of(path, _KEYS)
    x, y = vector_of(content, "xcoords"), vector_of(content, "ycoords")
    if len(x) != len(y):
        raise content.refusal(f"has {len(x)} xcoords and {len(y)} ycoords; as many are wanted")
    positions = checked_positions(content, "xcoords", np.stack([y, x], axis=-1))
    key = next((key for key in _FRAMES if key in content), _FRAMES[0])
    frames = frames_of(content, key, len(positions))
    by_ptychodus = "bad_pixels" in content
    valid, origins = _valid(content, frames.shape)
    probe = modes_of(content, "probeGuess") if "probeGuess" in content else None
    values, why = _values(frames, probe)
    unit: Literal["m", "px"] = "px"
    if np.ptp(positions) > 0 and np.abs(positions).max() <= _LARGEST_METRES:
        unit = "m"
    image, corners = None, None
    if "objectGuess" in content and unit == "px":
        image = object_of(content, "objectGuess")
        corners = positions - _middle(frames.shape[1:], positions, by_ptychodus)
        origins |= {"object": "objectGuess", "corners_on_object": "ycoords, xcoords"}
    if probe is not None:
        origins["probe"] = "probeGuess"
    scalars, told = _scalars(content)
    return MeasuredScan(
        path=str(path),
        format=NAME,
        frames=frames,
        positions=positions,
        position_unit=unit,
        values=values,
        zero_frequency="centre",
        valid=valid,
        probe=probe,
        object=image,
        corners_on_object=corners,
        **scalars,
        origins=origins
        | told
        | {
            "frames": key,
            "positions": f"ycoords, xcoords [{unit}]",
            "values": why,
            "zero_frequency": "PtychoPINN's convention: at N // 2",
        },
    )


def _valid(
    content: Content, shape: tuple[int, ...]
) -> tuple[NDArray[np.bool_] | None, dict[str, str]]:
    """The first mask that the file has, and where it came from."""
    for key, marked in (("valid", "good"), ("mask", "good"), ("bad_pixels", "bad")):
        if key in content:
            origin = {"valid": f"{key}: another value than 0 marks a {marked} pixel"}
            return marks_of(content, key, shape, marked=marked), origin
    return None, {}


def _values(
    frames: NDArray[Any], probe: NDArray[np.complex64] | None
) -> tuple[Literal["intensity", "amplitude"], str]:
    """Whether frames hold counts or their roots, and why that is assumed."""
    if frames.dtype.kind in "iu":
        return "intensity", f"assumed: counts, since the frames are {frames.dtype}"
    sample = frames[:: max(1, len(frames) // 16)].astype(np.float64)
    known = np.where(np.isfinite(sample) & (sample >= 0), sample, 0)
    if known.max(initial=0) > 1 and np.array_equal(known, np.rint(known)):
        return "intensity", "assumed: counts, since the frames are whole numbers"
    if probe is not None:
        with np.errstate(all="ignore"):
            light = np.square(np.abs(probe).astype(np.float64)).sum()
            as_counts = known.sum(axis=(1, 2)).mean() / light
            as_roots = np.square(known).sum(axis=(1, 2)).mean() / light
        fits = [1 / _FACTOR <= ratio <= _FACTOR for ratio in (as_counts, as_roots)]
        if fits == [True, False]:
            return "intensity", "assumed: counts, since their sum is the probe's energy"
        if fits == [False, True]:
            return "amplitude", "assumed: roots, since their squares sum to the probe's energy"
    return "amplitude", "assumed: roots of counts, as PtychoPINN documents them"


def _middle(
    shape: tuple[int, ...], positions: NDArray[np.float64], by_ptychodus: bool
) -> NDArray[np.float64]:
    """From a patch's first pixel to its centre, (row, column) [px]."""
    sides = np.array(shape, np.float64)
    half_integers = np.allclose(np.abs(positions % 1 - 0.5), 0, atol=1e-3)
    if by_ptychodus or (half_integers and (sides % 2 == 0).all()):
        return (sides - 1) / 2
    return sides // 2


def _scalars(content: Content) -> tuple[dict[str, Any], dict[str, str]]:
    """What ptychodus' reader of such files looks for besides."""
    known: dict[str, Any] = {}
    origins: dict[str, str] = {}
    distance = positive_of(content, "detector_distance_m", "m")
    if distance is not None:
        known["distance"], origins["distance"] = distance, "detector_distance_m [m]"
    pixel = positive_of(content, "detector_pixel_size_m", "m")
    if pixel is not None:
        known["detector_pixel"] = (pixel, pixel)
        origins["detector_pixel"] = "detector_pixel_size_m [m]"
    for key in _ENERGIES:
        energy = positive_of(content, key, "eV")
        if energy is not None and "wavelength" not in known:
            known["wavelength"], origins["wavelength"] = _PLANCK_C / energy, f"{key} [eV]"
    return known, origins
