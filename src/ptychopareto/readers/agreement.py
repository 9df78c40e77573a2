"""Check that the parts of a scan can be right, and agree with each other."""

import math
from pathlib import Path

import numpy as np

from ptychopareto.files.errors import refusal
from ptychopareto.readers.measured_scan import MeasuredScan

_SMALLEST_FRAME = 8  # px a side
_LARGEST_POSITION = 1e9  # px or m


def check_scan(scan: MeasuredScan) -> MeasuredScan:
    """Return a scan if its parts agree with each other.

    Raises
    ------
    FileError
        Frames, positions, mask, probe, object or a length cannot be right.
    """
    path, shape, kind = Path(scan.path), scan.frames.shape, scan.frames.dtype.kind
    if len(shape) != 3 or shape[0] < 1 or min(shape[1:]) < _SMALLEST_FRAME or kind not in "biuf":
        raise refusal(
            path,
            f"holds frames of {scan.frames.dtype} of the shape {shape}; real numbers (frames, "
            f"rows, columns) are wanted, at least {_SMALLEST_FRAME} rows and columns",
        )
    for name in ("positions", "corners_on_object"):
        positions = getattr(scan, name)
        if positions is None:
            continue
        if positions.shape != (shape[0], 2):
            raise refusal(
                path, f"has {len(positions)} positions for {shape[0]} patterns; one each is wanted"
            )
        if not (np.abs(positions) < _LARGEST_POSITION).all():
            raise refusal(path, "holds positions that are NaN or beyond all bounds")
        if shape[0] > 1 and (positions == positions[0]).all():
            raise refusal(path, "has the same position for all patterns; a scan is wanted")
    if scan.valid is not None and scan.valid.shape not in (shape, shape[1:]):
        raise refusal(path, f"has a mask of {scan.valid.shape} for patterns of {shape[1:]}")
    _check_lengths(path, scan)
    return scan


def _check_lengths(path: Path, scan: MeasuredScan) -> None:
    """Refuse a wavelength, distance or pixel size that is no positive length."""
    lengths = {
        "wavelength": (scan.wavelength,),
        "distance": (scan.distance,),
        "detector pixel": scan.detector_pixel or (),
        "object pixel": scan.object_pixel or (),
    }
    for name, values in lengths.items():
        for value in values:
            if value is not None and not (math.isfinite(value) and value > 0):
                raise refusal(path, f"gives the {name} as {value:g} m; a positive length is wanted")
