"""Write a scan as an NPZ file."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.scan import Dataset
from ptychopareto.files.stored import StoredArray, StoredPatterns
from ptychopareto.files.writing import without_nan, write_npz


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Write a dataset as NPZ with the keys, shapes and types of `docs/files.md`.

    `_metadata` is the dataset's metadata and the SHA-256 of each array's bytes (C order). The same
    dataset gives the same file, byte for byte.

    Parameters
    ----------
    path : Path
        Where to write it, atomically.
    dataset : Dataset
        The scan.
    """
    fractions = 0 if dataset.fractions is None else dataset.fractions
    positions = (dataset.corners + fractions).astype(np.float32)
    arrays: dict[str, NDArray[Any] | StoredArray] = {
        **_patterns(dataset),
        "probeGuess": dataset.probe,
        "coords_offsets": positions[:, None, :, None],
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
    for key in ("valid", "free", "further_modes"):
        if getattr(dataset, key) is not None:
            arrays[key] = getattr(dataset, key)
    if dataset.shape is not None and dataset.objects is None:
        arrays["object_shape"] = np.array(dataset.shape, dtype=np.int64)
    hashes = {key: _sha256(array) for key, array in arrays.items()}
    metadata = json.dumps(without_nan({**dataset.metadata, "sha256": hashes}), sort_keys=True)
    write_npz(path, **arrays, _metadata=np.array(metadata))


def _patterns(dataset: Dataset) -> dict[str, NDArray[Any] | StoredArray]:
    """Return the patterns under their key: counts that are in a file stay counts."""
    patterns = dataset.diffraction
    if isinstance(patterns, StoredPatterns):
        return {"diffraction" if patterns.scale is None else "counts": patterns.array}
    return {"diffraction": patterns[..., None]}


def _sha256(array: NDArray[Any] | StoredArray) -> str:
    digest = hashlib.sha256()
    for piece in array.pieces() if isinstance(array, StoredArray) else (array,):
        digest.update(np.ascontiguousarray(piece).data)
    return digest.hexdigest()
