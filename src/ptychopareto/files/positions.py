"""Where the patterns of a scan were taken: the corner and the object of each patch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.content import Content
from ptychopareto.files.grid_lines import as_corners

COORDINATES = ("coords_offsets", "coords_true", "coords_nominal")  # the first there is, is read
LARGEST_OBJECT = 2**16  # px a side: beyond it a position is an error, and its object fits nowhere
_WHOLE = 1e-3  # px; positions that all lie closer to whole pixels are whole


def take_corners(
    content: Content,
    shape: tuple[int, ...],
    sides: tuple[int, ...] | None,
    metadata: dict[str, Any],
) -> tuple[NDArray[np.int64], NDArray[np.float32] | None]:
    """Take the position of each patch in its object.

    Parameters
    ----------
    content : Content
        The arrays of the file.
    shape : tuple of int
        Shape of the patterns, (B, N, N).
    sides : tuple of int or None
        Rows and columns of an object [px]. None: the file does not say them, so its positions are
        relative and are shifted to begin at 0.
    metadata : dict
        The metadata of the file.

    Returns
    -------
    corners : (B, 2) int64
        The first pixel (row, column) of each patch.
    fractions : (B, 2) float32 or None
        How far each patch lies beyond its corner [px]; None where all lie on whole pixels.

    Raises
    ------
    FileError
        There are no positions, or they cannot be those of a scan of the object.
    """
    n = shape[-1]
    positions = as_corners(_positions(content, shape[0]), n, sides, metadata)
    whole = np.rint(positions)
    corners, fractions = whole.astype(np.int64), (positions - whole).astype(np.float32)
    between = fractions if np.abs(fractions).max() > _WHOLE else None
    if sides is None:
        # Such positions are relative, wherever they begin: nothing lies before the first patch.
        corners -= corners.min(axis=0)
        return corners, between
    room = np.array(sides) - n
    if (corners < 0).any() or (corners > room).any():
        raise content.refusal(
            f"the positions leave the object of shape {sides}; "
            f"corners from (0, 0) to ({room[0]}, {room[1]}) are wanted"
        )
    return corners, between


def take_object_index(
    content: Content, corners: NDArray[np.int64], objects: int | None
) -> NDArray[np.int32]:
    """Take the object that each patch was cut from.

    Parameters
    ----------
    content : Content
        The arrays of the file.
    corners : (B, 2) int64
        The first pixel of each patch.
    objects : int or None
        Number of objects; None where the file has no objects.

    Returns
    -------
    (B,) int32
        The index of the object of each patch.

    Raises
    ------
    FileError
        An index has no object, or there are no indices and the scans of several objects differ.
    """
    count = len(corners)
    if "object_index" not in content:
        return _index_of_repeated_scans(content, corners, objects or 1)
    index = content.take("object_index", np.int64)
    if index.shape != (count,):
        raise content.refusal(f"object_index has shape {index.shape}; ({count},) is wanted")
    last = (objects or count) - 1
    if index.min() != 0 or index.max() > last:
        raise content.refusal(
            f"object_index goes from {index.min()} to {index.max()}; "
            f"from 0 to at most {last} is wanted"
        )
    return index.astype(np.int32)


def _positions(content: Content, count: int) -> NDArray[np.float64]:
    """Return the first pixel (row, column) of each patch (B, 2), as it is in the file."""
    key = next((key for key in COORDINATES if key in content), COORDINATES[0])
    positions = content.take(key, np.float64)
    if positions.shape[0] != count or positions.size != 2 * count:
        raise content.refusal(
            f"{key} has shape {positions.shape}; a row and a column for each of the {count} "
            f"patterns, ({count}, 1, 2, 1), is wanted"
        )
    positions = positions.reshape(count, 2)
    if np.abs(positions).max() > LARGEST_OBJECT:
        raise content.refusal(f"{key} exceeds {LARGEST_OBJECT} px; positions in px are wanted")
    if count > 1 and (np.ptp(positions, axis=0) < 0.5).all():
        raise content.refusal(f"{key} is the same for all patterns; positions of a scan are wanted")
    return positions


def _index_of_repeated_scans(
    content: Content, corners: NDArray[np.int64], objects: int
) -> NDArray[np.int32]:
    scans = corners.reshape(objects, -1) if len(corners) % objects == 0 else corners[:0]
    if not len(scans) or (scans != scans[0]).any():
        raise content.refusal(
            f"has no object_index, and its positions are not {objects} times the same scan; "
            "the object of each pattern is wanted"
        )
    return np.repeat(np.arange(objects, dtype=np.int32), len(corners) // objects)
