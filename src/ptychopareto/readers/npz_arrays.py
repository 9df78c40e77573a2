"""Arrays of NPZ formats: each is taken once, and refused in one line if it cannot be right."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.content import Content
from ptychopareto.files.npz import read_npz
from ptychopareto.readers.array_axes import object_image, probe_modes

MASKS = {"valid": "good", "mask": "good", "bad_pixels": "bad"}  # meaning of a value other than 0
_LARGEST_MODES = 1024  # modes of a probe: an array of more holds patterns


def content_of(path: Path, keys: Iterable[str]) -> Content:
    """Read the arrays of `keys` that an NPZ file has, and nothing else of it.

    Parameters
    ----------
    path : Path
        The file.
    keys : iterable of str
        Names of arrays.

    Returns
    -------
    Content
        The arrays that there are, by their names.
    """
    return Content(path, read_npz(path, frozenset(keys)))


def take(content: Content, key: str, kinds: str = "iuf") -> NDArray[Any]:
    """Take an array of numbers in the file's own type.

    Parameters
    ----------
    content : Content
        The arrays of a file; the array is removed from them.
    key : str
        Name of the array.
    kinds : str, optional
        The types that are allowed, as NumPy abbreviates them (`dtype.kind`).

    Returns
    -------
    array
        An array of any shape.

    Raises
    ------
    FileError
        The file has no such array, or its type is none of `kinds` (as NumPy abbreviates them).
    """
    if key not in content:
        raise content.refusal(f"has no {key}; it is needed")
    array = content.arrays.pop(key)
    if array.dtype.kind not in kinds:
        raise content.refusal(f"{key} holds {array.dtype}; numbers are wanted")
    return array


def frames_of(content: Content, key: str, count: int | None = None) -> NDArray[Any]:
    """Take the frames of a scan.

    Parameters
    ----------
    content : Content
        The arrays of a file.
    key : str
        Name of the array.
    count : int, optional
        Number of frames, where the file says it elsewhere. An array (H, W, B) of older writers is
        then told from (B, H, W).

    Returns
    -------
    (B, H, W)
        Real numbers; NaN and negative values are left for the preparation of the scan.

    Raises
    ------
    FileError
        The array is missing, holds no real numbers, or has another shape.
    """
    frames = take(content, key)
    wanted = "(B, H, W)" if count is None else f"({count}, H, W) or (H, W, {count})"
    shape = frames.shape
    frames = frames.reshape(without_singletons(shape, 3))
    if frames.ndim == 3 and count not in (None, len(frames)) and frames.shape[2] == count:
        frames = np.moveaxis(frames, 2, 0)
    if frames.ndim != 3 or count not in (None, len(frames)):
        raise content.refusal(f"{key} has the shape {shape}; {wanted} is wanted")
    return frames


def without_singletons(shape: Sequence[int], axes: int) -> tuple[int, ...]:
    """Drop axes of length 1, the last ones first, until `axes` axes are left.

    Parameters
    ----------
    shape : sequence of int
        Lengths of the axes.
    axes : int
        The number of axes that are wanted.

    Returns
    -------
    tuple of int
        Lengths of the axes that are left; more than `axes` if too few have length 1.
    """
    left = list(shape)
    while len(left) > axes and left[-1] == 1:
        left.pop()
    while len(left) > axes and left[0] == 1:
        left.pop(0)
    return tuple(left)


def vector_of(content: Content, key: str, count: int | None = None) -> NDArray[np.float64]:
    """Take one real number for each pattern.

    Parameters
    ----------
    content : Content
        The arrays of a file.
    key : str
        Name of the array.
    count : int, optional
        Number of patterns, where it is known.

    Returns
    -------
    (B,) float64
        One number a pattern.

    Raises
    ------
    FileError
        The array is missing, or has not one number for each pattern.
    """
    array = take(content, key)
    if array.size != max(array.shape, default=0) or count not in (None, array.size):
        wanted = "one number a pattern" if count is None else f"({count},)"
        raise content.refusal(f"{key} has the shape {array.shape}; {wanted} is wanted")
    return array.reshape(-1).astype(np.float64)


def number_of(content: Content, key: str) -> float | None:
    """Take one finite real number.

    Parameters
    ----------
    content : Content
        The arrays of a file.
    key : str
        Name of the array.

    Returns
    -------
    float or None
        The number; None if the file does not have it.

    Raises
    ------
    FileError
        The array is not one finite number.
    """
    if key not in content:
        return None
    array = take(content, key)
    if array.size != 1 or not np.isfinite(array).all():
        raise content.refusal(f"{key} is {array.dtype} {array.shape}; one finite number is wanted")
    return float(array.item())


def probe_of(content: Content, key: str) -> NDArray[np.complex64] | None:
    """Take a probe: (h, w), (h, w, 1), or (modes, h, w) after axes of length 1.

    Parameters
    ----------
    content : Content
        The arrays of a file.
    key : str
        Name of the array.

    Returns
    -------
    (modes, h, w) complex64 or None
        The probe; None if the file does not have it.

    Raises
    ------
    FileError
        The array is no probe, or has more than 1024 modes.
    """
    if key not in content:
        return None
    probe = take(content, key, "iufc")
    if probe.ndim == 3 and probe.shape[0] == probe.shape[1] > probe.shape[2] == 1:
        probe = probe[..., 0]
    modes = probe_modes(content.path, probe, key)
    if len(modes) > _LARGEST_MODES:
        raise content.refusal(f"{key} has {len(modes)} modes; {_LARGEST_MODES} at most are allowed")
    return modes


def shared_probe_of(content: Content, key: str, remarks: list[str]) -> NDArray[np.complex64]:
    """Take a probe that may vary from pattern to pattern: the part that all patterns share.

    Parameters
    ----------
    content : Content
        The arrays of a file.
    key : str
        Name of the array, (variable modes, modes, h, w) or with fewer axes.
    remarks : list of str
        Gets one more if the probe varies.

    Returns
    -------
    (modes, h, w) complex64
        The probe.

    Raises
    ------
    FileError
        The array is missing, or no probe.
    """
    probe = take(content, key, "iufc")
    if probe.ndim == 4 and len(probe) > 1:
        remarks.append(f"The probe varies ({len(probe)} variable modes); the shared part is used.")
        probe = probe[0]
    return probe_modes(content.path, probe, key)


def object_of(content: Content, key: str) -> NDArray[np.complex64] | None:
    """Take an object of one layer.

    Parameters
    ----------
    content : Content
        The arrays of a file.
    key : str
        Name of the array.

    Returns
    -------
    (rows, columns) complex64 or None
        The object; None if the file does not have it.

    Raises
    ------
    FileError
        The array has more than one layer, or numbers that are not finite.
    """
    return object_image(content.path, take(content, key, "iufc"), key) if key in content else None


def valid_of(
    content: Content, key: str, shape: tuple[int, ...], *, marks: str
) -> NDArray[np.bool_]:
    """Take a mask of the detector.

    Parameters
    ----------
    content : Content
        The arrays of a file.
    key : str
        Name of the array.
    shape : tuple of int
        Shape (B, H, W) of the frames.
    marks : str
        "good" or "bad": which pixel a value other than 0 stands for.

    Returns
    -------
    (H, W) or (B, H, W) bool
        True at good pixels.

    Raises
    ------
    FileError
        The array is no mask of this shape, or leaves no good pixel.
    """
    mask = take(content, key, "biuf")
    side = mask.shape
    mask = mask.reshape(without_singletons(side, 2))
    if mask.shape not in (shape[1:], shape) or not np.isfinite(mask).all():
        raise content.refusal(
            f"{key} is {mask.dtype} {side}; 0 and 1, {shape[1:]} or {shape}, are wanted"
        )
    valid: NDArray[np.bool_] = mask != 0 if marks == "good" else mask == 0
    if not valid.any():
        raise content.refusal(f"{key} leaves no good pixel; another value than 0 marks a {marks}")
    return valid


def take_mask(
    content: Content, shape: tuple[int, ...]
) -> tuple[NDArray[np.bool_] | None, str | None]:
    """Take the first of `MASKS` that a file has.

    Parameters
    ----------
    content : Content
        The arrays of a file; all of `MASKS` are removed from them.
    shape : tuple of int
        Shape (B, H, W) of the frames.

    Returns
    -------
    tuple of bool array or None and str or None
        The mask, (H, W) or (B, H, W), True at good pixels, and where it came from; None for both
        without one.

    Raises
    ------
    FileError
        The array is no mask of this shape, or leaves no good pixel.
    """
    found = [key for key in MASKS if key in content]
    if not found:
        return None, None
    valid = valid_of(content, found[0], shape, marks=MASKS[found[0]])
    for key in found[1:]:
        del content.arrays[key]
    return valid, f"{found[0]}, where another value than 0 marks a {MASKS[found[0]]} pixel"
