"""A scan as a file of a beamline describes it, before anything is prepared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray


class Frames(Protocol):
    """The frames (B, H, W) of a scan, read only where they are asked for.

    An array fulfils this protocol. So does a dataset of an HDF5 file, which need not fit into
    memory.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of frames, rows and columns."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The file's own type: whether a value is a mark of a bad pixel depends on it."""

    def __getitem__(self, which: slice) -> NDArray[Any]:
        """Read the frames of a slice, (b, H, W), in the file's own type."""


@dataclass(frozen=True, eq=False)
class MeasuredScan:
    """A scan as a file describes it; a part that the file does not have is None.

    Attributes
    ----------
    path : str
        The file, as messages name it.
    format : str
        The name of its format in the registry.
    frames : (B, H, W)
        Real numbers of the file's own type.
    positions : (B, 2) float64 or None
        (row, column) of each frame's patch. A larger number lies at a larger row or column of the
        object's array. Only differences count.
    position_unit : {"m", "px"} or None
        Unit of the positions: metres at the sample, or pixels of the object. None if the file names
        one that is no length: the config has to name it.
    position_scale : tuple of float
        What (row, column) of the file were multiplied by to become positions: 1e-6 for a file that
        names µm.
    positions_refined : bool
        Whether the positions are those of a finished reconstruction, and no longer the file's.
    values : {"intensity", "amplitude"} or None
        What a pixel of a frame holds: counts (intensity) or their square root (amplitude).
    zero_frequency : {"centre", "corner"} or None
        Where it lies in a frame: at pixel H // 2, W // 2 (centre) or at pixel 0 (corner).
    valid : (H, W) or (B, H, W) bool or None
        False where a detector pixel cannot be believed.
    probe : (modes, h, w) complex64 or None
        The probe at the sample, the beam in the middle of the array.
    object : (rows, columns) complex64 or None
        An object that an engine has found.
    corners_on_object : (B, 2) float64 or None
        (row, column) [px] of each patch's first pixel in `object`.
    wavelength : float or None
        Wavelength [m].
    distance : float or None
        Distance from the sample to the detector [m].
    detector_pixel : tuple of float or None
        (row, column) [m], pitch of the detector's pixels.
    object_pixel : tuple of float or None
        (row, column) [m], pixel size of `probe` and `object`.
    orientation : tuple of bool
        Whether the frames are to be transposed, their rows reversed and their columns reversed, in
        this order, before they agree with positions and probe.
    origins : dict of str
        For each attribute that is known, where it came from and which unit was assumed.
    remarks : tuple of str
        What a user should know besides, one line each.
    unplaced : int
        Number of frames, beyond `frames`, that have no position yet, while a scan is measured.
    """

    path: str
    format: str
    frames: Frames
    positions: NDArray[np.float64] | None = None
    position_unit: Literal["m", "px"] | None = "m"
    position_scale: tuple[float, float] = (1.0, 1.0)
    positions_refined: bool = False
    values: Literal["intensity", "amplitude"] | None = None
    zero_frequency: Literal["centre", "corner"] | None = None
    valid: NDArray[np.bool_] | None = None
    probe: NDArray[np.complex64] | None = None
    object: NDArray[np.complex64] | None = None
    corners_on_object: NDArray[np.float64] | None = None
    wavelength: float | None = None
    distance: float | None = None
    detector_pixel: tuple[float, float] | None = None
    object_pixel: tuple[float, float] | None = None
    orientation: tuple[bool, bool, bool] = (False, False, False)
    origins: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    unplaced: int = 0
