"""Results of pty-chi (2.2.0), as its script `pear` and users' own scripts write them.

pty-chi itself writes no result: its arrays are those of `task.get_data_to_cpu`.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ptychopareto.readers.array_axes import a_position_per_frame, object_image
from ptychopareto.readers.finished_reconstruction import FinishedReconstruction
from ptychopareto.readers.flat import arrays_of
from ptychopareto.readers.format import Contents
from ptychopareto.readers.npz_arrays import number_of, shared_probe_of, take

_POSITIONS = ("probe_positions", "positions_px")
_KEYS = ("probe", "object", *_POSITIONS, "obj_pixel_size_m", "pixel_size_m")


def recognises(contents: Contents) -> bool:
    """Tell whether a file of these contents is a result of pty-chi."""
    arrays = all(key in contents for key in ("probe", "object"))
    return arrays and any(key in contents for key in _POSITIONS)


def read(path: Path) -> FinishedReconstruction:
    """Read a result of pty-chi.

    Raises
    ------
    FileError
        The file is damaged, or a part of it is missing or cannot be right.

    Notes
    -----
    `object` is (slices, rows, columns), `probe` (variable modes, modes, h, w), `probe_positions`
    (row, column) [px] of the patches' centres about pixel round(size / 2) - 1/2 of the object.
    `probe` is that of an FFT without a factor: it is N times smaller than one of a unitary FFT.
    """
    content = arrays_of(path, _KEYS)
    remarks: list[str] = []
    modes = shared_probe_of(content, "probe", remarks)
    key = next(key for key in (*_POSITIONS, "") if key in content or not key)
    centres = take(content, key or _POSITIONS[0])
    count = max(centres.shape, default=0)
    positions = a_position_per_frame(path, centres, count, key)
    origins = {"probe": "probe", "positions": key}
    found: dict[str, Any] = {}
    pixel = number_of(content, "obj_pixel_size_m") or number_of(content, "pixel_size_m")
    if pixel:
        found["object_pixel"], origins["object_pixel"] = (pixel, pixel), "obj_pixel_size_m"
    image = take(content, "object", "iufc")
    if image.ndim == 3 and len(image) > 1:
        remarks.append(f"The object has {len(image)} slices; it is not used.")
    else:
        found["object"] = object_image(path, image, "object")
        middle = np.rint(np.array(found["object"].shape) / 2) - 0.5
        patch = (np.array(modes.shape[1:]) - 1) / 2
        found["corners_on_object"] = positions + middle - patch
        origins |= {"object": "object", "corners_on_object": key}
    return FinishedReconstruction(
        str(path),
        "ptychi",
        modes,
        positions=positions,
        position_unit="px",
        origins=origins,
        remarks=tuple(remarks),
        **found,
    )
