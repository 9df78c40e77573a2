"""Read a scan from an NPZ file, made here or elsewhere."""

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files import stored
from ptychopareto.files.content import Content
from ptychopareto.files.errors import refusal
from ptychopareto.files.images import further_modes_of, probe_of
from ptychopareto.files.npz import find_large, read_npz, read_shape
from ptychopareto.files.patterns import take_masks, take_patterns
from ptychopareto.files.positions import (
    COORDINATES,
    LARGEST_OBJECT,
    take_corners,
    take_object_index,
)
from ptychopareto.files.scan import Dataset
from ptychopareto.files.text import parse_json

_KNOWN = frozenset(
    {"diffraction", "probeGuess", "Y_I", "Y_phi", "object_index", "YY_full", "YY_ground_truth"}
    | {"counts", "intensity_scale", "norm_Y_I", *COORDINATES}
    | {"valid", "free", "further_modes", "object_shape"}
)
_OF_PATCHES = frozenset({"Y_I", "Y_phi"})
_LARGEST_METADATA = 2**20  # bytes


def read_dataset(path: Path, *, patches: bool = False, held: float | None = None) -> Dataset:
    """Read and check a dataset, made here or elsewhere.

    Unknown keys are ignored, numbers of other precision are converted, trailing axes of length 1
    may be missing. Positions that are centres of patches, as in PtychoPINN's grid-lines files, are
    recognised (`files.grid_lines`). Without `object_index`, the patterns of several objects must be
    the same scan, one object after the other. Without `YY_full` or `object_shape`, positions are
    taken as relative and shifted to begin at 0.

    Parameters
    ----------
    path : Path
        The NPZ file.
    patches : bool, optional
        Whether `Y_I` and `Y_phi`, two thirds of a file, are read and checked too: only who writes
        the scan again needs them.
    held : float, optional
        Patterns that take more bytes in memory stay in the file (`files.stored`), unless they are
        compressed there; by default `stored.LARGE`. Infinite: all are read.

    Returns
    -------
    Dataset
        The scan; its `patches` are None unless they are asked for and in the file.

    Raises
    ------
    FileError
        The file is damaged, a key is missing, or a value cannot be right.
    """
    content = read_content(path, patches=patches, held=stored.LARGE if held is None else held)
    return dataset_of(content, read_metadata(path))


def read_content(
    path: Path, *, patches: bool = False, more: Iterable[str] = (), held: float = math.inf
) -> Content:
    """Read the arrays of a dataset, each still to be checked.

    Parameters
    ----------
    path : Path
        The NPZ file.
    patches : bool, optional
        Whether `Y_I` and `Y_phi` are read too.
    more : iterable of str, optional
        Further keys to read.
    held : float, optional
        Patterns and masks that take more bytes stay in the file; see `npz.find_large`. Counts stay
        there at first, since they would take several times their size beside their roots.

    Returns
    -------
    Content
        The arrays that the file has.
    """
    large = find_large(path, {"diffraction": held, "valid": held, "counts": 0})
    keys = (_KNOWN if patches else _KNOWN - _OF_PATCHES) | {*more}
    return Content(path, read_npz(path, keys - large.keys()), large, held)


def dataset_of(content: Content, metadata: dict[str, Any]) -> Dataset:
    """Check the arrays of a dataset; see `read_dataset`.

    Parameters
    ----------
    content : Content
        The arrays; they are taken.
    metadata : dict
        The metadata of the file.

    Returns
    -------
    Dataset

    Raises
    ------
    FileError
        A key is missing, or a value cannot be right.
    """
    diffraction = take_patterns(content)
    objects = _objects(content, diffraction.shape[-1])
    object_shape = None if objects is not None else _object_shape(content, diffraction.shape[-1])
    sides = object_shape if objects is None else objects.shape[1:]
    corners, fractions = take_corners(content, diffraction.shape, sides, metadata)
    count = None if objects is None else len(objects)
    dataset = Dataset(
        diffraction=diffraction,
        probe=probe_of(content, diffraction.shape[-1]),
        corners=corners,
        object_index=take_object_index(content, corners, count),
        objects=objects,
        patches=_patches(content, diffraction.shape),
        intensity_scale=content.scale("intensity_scale"),
        norm_Y_I=content.scale("norm_Y_I"),
        metadata=metadata,
        fractions=fractions,
        valid=take_masks(content, diffraction.shape),
        free=content.flags("free", (diffraction.shape[0],)),
        further_modes=further_modes_of(content, diffraction.shape[-1]),
        shape=object_shape,
    )
    return replace(dataset, ground_truth=_ground_truth(content, dataset))


def read_pattern_size(path: Path) -> int:
    """Read the side N [px] of a scan's patterns, without the patterns.

    Raises
    ------
    FileError
        The file is damaged or has no patterns (B, N, N) or (B, N, N, 1).
    """
    shape = read_shape(path, "diffraction", "counts")
    if len(shape) not in (3, 4):
        raise refusal(path, f"diffraction has shape {shape}; (B, N, N), square, is wanted")
    return shape[1]


def _objects(content: Content, n: int) -> NDArray[np.complex64] | None:
    if "YY_full" not in content:
        return None
    objects = content.take("YY_full", np.complex64)
    if objects.ndim == 2:
        objects = objects[None]
    if objects.ndim != 3 or len(objects) == 0 or min(objects.shape[1:]) < n:
        raise content.refusal(
            f"YY_full has shape {objects.shape}; (n, rows, columns), at least {n} each, is wanted"
        )
    return objects


def _object_shape(content: Content, n: int) -> tuple[int, int] | None:
    if "object_shape" not in content:
        return None
    shape = content.take("object_shape", np.int64)
    if shape.shape != (2,) or shape.min() < n or shape.max() > LARGEST_OBJECT + n:
        raise content.refusal(
            f"object_shape is {shape.tolist()}; rows and columns, from {n} to "
            f"{LARGEST_OBJECT + n} px, are wanted"
        )
    return int(shape[0]), int(shape[1])


def _patches(content: Content, shape: tuple[int, ...]) -> NDArray[np.complex64] | None:
    if "Y_I" not in content or "Y_phi" not in content:
        return None
    amplitude, phase = (content.take(key, np.float32) for key in ("Y_I", "Y_phi"))
    if not amplitude.shape == phase.shape == shape:
        raise content.refusal(
            f"Y_I and Y_phi have shapes {amplitude.shape} and {phase.shape}; "
            f"that of the patterns, {shape}, is wanted"
        )
    patches = np.empty(shape, np.complex64)
    for patch, a, phi in zip(patches, amplitude, phase, strict=True):  # without large copies
        patch[:] = a * np.exp(1j * phi)
    return patches


def _ground_truth(content: Content, dataset: Dataset) -> NDArray[np.complex64] | None:
    if "YY_ground_truth" not in content:
        return None
    truth = content.take("YY_ground_truth", np.complex64)
    rows, columns = dataset.scored_region()
    wanted = (rows.stop - rows.start, columns.stop - columns.start)
    if truth.size == math.prod(wanted) and truth.shape == wanted[: truth.ndim]:
        return truth.reshape(wanted)
    if dataset.objects is None:
        raise content.refusal(
            f"YY_ground_truth has shape {truth.shape}; that of the scored region, {wanted}, or "
            "the whole object as YY_full is wanted"
        )
    return None  # another region was scored there; ours is cut from the object


def read_metadata(path: Path) -> dict[str, Any]:
    """Read `_metadata`, or nothing: older files hold it as a pickle, and no result needs it."""
    try:
        text = read_npz(path, ("_metadata",))["_metadata"]
        value = parse_json(text.item()) if text.nbytes <= _LARGEST_METADATA else None
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {key: item for key, item in value.items() if key not in _NAMED or _is_named(item)}


# The metadata that the page of results shows: texts by their names.
_NAMED = ("versions", "sha256")


def _is_named(item: Any) -> bool:
    return isinstance(item, dict) and all(
        isinstance(text, str) and text.isprintable() for text in (*item, *item.values())
    )
