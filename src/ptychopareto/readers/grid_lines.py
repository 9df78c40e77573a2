"""NPZ files of this package and of PtychoPINN's grid-lines workflow, read as a measured scan."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ptychopareto.files.dataset import read_dataset
from ptychopareto.files.errors import refusal
from ptychopareto.readers.format import Contents, Format
from ptychopareto.readers.measured_scan import MeasuredScan


def read(path: Path, keys: Mapping[str, str]) -> MeasuredScan:
    """Read a scan of one object; its truth, if it has one, is not used.

    Raises
    ------
    FileError
        The file is damaged, an array is missing or cannot be right, or there are several objects.
    """
    dataset = read_dataset(path)
    objects = int(dataset.object_index.max()) + 1
    if objects > 1:
        raise refusal(
            path,
            f"is the scan of {objects} objects; one is wanted (or name it as train_npz and "
            "test_npz, which take several)",
        )
    corners = dataset.corners.astype(np.float64)
    if dataset.fractions is not None:
        corners += dataset.fractions
    known = None if dataset.objects is None else dataset.objects[0]
    origins = {
        "frames": "diffraction",
        "positions": "coords_offsets",
        "position_unit": "the format: pixels",
        "values": "the format: roots of counts",
        "zero_frequency": "the format: at N // 2",
        "probe": "probeGuess",
    }
    if dataset.valid is not None:
        origins["valid"] = "valid"
    if known is not None:
        origins |= {"object": "YY_full", "corners_on_object": "coords_offsets"}
    return MeasuredScan(
        str(path),
        "grid_lines",
        dataset.diffraction,
        positions=corners,
        position_unit="px",
        values="amplitude",
        zero_frequency="centre",
        valid=_one_for_all(dataset.valid),
        probe=dataset.modes.reshape(-1, dataset.N, dataset.N),
        object=known,
        corners_on_object=None if known is None else corners,
        origins=origins,
    )


def _one_for_all(valid: np.ndarray | None) -> np.ndarray | None:
    return valid[0] if valid is not None and len(valid) == 1 else valid


def _recognises(contents: Contents) -> bool:
    wanted = ("diffraction", "probeGuess")
    positions = ("coords_offsets", "coords_true", "coords_nominal")
    return (
        contents.container == "npz"
        and all(name in contents for name in wanted)
        and any(name in contents for name in positions)
    )


FORMAT = Format(
    "grid_lines",
    "NPZ files of this package and of PtychoPINN's grid-lines workflow",
    _recognises,
    read,
)
