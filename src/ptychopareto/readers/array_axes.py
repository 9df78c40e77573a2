"""Positions, probes and objects, whose axes formats store in different orders."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import refusal


def a_position_per_frame(
    path: Path, array: NDArray[Any], frames: int | None, name: str
) -> NDArray[np.float64]:
    """Turn positions so that there is one row for each frame.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    array : (B, n) or (n, B)
        Positions, n being 2 or 3; axes of length 1 may come before.
    frames : int or None
        Number B of frames, which decides what the axes are. None while a scan is still being
        measured: as many positions are taken as there are, NaN where one is not written yet.
    name : str
        Name of the array, for messages.

    Returns
    -------
    (B, n) float64
        One position in each row.

    Raises
    ------
    FileError
        No axis is as long as there are frames, or the numbers are not finite and real.
    """
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    fits = [
        turned
        for turned in (array, array.T)
        if turned.ndim == 2
        and turned.shape[0] == (frames or len(turned))
        and turned.shape[1] in (2, 3)
    ]
    if not fits:
        raise refusal(
            path,
            f"{name} has the shape {array.shape}, which gives no position to each of the "
            f"{frames or ''} patterns; ({frames or 'B'}, 2) or ({frames or 'B'}, 3) is wanted",
        )
    complete = frames is None or array.dtype.kind not in "iuf" or np.isfinite(array).all()
    if array.dtype.kind not in "iuf" or not complete:
        raise refusal(path, f"{name} holds {array.dtype} with gaps; finite numbers are wanted")
    return np.asarray(fits[0], np.float64)


def probe_modes(path: Path, array: NDArray[Any], name: str) -> NDArray[np.complex64]:
    """Give a probe the axes (modes, rows, columns).

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    array : (h, w) or (modes, h, w)
        A probe, with axes of length 1 besides.
    name : str
        Name of the array, for messages.

    Returns
    -------
    (modes, h, w) complex64
        The probe.

    Raises
    ------
    FileError
        The array has more axes, or holds NaN or infinite numbers, or nothing but zeros.
    """
    original = array.shape
    while array.ndim > 3 and 1 in array.shape[:-2]:
        array = array.reshape([*_without_one(array.shape[:-2]), *array.shape[-2:]])
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or 0 in array.shape:
        raise refusal(path, f"{name} has the shape {original}; (modes, rows, columns) is wanted")
    return _finite_image(path, array, name)


def object_image(path: Path, array: NDArray[Any], name: str) -> NDArray[np.complex64]:
    """Give an object the axes (rows, columns).

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    array : (rows, columns)
        An object, with axes of length 1 before.
    name : str
        Name of the array, for messages.

    Returns
    -------
    (rows, columns) complex64
        The object.

    Raises
    ------
    FileError
        The array has more axes than two that are longer than 1, or numbers that are not finite.
    """
    image = array
    while image.ndim > 2 and 1 in image.shape[:-2]:
        image = image.reshape([*_without_one(image.shape[:-2]), *image.shape[-2:]])
    if image.ndim != 2 or 0 in image.shape:
        raise refusal(path, f"{name} has the shape {array.shape}; (rows, columns) is wanted")
    return _finite_image(path, image, name)


def _finite_image(path: Path, array: NDArray[Any], name: str) -> NDArray[np.complex64]:
    with np.errstate(over="ignore"):  # an infinite result is refused
        image = np.ascontiguousarray(array, np.complex64)
    if not np.isfinite(image).all() or not image.any():
        raise refusal(path, f"{name} is zero everywhere or not finite; complex numbers are wanted")
    return image


def _without_one(shape: tuple[int, ...]) -> list[int]:
    """Drop the first axis of length 1."""
    sides = list(shape)
    sides.remove(1)
    return sides
