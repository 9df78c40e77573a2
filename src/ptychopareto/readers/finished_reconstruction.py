"""A reconstruction that another program has finished."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import refusal

_LARGEST_POSITION = 1e9  # px or m
_SMALLEST = 8  # px a side


@dataclass(frozen=True, eq=False)
class FinishedReconstruction:
    """A finished reconstruction as a file holds it; a part that the file does not have is None.

    Attributes
    ----------
    path : str
        The file, as messages name it.
    format : str
        Name of its format.
    probe : (modes, h, w) complex64
        The incoherent modes at the sample, the beam in the middle of the array. The scale is that
        of the program that made it: the mean counts of the patterns set it later.
    object : (rows, columns) complex64 or None
        The object; None if it has several layers.
    corners_on_object : (B, 2) float64 or None
        (row, column) [px] of each patch's first pixel in `object`.
    positions : (B, 2) float64 or None
        (row, column) of each patch, refined where the program did so. Only differences count.
    position_unit : {"m", "px"}
        Unit of the positions: metres at the sample, or pixels of the object.
    indexes : (B,) int64 or None
        The number of the pattern that each position belongs to, where the file numbers its
        patterns.
    object_pixel : tuple of float or None
        (row, column) [m], pixel size of `probe` and `object`.
    wavelength, distance : float or None
        Wavelength, and distance from the sample to the detector [m].
    origins : dict of str
        For each attribute that is known, where it came from.
    remarks : tuple of str
        What a user should know besides, one line each.
    """

    path: str
    format: str
    probe: NDArray[np.complex64]
    object: NDArray[np.complex64] | None = None
    corners_on_object: NDArray[np.float64] | None = None
    positions: NDArray[np.float64] | None = None
    position_unit: Literal["m", "px"] = "m"
    indexes: NDArray[np.int64] | None = None
    object_pixel: tuple[float, float] | None = None
    wavelength: float | None = None
    distance: float | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def check_reconstruction(found: FinishedReconstruction) -> FinishedReconstruction:
    """Return a reconstruction if its parts agree with each other.

    Raises
    ------
    FileError
        Probe, object, positions or a length cannot be right.
    """
    path = Path(found.path)
    if min(found.probe.shape[1:]) < _SMALLEST:
        raise refusal(path, f"has a probe of {found.probe.shape[1:]} px; {_SMALLEST} are wanted")
    if (
        found.object is not None
        and (np.array(found.object.shape) < np.array(found.probe.shape[1:])).any()
    ):
        raise refusal(
            path,
            f"has an object of {found.object.shape} px, smaller than its probe of "
            f"{found.probe.shape[1:]} px",
        )
    for positions in (found.positions, found.corners_on_object):
        if positions is None:
            continue
        if positions.size == 0 or positions.shape[1] != 2:
            raise refusal(path, f"has positions of the shape {positions.shape}; (B, 2) is wanted")
        if not (np.abs(positions) < _LARGEST_POSITION).all():
            raise refusal(path, "has positions that are NaN or beyond all bounds")
    lengths = (*(found.object_pixel or ()), found.wavelength, found.distance)
    for length in lengths:
        if length is not None and not (np.isfinite(length) and length > 0):
            raise refusal(path, f"has a length of {length:g} m; one above 0 is wanted")
    return found
