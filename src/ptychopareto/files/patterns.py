"""The patterns of a scan, amplitudes or counts, in memory or in their file."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.content import Content, are_finite
from ptychopareto.files.npz import largest_content
from ptychopareto.files.stored import StoredArray, StoredPatterns, amplitudes

Patterns = NDArray[np.float32] | StoredPatterns
Masks = NDArray[np.bool_] | StoredArray

_SMALLEST_PATTERN = 8  # px a side
_WIDEST_COUNT = 4  # bytes: the root of a larger one may be no float32's


def take_patterns(content: Content) -> Patterns:
    """Take and check the amplitudes of a scan, `diffraction`, or else the roots of its `counts`.

    Parameters
    ----------
    content : Content
        The arrays of the file.

    Returns
    -------
    (B, N, N) float32, or StoredPatterns
        In memory; or in the file, where they stay.

    Raises
    ------
    FileError
        There are none, or their shape or a value cannot be right.
    """
    key = "diffraction" if "diffraction" in content else "counts"
    if key in content.large and content.large[key].bytes > content.held:
        return _stored(content, key)
    counts_as_diffraction(content)
    diffraction = content.take("diffraction", np.float32)
    _check_shape(content, "diffraction", diffraction.shape)
    _check_values(content, "diffraction", float(diffraction.min()), bool(diffraction.any()))
    return diffraction


def counts_as_diffraction(content: Content) -> None:
    """Bring the `counts` of a file into memory as its `diffraction`, if it has no other.

    Parameters
    ----------
    content : Content
        The arrays of the file.

    Raises
    ------
    FileError
        The counts are of another type than a detector's, have no scale, or are too many.
    """
    if "diffraction" in content or "counts" not in content:
        return
    in_file = "counts" in content.large
    counts = content.large["counts"].array if in_file else content.arrays.pop("counts")
    taken, allowed = 4 * math.prod(counts.shape), largest_content()
    if taken > allowed:
        raise content.refusal(
            f"counts take {taken} bytes as amplitudes; at most {allowed}, half of the memory, are "
            "allowed, or more where they are not compressed"
        )
    if isinstance(counts, StoredArray):
        content.arrays["diffraction"] = np.asarray(_stored(content, "counts"))
    else:
        scale = _scale_of_counts(content, counts.dtype)
        content.arrays["diffraction"] = amplitudes(counts, scale)


def take_masks(content: Content, shape: tuple[int, ...]) -> Masks | None:
    """Take the pixels to believe, `valid`.

    Parameters
    ----------
    content : Content
        The arrays of the file.
    shape : tuple of int
        Shape of the patterns, (B, N, N).

    Returns
    -------
    (1, N, N) or (B, N, N) bool, or StoredArray, or None
        None where all pixels are good.

    Raises
    ------
    FileError
        The masks are of another type or shape, or believe no pixel.
    """
    shapes = (1, *shape[1:]), shape
    valid: Masks | None
    if "valid" in content.large:
        member = content.large["valid"]
        valid = member.array
        content.check_flags("valid", valid.dtype, valid.shape, *shapes)
        some = sum(piece.any() for piece in member.pieces()) > 0  # all of them: see `pieces`
    else:
        valid = content.flags("valid", *shapes)
        some = valid is None or bool(valid.any())
    if not some:
        raise content.refusal("valid is false everywhere; pixels to believe are wanted")
    return valid


def _stored(content: Content, key: str) -> StoredPatterns:
    """Check patterns that stay in their file, in one pass."""
    member = content.large[key]
    array = member.array
    scale = None
    if key == "counts":
        scale = _scale_of_counts(content, array.dtype)
    else:
        content.check_type(key, array.dtype, np.float32)
    _check_shape(content, key, array.shape)
    least, light = math.inf, False
    for piece in member.pieces():
        if piece.dtype.kind == "f":
            with np.errstate(over="ignore"):
                piece = piece.astype(np.float32, copy=False)
            if not are_finite(piece):
                raise content.not_finite(key)
        least, light = min(least, float(piece.min())), light or bool(piece.any())
    _check_values(content, key, least, light)
    return StoredPatterns(array, scale)


def _scale_of_counts(content: Content, dtype: np.dtype[Any]) -> float:
    """Return √counts per unit of amplitude, for counts of a detector's type."""
    if dtype.kind != "u" or dtype.itemsize > _WIDEST_COUNT:
        raise content.refusal(f"counts holds {dtype}; uint8, uint16 or uint32 is wanted")
    if "intensity_scale" not in content:
        raise content.refusal("has counts and no intensity_scale; it is needed")
    scale = content.scale("intensity_scale")
    content.arrays["intensity_scale"] = np.array(scale)
    return float(scale or 1.0)


def _check_shape(content: Content, key: str, shape: tuple[int, ...]) -> None:
    if len(shape) != 3 or shape[0] == 0 or shape[1] != shape[2]:
        raise content.refusal(f"{key} has shape {shape}; (B, N, N), square, is wanted")
    if shape[1] < _SMALLEST_PATTERN:
        wanted = f"at least {_SMALLEST_PATTERN} are wanted"
        raise content.refusal(f"{key} has patterns of {shape[1]} px; {wanted}")


def _check_values(content: Content, key: str, least: float, light: bool) -> None:
    if least < 0:
        raise content.refusal(f"{key} holds {least:g}; amplitudes of at least 0 are wanted")
    if not light:
        raise content.refusal(f"{key} is 0 everywhere; measured amplitudes are wanted")
