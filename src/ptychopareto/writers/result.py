"""A finished reconstruction, as it is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Result:
    """An object that was reconstructed, and everything that is known of its making.

    Attributes
    ----------
    object : (rows, columns) complex64
        The object; 0 where no light reached it.
    covered : (rows, columns) bool
        True for pixels that got light enough to be believed.
    probe : (M, N, N) complex64
        The modes of the probe at the sample, the strongest first.
    corners : (B, 2) float64
        (row, column) [px] of each patch's first pixel in `object`.
    frames : (B,) int64
        The number of each pattern in its file.
    free : (B,) bool
        The patterns that took no part in the reconstruction.
    pixel : tuple of float or None
        (row, column) [m] of object and probe None where it is not known.
    wavelength, distance : float or None
        Wavelength, and distance from the sample to the detector [m]; None where they are not known.
    detector_pixel : tuple of float or None
        (row, column) [m], pitch of the detector None where it is not known.
    figures : dict of float
        R-factors and other numbers that say how good the object is.
    provenance : dict of str
        Texts by their names, among them `command`, `program`, `version` and `date`.
    """

    object: NDArray[np.complex64]
    covered: NDArray[np.bool_]
    probe: NDArray[np.complex64]
    corners: NDArray[np.float64]
    frames: NDArray[np.int64]
    free: NDArray[np.bool_]
    pixel: tuple[float, float] | None = None
    wavelength: float | None = None
    distance: float | None = None
    detector_pixel: tuple[float, float] | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)

    @property
    def centres(self) -> NDArray[np.float64] | None:
        """Places of the patches' centres from that of the object, (B, 2) row and column [m]."""
        if self.pixel is None:
            return None
        middles = self.corners + (self.probe.shape[-1] - 1) / 2
        relative = middles - (np.array(self.object.shape) - 1) / 2
        return np.asarray(relative * self.pixel, np.float64)
