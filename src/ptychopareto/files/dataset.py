"""A scan in memory and as an NPZ file, made here or elsewhere."""

import hashlib
import json
import math
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.content import Content
from ptychopareto.files.errors import refusal
from ptychopareto.files.images import probe_of
from ptychopareto.files.npz import read_npz, read_shape
from ptychopareto.files.text import is_a, parse_json
from ptychopareto.files.writing import without_nan, write_npz

_COORDINATES = ("coords_offsets", "coords_true", "coords_nominal")  # the first there is, is read
_KNOWN = frozenset(
    {"diffraction", "probeGuess", "Y_I", "Y_phi", "object_index", "YY_full", "YY_ground_truth"}
    | {"intensity_scale", "norm_Y_I", *_COORDINATES}
)
_OF_PATCHES = frozenset({"Y_I", "Y_phi"})
_SMALLEST_PATTERN = 8  # px a side
_LARGEST_METADATA = 2**20  # bytes
_LARGEST_OBJECT = 2**16  # px a side: beyond it a position is an error, and its object fits nowhere
_LARGEST_SHIFT = 1e-3  # px from a whole pixel: patches are cut at whole pixels


@dataclass(frozen=True, eq=False)
class Dataset:
    """One scan: patterns, where they were taken, the probe, and the truth where it is known.

    Attributes:
        diffraction: (B, N, N) float32, measured amplitude √counts / intensity_scale, DC at N//2.
        probe: (N, N) complex64, the probe at the sample.
        corners: (B, 2) int64, top-left corner (row, column) of each patch [px] in its object.
        object_index: (B,) int32, the object each patch was cut from.
        objects: (n, rows, columns) complex64, the whole objects.
        patches: (B, N, N) complex64, the object under each pattern, before illumination.
        ground_truth: the truth on the scored region of object 0, complex64.
        intensity_scale: √counts per unit of `diffraction`.
        norm_Y_I: the factor by which the object's amplitude was divided.
        metadata: what the file says about its making.
    """

    diffraction: NDArray[np.float32]
    probe: NDArray[np.complex64]
    corners: NDArray[np.int64]
    object_index: NDArray[np.int32]
    objects: NDArray[np.complex64] | None = None
    patches: NDArray[np.complex64] | None = None
    ground_truth: NDArray[np.complex64] | None = None
    intensity_scale: float | None = None
    norm_Y_I: float | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def N(self) -> int:
        """Side of a pattern [px]."""
        return int(self.diffraction.shape[-1])

    @property
    def object_shape(self) -> tuple[int, int]:
        """Rows and columns of an object [px]; if it is not known, of what the scan covers."""
        if self.objects is not None:
            return self.objects.shape[1], self.objects.shape[2]
        rows, columns = self.corners.max(axis=0) + self.N
        return int(rows), int(columns)

    def scored_region(self) -> tuple[slice, slice]:
        """Rows and columns of object 0 to be scored: the bounding box of its patch centres.

        Where a corner of the box has no patch centre, as in a round scan, all its sides move in by
        the distance from the corner to the nearest centre, the larger one of rows and columns. Then
        each corner has a patch centre diagonally beyond it, and the box lies between centres.
        """
        centres = self.corners[self.object_index == 0] + self.N // 2
        first, last = centres.min(axis=0), centres.max(axis=0)
        box_corners = np.array(list(product(*zip(first, last, strict=True))))
        distances = np.abs(box_corners[:, None] - centres).max(axis=-1)
        inset = min(distances.min(axis=1).max(), (last - first).min() // 2)
        first, last = first + inset, last - inset
        return slice(int(first[0]), int(last[0]) + 1), slice(int(first[1]), int(last[1]) + 1)

    @property
    def truth(self) -> NDArray[np.complex64] | None:
        """The truth on the scored region, stored as such or cut from object 0."""
        if self.ground_truth is not None or self.objects is None:
            return self.ground_truth
        rows, columns = self.scored_region()
        return self.objects[0, rows, columns]


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Write a dataset as NPZ with the keys, shapes and types of `docs/files.md`.

    `_metadata` is the dataset's metadata and the SHA-256 of each array's bytes (C order). The same
    dataset gives the same file, byte for byte.
    """
    arrays: dict[str, NDArray[Any]] = {
        "diffraction": dataset.diffraction[..., None],
        "probeGuess": dataset.probe,
        "coords_offsets": dataset.corners.astype(np.float32)[:, None, :, None],
        "object_index": dataset.object_index,
    }
    if dataset.patches is not None:
        arrays["Y_I"] = np.abs(dataset.patches)[..., None]
        arrays["Y_phi"] = np.angle(dataset.patches)[..., None]
    if dataset.objects is not None:
        arrays["YY_full"] = dataset.objects[..., None]
    if dataset.ground_truth is not None:
        arrays["YY_ground_truth"] = dataset.ground_truth[..., None]
    if dataset.intensity_scale is not None:
        arrays["intensity_scale"] = np.array(dataset.intensity_scale, dtype=np.float64)
    if dataset.norm_Y_I is not None:
        arrays["norm_Y_I"] = np.array(dataset.norm_Y_I, dtype=np.float64)
    hashes = {key: _sha256(array) for key, array in arrays.items()}
    metadata = json.dumps(without_nan({**dataset.metadata, "sha256": hashes}), sort_keys=True)
    write_npz(path, **arrays, _metadata=np.array(metadata))


def _sha256(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def read_dataset(path: Path, *, patches: bool = False) -> Dataset:
    """Read and check a dataset, made here or elsewhere.

    Unknown keys are ignored, numbers of other precision are converted, trailing axes of length 1
    may be missing. Without `object_index`, the patterns of several objects must be the same scan,
    one object after the other. Without `YY_full`, positions are taken as relative and shifted to
    begin at 0.

    Parameters
    ----------
    path : the NPZ file
    patches : whether `Y_I` and `Y_phi`, two thirds of a file, are read and checked too: only who
        writes the scan again needs them

    Returns
    -------
    Dataset
        The scan; its `patches` are None unless they are asked for and in the file.

    Raises
    ------
    FileError
        The file is damaged, a key is missing, or a value cannot be right.
    """
    content = Content(path, read_npz(path, _KNOWN if patches else _KNOWN - _OF_PATCHES))
    diffraction = _diffraction(content)
    objects = _objects(content, diffraction.shape[-1])
    corners = _corners(content, diffraction.shape, objects)
    dataset = Dataset(
        diffraction=diffraction,
        probe=probe_of(content, diffraction.shape[-1]),
        corners=corners,
        object_index=_object_index(content, corners, objects),
        objects=objects,
        patches=_patches(content, diffraction.shape),
        intensity_scale=_scale(content, "intensity_scale"),
        norm_Y_I=_scale(content, "norm_Y_I"),
        metadata=_metadata(path),
    )
    return replace(dataset, ground_truth=_ground_truth(content, dataset))


def read_pattern_size(path: Path) -> int:
    """Read the side N [px] of a scan's patterns, without the patterns.

    Raises
    ------
    FileError
        The file is damaged or has no patterns (B, N, N) or (B, N, N, 1).
    """
    shape = read_shape(path, "diffraction")
    if len(shape) not in (3, 4):
        raise refusal(path, f"diffraction has shape {shape}; (B, N, N), square, is wanted")
    return shape[1]


def _diffraction(content: Content) -> NDArray[np.float32]:
    diffraction = content.take("diffraction", np.float32)
    shape = diffraction.shape
    if diffraction.ndim != 3 or shape[0] == 0 or shape[1] != shape[2]:
        raise content.refusal(f"diffraction has shape {shape}; (B, N, N), square, is wanted")
    if shape[1] < _SMALLEST_PATTERN:
        wanted = f"at least {_SMALLEST_PATTERN} are wanted"
        raise content.refusal(f"diffraction has patterns of {shape[1]} px; {wanted}")
    least = diffraction.min()
    if least < 0:
        raise content.refusal(f"diffraction holds {least:g}; amplitudes of at least 0 are wanted")
    if least == 0 and not diffraction.any():
        raise content.refusal("diffraction is 0 everywhere; measured amplitudes are wanted")
    return diffraction


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


def _corners(
    content: Content, shape: tuple[int, ...], objects: NDArray[np.complex64] | None
) -> NDArray[np.int64]:
    key = next((key for key in _COORDINATES if key in content), _COORDINATES[0])
    positions = content.take(key, np.float64)
    count, n, _ = shape
    if positions.shape[0] != count or positions.size != 2 * count:
        raise content.refusal(
            f"{key} has shape {positions.shape}; a row and a column for each of the {count} "
            f"patterns, ({count}, 1, 2, 1), is wanted"
        )
    positions = positions.reshape(count, 2)
    whole = np.rint(positions)
    if np.abs(positions - whole).max() > _LARGEST_SHIFT:
        raise content.refusal(f"{key} lies between pixels; whole pixels are wanted")
    if np.abs(whole).max() > _LARGEST_OBJECT:
        raise content.refusal(f"{key} exceeds {_LARGEST_OBJECT} px; positions in px are wanted")
    corners = whole.astype(np.int64)
    if count > 1 and (corners == corners[0]).all():
        raise content.refusal(f"{key} is the same for all patterns; positions of a scan are wanted")
    if objects is None:
        # Relative, wherever they begin: what lies before the first patch would be an empty object.
        corners -= corners.min(axis=0)
        return corners
    room = np.array(objects.shape[1:]) - n
    if (corners < 0).any() or (corners > room).any():
        raise content.refusal(
            f"{key} leaves the object of shape {objects.shape[1:]}; "
            f"corners from (0, 0) to ({room[0]}, {room[1]}) are wanted"
        )
    return corners


def _object_index(
    content: Content, corners: NDArray[np.int64], objects: NDArray[np.complex64] | None
) -> NDArray[np.int32]:
    count = len(corners)
    if "object_index" not in content:
        return _index_of_repeated_scans(content, corners, 1 if objects is None else len(objects))
    index = content.take("object_index", np.int64)
    if index.shape != (count,):
        raise content.refusal(f"object_index has shape {index.shape}; ({count},) is wanted")
    last = (count if objects is None else len(objects)) - 1
    if index.min() != 0 or index.max() > last:
        raise content.refusal(
            f"object_index goes from {index.min()} to {index.max()}; "
            f"from 0 to at most {last} is wanted"
        )
    return index.astype(np.int32)


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


def _scale(content: Content, key: str) -> float | None:
    if key not in content:
        return None
    scale = content.take(key, np.float64)
    if scale.size != 1 or scale.item() <= 0:
        raise content.refusal(f"{key} is not one number above 0; that is wanted")
    return float(scale.item())


def _metadata(path: Path) -> dict[str, Any]:
    """Read `_metadata`, or nothing: older files hold it as a pickle, and no result needs it."""
    try:
        text = read_npz(path, ("_metadata",))["_metadata"]
        value = parse_json(text.item()) if text.nbytes <= _LARGEST_METADATA else None
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {key: item for key, item in value.items() if key not in _NAMED or _is_named(item)}


# What the page of results shows of the metadata: texts by their names.
_NAMED = ("versions", "sha256")


def _is_named(item: Any) -> bool:
    return isinstance(item, dict) and all(is_a(text, str) for text in (*item, *item.values()))
