"""Checks that the readers of NPZ formats share: each takes one array and refuses it in one line."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.content import Content
from ptychopareto.files.npz import read_npz

SMALLEST_FRAME = 8  # px a side
_LARGEST_MODES = 1024  # modes of a probe: more are patterns by another name
_LARGEST_POSITION = 1e9  # px, or metres by mistake; squares of it are finite in single precision


def content_of(path: Path, keys: Iterable[str]) -> Content:
    """Read the arrays of `keys` that an NPZ file has, and nothing else of it."""
    return Content(path, read_npz(path, frozenset(keys)))


def frames_of(content: Content, key: str, count: int | None = None) -> NDArray[Any]:
    """Take the frames of a scan in the file's own type.

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
    if key not in content:
        raise content.refusal(f"has no {key}; it is needed")
    frames = content.arrays.pop(key)
    if frames.dtype.kind not in "iuf":
        raise content.refusal(f"{key} holds {frames.dtype}; real numbers are wanted")
    wanted = "(B, H, W)" if count is None else f"({count}, H, W) or (H, W, {count})"
    shape = frames.shape
    frames = frames.reshape(without_singletons(shape, 3))
    if frames.ndim != 3:
        raise content.refusal(f"{key} has shape {shape}; {wanted} is wanted")
    if count is not None and len(frames) != count and frames.shape[2] == count:
        frames = np.moveaxis(frames, 2, 0)
    if count not in (None, len(frames)) or not len(frames):
        raise content.refusal(f"{key} has shape {shape}; {wanted} is wanted")
    if min(frames.shape[1:]) < SMALLEST_FRAME:
        raise content.refusal(
            f"{key} has frames of {frames.shape[1]}×{frames.shape[2]} px; at least "
            f"{SMALLEST_FRAME} a side are wanted"
        )
    return frames


def without_singletons(shape: Sequence[int], axes: int) -> tuple[int, ...]:
    """The shape without axes of length 1, first the last ones, until `axes` axes are left."""
    left = list(shape)
    while len(left) > axes and left[-1] == 1:
        left.pop()
    while len(left) > axes and left[0] == 1:
        left.pop(0)
    inside = [index for index, side in enumerate(left[: -axes + 1]) if side == 1 and index]
    for index in reversed(inside):
        if len(left) > axes:
            left.pop(index)
    return tuple(left)


def pairs_of(content: Content, key: str, count: int | None = None) -> NDArray[np.float64]:
    """Take positions (B, 2) from one array, which may have axes of length 1 besides."""
    shape = content.arrays[key].shape if key in content else ()
    positions = content.numbers(key, np.float64)
    positions = positions.reshape(without_singletons(shape, 2))
    if positions.ndim != 2 or positions.shape[1] != 2 or count not in (None, len(positions)):
        wanted = "(B, 2)" if count is None else f"({count}, 2)"
        raise content.refusal(f"{key} has shape {shape}; {wanted} is wanted")
    return checked_positions(content, key, positions)


def checked_positions(
    content: Content, key: str, positions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Refuse positions that are not finite, or all the same."""
    if not np.isfinite(positions).all() or np.abs(positions).max(initial=0) > _LARGEST_POSITION:
        raise content.refusal(f"{key} holds NaN, infinite or too large values; finite are wanted")
    if len(positions) > 1 and (positions == positions[0]).all():
        raise content.refusal(f"{key} is the same for all patterns; positions of a scan are wanted")
    return positions


def vector_of(content: Content, key: str, count: int | None = None) -> NDArray[np.float64]:
    """Take one number a pattern, (B,) float64."""
    numbers = content.take(key, np.float64)
    flat = numbers.reshape(-1)
    if numbers.size != max(numbers.shape, default=0) or count not in (None, flat.size):
        wanted = "one number a pattern" if count is None else f"({count},)"
        raise content.refusal(f"{key} has shape {numbers.shape}; {wanted} is wanted")
    return flat


def number_of(content: Content, key: str) -> float | None:
    """Take one finite number; None if the file does not have it."""
    if key not in content:
        return None
    number = content.take(key, np.float64)
    if number.size != 1:
        raise content.refusal(f"{key} has shape {number.shape}; one number is wanted")
    return float(number.item())


def positive_of(content: Content, key: str, unit: str) -> float | None:
    """Take one number above 0; None if the file does not have it or says 0."""
    number = number_of(content, key)
    if number is not None and number < 0:
        raise content.refusal(f"{key} is {number:g} {unit}; a number above 0 is wanted")
    return number or None


def modes_of(content: Content, key: str) -> NDArray[np.complex64]:
    """Take a probe, (modes, h, w) complex64.

    (h, w), (h, w, 1) and further axes of length 1 before the modes are allowed.
    """
    if key not in content:
        raise content.refusal(f"has no {key}; it is needed")
    shape = content.arrays[key].shape
    probe = content.numbers(key, np.complex64)
    if len(shape) == 3 and shape[-1] == 1 < shape[0] == shape[1]:
        shape = shape[:2]
    left = without_singletons(shape, 3)
    left = (1, *left) if len(left) == 2 else left
    if len(left) != 3 or min(left[1:]) < SMALLEST_FRAME or not 1 <= left[0] <= _LARGEST_MODES:
        raise content.refusal(f"{key} has shape {shape}; (modes, h, w) is wanted")
    return checked_modes(content, key, probe.reshape(left))


def checked_modes(
    content: Content, key: str, probe: NDArray[np.complex64]
) -> NDArray[np.complex64]:
    """Refuse a probe that is not finite, or dark."""
    if not np.isfinite(probe).all():
        raise content.refusal(f"{key} holds NaN, infinite or too large values; finite are wanted")
    if not probe.any():
        raise content.refusal(f"{key} is 0 everywhere; a probe with light in it is wanted")
    return probe


def object_of(content: Content, key: str) -> NDArray[np.complex64]:
    """Take an object of one layer, (rows, columns) complex64."""
    if key not in content:
        raise content.refusal(f"has no {key}; it is needed")
    shape = content.arrays[key].shape
    image = content.take(key, np.complex64)
    left = without_singletons(shape, 2)
    if len(left) != 2 or min(left) < SMALLEST_FRAME:
        raise content.refusal(f"{key} has shape {shape}; (rows, columns) of one layer is wanted")
    image = image.reshape(left)
    if not image.any():
        raise content.refusal(f"{key} is 0 everywhere; an object is wanted")
    return image


def marks_of(
    content: Content, key: str, shape: tuple[int, ...], *, marked: str
) -> NDArray[np.bool_]:
    """Take a mask of the detector as `valid`, (H, W) or (B, H, W) bool.

    `marked` says what a value other than 0 marks, a "good" pixel or a "bad" one.
    """
    mask = content.arrays.pop(key)
    if mask.dtype.kind not in "biuf":
        raise content.refusal(f"{key} holds {mask.dtype}; 0 and 1 are wanted")
    given = mask.shape
    mask = mask.reshape(without_singletons(given, 3 if mask.ndim > 2 else 2))
    mask = mask[0] if mask.ndim == 3 and len(mask) == 1 else mask
    if mask.shape not in (shape[1:], shape):
        raise content.refusal(f"{key} has shape {given}; {shape[1:]} or {shape} is wanted")
    if mask.dtype.kind == "f" and not np.isfinite(mask).all():
        raise content.refusal(f"{key} holds NaN or infinite values; 0 and 1 are wanted")
    valid = mask != 0 if marked == "good" else mask == 0
    if not valid.any():
        kind = "bad pixels" if marked == "bad" else "good pixels by values other than 0"
        raise content.refusal(f"{key} leaves no good pixel; {key} marks {kind}")
    return valid
