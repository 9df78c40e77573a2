"""Put probe and refined positions of a finished reconstruction in the place of those of a scan."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.readers.finished_reconstruction import FinishedReconstruction
from ptychopareto.readers.measured_scan import MeasuredScan

_CAUTION = (
    "The reconstruction was made of all its patterns. If they are those of this scan, free ones "
    "among them, r_free of what uses its probe and positions is a little optimistic."
)


def with_reconstruction(scan: MeasuredScan, found: FinishedReconstruction) -> MeasuredScan:
    """Put probe and positions of a finished reconstruction in the place of those of a scan.

    Parameters
    ----------
    scan : MeasuredScan
    found : FinishedReconstruction
        A reconstruction of it, or of an earlier scan with the same probe.

    Returns
    -------
    MeasuredScan
        The scan with the probe of the reconstruction. It has the positions too if the
        reconstruction has one for each of its frames, in their order or by their number. `remarks`
        say what was not used.
    """
    name = Path(found.path).name
    origins = dict(scan.origins) | {"probe": f"{found.origins['probe']} of {name}"}
    changes: dict[str, Any] = {"probe": found.probe}
    remarks = [*scan.remarks, *found.remarks, _CAUTION]
    if found.object_pixel is not None:
        changes["object_pixel"] = found.object_pixel
        origins["object_pixel"] = f"{found.origins['object_pixel']} of {name}"
    for part in ("wavelength", "distance"):
        if getattr(scan, part) is None and getattr(found, part) is not None:
            changes[part] = getattr(found, part)
            origins[part] = f"{found.origins[part]} of {name}"
    rows = _rows(found, scan.frames.shape[0])
    if rows is None or found.positions is None:
        count = 0 if found.positions is None else len(found.positions)
        said = f"{name} has {count} positions for {scan.frames.shape[0]} patterns: only its probe"
        remarks.append(f"{said} is used.")
    else:
        positions, unit = found.positions[rows], found.position_unit
        if unit == "px" and found.object_pixel is not None:
            positions, unit = positions * np.array(found.object_pixel), "m"
        changes |= {"positions": positions, "position_unit": unit, "positions_refined": True}
        # The object of the file belongs to the file's own positions.
        changes |= {"object": None, "corners_on_object": None}
        for part in ("object", "corners_on_object"):
            origins.pop(part, None)
        origins["positions"] = f"{found.origins['positions']} of {name}"
        origins["position_unit"] = f"{name}, {unit}"
    return replace(scan, origins=origins, remarks=tuple(remarks), **changes)


def _rows(found: FinishedReconstruction, frames: int) -> NDArray[np.intp] | None:
    """Return the index of each frame's position; None if there is not one for each."""
    if found.positions is None or len(found.positions) != frames:
        return None
    if found.indexes is None:
        return np.arange(frames)
    order: NDArray[np.intp] = np.argsort(found.indexes)
    return order
