"""Arrays of NPZ formats, each taken once and refused in one line where it cannot be right."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.content import Content
from ptychopareto.files.npz import read_npz
from ptychopareto.readers.quantities import object_image, probe_modes

MASKS = {"valid": "good", "mask": "good", "bad_pixels": "bad"}  # what another value than 0 marks
_LARGEST_MODES = 1024  # of a probe: more are patterns by another name


def content_of(path: Path, keys: Iterable[str]) -> Content:
    """Read the arrays of `keys` that an NPZ file has, and nothing else of it."""
    return Content(path, read_npz(path, frozenset(keys)))


def take(content: Content, key: str, kinds: str = "iuf") -> NDArray[Any]:
    """Take an array of numbers in the file's own type.

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
    content : the file
    key : name of the array
    count : number of frames, where the file says it elsewhere. An array (H, W, B) of older
        writers is then told from (B, H, W)

    Returns
    -------
    array
        (B, H, W) real numbers; NaN and negative values are left for those who prepare the scan.

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
    """The shape without axes of length 1, the last ones first, until `axes` axes are left."""
    left = list(shape)
    while len(left) > axes and left[-1] == 1:
        left.pop()
    while len(left) > axes and left[0] == 1:
        left.pop(0)
    return tuple(left)


def vector_of(content: Content, key: str, count: int | None = None) -> NDArray[np.float64]:
    """Take one real number for each pattern, (B,) float64."""
    array = take(content, key)
    if array.size != max(array.shape, default=0) or count not in (None, array.size):
        wanted = "one number a pattern" if count is None else f"({count},)"
        raise content.refusal(f"{key} has the shape {array.shape}; {wanted} is wanted")
    return array.reshape(-1).astype(np.float64)


def number_of(content: Content, key: str) -> float | None:
    """Take one finite real number; None if the file does not have it."""
    if key not in content:
        return None
    array = take(content, key)
    if array.size != 1 or not np.isfinite(array).all():
        raise content.refusal(f"{key} is {array.dtype} {array.shape}; one finite number is wanted")
    return float(array.item())


def probe_of(content: Content, key: str) -> NDArray[np.complex64] | None:
    """Take a probe, (modes, h, w); None if the file does not have it.

    (h, w), (h, w, 1) and further axes of length 1 before the modes are allowed.
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


def object_of(content: Content, key: str) -> NDArray[np.complex64] | None:
    """Take an object of one layer, (rows, columns); None if the file does not have it."""
    return object_image(content.path, take(content, key, "iufc"), key) if key in content else None


def valid_of(
    content: Content, key: str, shape: tuple[int, ...], *, marks: str
) -> NDArray[np.bool_]:
    """Take a mask of the detector as `valid`, (H, W) or (B, H, W) bool.

    `marks` says what a value other than 0 stands for, a "good" pixel or a "bad" one.
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
    """Take the first of `MASKS` that a file has, as `valid`, and say where it came from."""
    found = [key for key in MASKS if key in content]
    if not found:
        return None, None
    valid = valid_of(content, found[0], shape, marks=MASKS[found[0]])
    for key in found[1:]:
        del content.arrays[key]
    return valid, f"{found[0]}, where another value than 0 marks a {MASKS[found[0]]} pixel"
