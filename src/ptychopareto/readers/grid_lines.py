"""NPZ files of this package and of PtychoPINN's grid-lines workflow, read as a measured scan."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.content import Content
from ptychopareto.files.errors import refusal
from ptychopareto.files.scan_reader import dataset_of, read_content, read_metadata
from ptychopareto.readers.format import Contents, Format
from ptychopareto.readers.measured_scan import MeasuredScan
from ptychopareto.readers.npz_arrays import MASKS, take_mask


def read(path: Path, keys: Mapping[str, str]) -> MeasuredScan:
    """Read the scan of one object; a ground truth, if the file has one, becomes the known object.

    Parameters
    ----------
    path : Path
        The file.
    keys : dict of str
        Not used: the format has fixed names.

    Returns
    -------
    MeasuredScan
        Frames as they are, positions [px], probe, and the object if the file has it.

    Raises
    ------
    FileError
        The file is damaged, an array is missing or cannot be right, or there are several objects.

    Notes
    -----
    Values that are no amplitude (NaN, negative) are left for those who prepare the scan.
    """
    content = read_content(path, more=MASKS)
    frames = _frames(content)
    valid, mask = take_mask(content, frames.shape)
    content.arrays["diffraction"] = np.where(np.isfinite(frames) & (frames >= 0), frames, 0)
    dataset = dataset_of(content, read_metadata(path))
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
    if mask is not None:
        origins["valid"] = mask
    if known is not None:
        origins |= {"object": "YY_full", "corners_on_object": "coords_offsets"}
    return MeasuredScan(
        str(path),
        "grid_lines",
        frames,
        positions=corners,
        position_unit="px",
        values="amplitude",
        zero_frequency="centre",
        valid=valid,
        probe=dataset.modes.reshape(-1, dataset.N, dataset.N),
        object=known,
        corners_on_object=None if known is None else corners,
        origins=origins,
    )


def _frames(content: Content) -> NDArray[np.float32]:
    """Return the patterns as they are in the file, (B, N, N)."""
    frames = content.numbers("diffraction", np.float32)
    return frames.reshape(frames.shape[:3]) if set(frames.shape[3:]) <= {1} else frames


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
