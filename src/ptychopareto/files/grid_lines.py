"""Positions of PtychoPINN's grid-lines files, which are the centres of patches, not their corners.

For N px a side a centre is the corner + (N - 1) / 2: half-integer for even N.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_EXACT = 1e-3  # px
_WRITER = "grid_lines_workflow"  # as PtychoPINN names itself in `_metadata`


def as_corners(
    positions: NDArray[np.float64],
    n: int,
    sides: tuple[int, ...] | None,
    metadata: dict[str, Any],
) -> NDArray[np.float64]:
    """Turn the centres of patches into corners; what are corners already is returned as it is.

    Parameters
    ----------
    positions : (B, 2) float64
        Row and column [px] of each patch.
    n : int
        Side N of a pattern [px].
    sides : tuple of int or None
        Rows and columns of the whole object, None if the file does not have it. Positions are
        relative then, so for odd N nothing depends on which point of a patch they are.
    metadata : dict
        What the file says about its making.

    Returns
    -------
    (B, 2) float64
        Row and column [px] of each patch's first pixel.

    Notes
    -----
    A file that this package wrote, known by the checksums in its metadata, holds corners. In
    another file positions are centres if N is even and all are half-integer, or if N is odd, all
    are integer and they fit into the object as centres and not as corners. Where they fit as both,
    they are centres only if the metadata name PtychoPINN's writer.
    """
    centre = (n - 1) / 2
    to_corner = positions - centre
    if isinstance(metadata.get("sha256"), dict) or not _are_whole(to_corner):
        return positions
    if not _are_whole(positions):  # so N is even
        return to_corner
    if sides is None or not _fit(to_corner, n, sides):
        return positions
    are_centres = not _fit(positions, n, sides) or _WRITER in str(metadata)
    return to_corner if are_centres else positions


def _are_whole(positions: NDArray[np.float64]) -> bool:
    return bool(np.abs(positions - np.rint(positions)).max() <= _EXACT)


def _fit(corners: NDArray[np.float64], n: int, sides: tuple[int, ...]) -> bool:
    return bool((corners >= -_EXACT).all() and (corners + n <= np.array(sides) + _EXACT).all())
