"""Scans as tike's own examples hold them: NPZ with `data`, `scan` and `probe`."""

from collections.abc import Container
from pathlib import Path

import numpy as np

from ptychopareto.readers.measured_scan import MeasuredScan
from ptychopareto.readers.npz_arrays import content_of, frames_of, modes_of, object_of, pairs_of

NAME = "tike"
DESCRIPTION = "NPZ of tike: data (counts, zero frequency at the corner), scan [px], probe"
_KEYS = ("data", "scan", "probe", "psi")


def recognises(contents: Container[str]) -> bool:
    """Whether these names of arrays are those of this format."""
    return "data" in contents and "scan" in contents


def read(path: Path) -> MeasuredScan:
    """Read a scan of tike's layout.

    Parameters
    ----------
    path : the NPZ file: `data` (B, H, W) counts with the zero frequency at pixel (0, 0), `scan`
        (B, 2) float (row, column) [px] of the first pixel of each patch, `probe` (modes, h, w),
        and `psi` (rows, columns), the object. Any number of axes of length 1 may precede

    Returns
    -------
    MeasuredScan
        With all modes of the probe: tike's need not be orthogonal, so the first one is not the
        strongest.

    Raises
    ------
    FileError
        The file is damaged, or an array is missing or cannot be right.

    Notes
    -----
    The convention of corners is that of tike 0.26, `tike.ptycho.position`.
    """
    content = content_of(path, _KEYS)
    positions = pairs_of(content, "scan")
    frames = frames_of(content, "data", len(positions))
    origins = {
        "frames": "data",
        "positions": "scan, (row, column) of a patch's first pixel [px]",
        "values": "tike's convention: counts",
        "zero_frequency": "tike's convention: at the corner",
    }
    probe = modes_of(content, "probe") if "probe" in content else None
    if probe is not None:
        origins["probe"] = "probe"
    image = object_of(content, "psi") if "psi" in content else None
    corners = None
    if image is not None:
        corners = positions.astype(np.float64)
        origins |= {"object": "psi", "corners_on_object": "scan"}
    return MeasuredScan(
        path=str(path),
        format=NAME,
        frames=frames,
        positions=positions,
        position_unit="px",
        values="intensity",
        zero_frequency="corner",
        probe=probe,
        object=image,
        corners_on_object=corners,
        origins=origins,
    )
