"""Where the zero frequency lies in the frames, and which window of them makes a pattern.

The light of a far-field pattern lies around the direct beam. The centre of mass on a ring (the
phase of the first Fourier coefficient) finds it whether it lies in the middle of the frame or is
torn apart at the corners, as an FFT leaves it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.preparation.frames import Window

_LEAST_CONTRAST = 0.05  # first Fourier coefficient of the light: below it no place is clear
_TOLERANCE = 3.0  # px, or 1/32 of the side: a sample scatters unevenly, and a beam is not moved

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """Where the light of a mean pattern lies.

    Attributes
    ----------
    place : tuple of float
        Row and column of the centre of the light [px], 0 ≤ place < side.
    contrast : tuple of float
        How clearly the light lies there, for each axis: from 0 for even light to 1 for a point.
    """

    place: tuple[float, float]
    contrast: tuple[float, float]

    @property
    def is_clear(self) -> bool:
        """Whether the light lies in one place at all."""
        return min(self.contrast) >= _LEAST_CONTRAST


def centre_of_light(mean: Reals) -> Found:
    """Find the centre of mass of a mean pattern (H, W) on the ring that each axis is."""
    light = np.clip(mean - np.median(mean), 0, None)
    places, contrasts = [], []
    for axis in (0, 1):
        profile = light.sum(axis=1 - axis)
        angle = 2j * np.pi * np.arange(len(profile)) / len(profile)
        moment = (profile * np.exp(angle)).sum() / max(profile.sum(), np.finfo(float).tiny)
        places.append(float(np.angle(moment) / (2 * np.pi) * len(profile) % len(profile)))
        contrasts.append(float(np.abs(moment)))
    return Found((places[0], places[1]), (contrasts[0], contrasts[1]))


def lies_at_corner(found: Found, shape: tuple[int, int]) -> bool:
    """Tell whether the light is nearer to pixel 0 of both axes than to their middle.

    Parameters
    ----------
    found : Found
        Where the light lies.
    shape : tuple of int
        Rows and columns of the pattern.

    Returns
    -------
    bool
    """
    near = [min(place, side - place) for place, side in zip(found.place, shape, strict=True)]
    return all(distance < side / 4 for distance, side in zip(near, shape, strict=True))


def tolerance(side: int) -> float:
    """Return how far [px] the light of a frame with this side may lie off its zero frequency."""
    return max(_TOLERANCE, side / 32)


@dataclass(frozen=True)
class Layout:
    """How frames lie: which corner is first, how they are turned, how far the beam is off.

    Attributes
    ----------
    corner : bool
        Whether the zero frequency lies at pixel 0 of the frames.
    transpose, flip_rows, flip_columns : bool
        How the frames are turned, in this order.
    offset : tuple of int
        (row, column) [px] of the beam from the frame's middle (or corner), as frames lie.
    """

    corner: bool
    transpose: bool
    flip_rows: bool
    flip_columns: bool
    offset: tuple[int, int] = (0, 0)

    def window(self, shape: tuple[int, int], N: int, bin: int) -> Window:
        """Choose the pixels of a frame that make a pattern.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the frames, as they lie in the file.
        N : int
            Side of a pattern [px].
        bin : int
            Side of the squares of pixels that are summed.

        Returns
        -------
        Window
            The window whose pixel N // 2 is where the beam is.
        """
        flips = (self.flip_rows, self.flip_columns)
        if self.transpose:  # flips come after: they reverse the other axis of the frame
            flips = (self.flip_columns, self.flip_rows)
        rows, columns = (
            self._axis(side, N * bin, flip, off)
            for side, flip, off in zip(shape, flips, self.offset, strict=True)
        )
        return Window(rows, columns, self.transpose, bin)

    def _axis(self, side: int, length: int, flip: bool, off: int) -> NDArray[np.intp]:
        """Return the pixels of one axis, the beam's at index length // 2; −1 for missing pixels.

        A pattern repeats with the side of its frame: the row that a flip moves out at one end comes
        in at the other. Rows that come in by the offset of the beam have not been measured.
        """
        steps = np.arange(length) - length // 2
        around = off + (-steps if flip else steps)
        middle = 0 if self.corner else side // 2
        place = (middle + around) % side
        if off == 0:
            return place
        outside = (around < -(side // 2)) | (around >= side - side // 2)
        return np.where(outside, -1, place)


def describe(layout: Layout) -> dict[str, Any]:
    """Return the layout as `scan.json` names it."""
    return {
        "zero_frequency": "corner" if layout.corner else "centre",
        "offset": list(layout.offset),
        "transpose": layout.transpose,
        "flip_rows": layout.flip_rows,
        "flip_columns": layout.flip_columns,
    }
