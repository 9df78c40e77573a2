"""Scans as tike's own examples hold them: NPZ with `data`, `scan` and `probe`."""

from collections.abc import Mapping
from pathlib import Path

from ptychopareto.readers.array_axes import a_position_per_frame
from ptychopareto.readers.format import Contents, Format
from ptychopareto.readers.measured_scan import MeasuredScan
from ptychopareto.readers.npz_arrays import (
    content_of,
    frames_of,
    object_of,
    probe_of,
    take,
    without_singletons,
)

_KEYS = ("data", "scan", "probe", "psi")


def read(path: Path, keys: Mapping[str, str]) -> MeasuredScan:
    """Read a scan of tike's layout.

    Parameters
    ----------
    path : Path
        The file.
    keys : dict of str
        Not used: the format has fixed names.

    Returns
    -------
    MeasuredScan
        Frames, positions [px], and probe and object if the file has them.

    Raises
    ------
    FileError
        The file is damaged, or an array is missing or cannot be right.

    Notes
    -----
    `scan` holds (row, column) [px] of each patch's smallest corner, between pixels and of any sign
    (`tike.ptycho.position` of tike 0.26). `data` are counts with the zero frequency at pixel (0,
    0). Axes of length 1 may precede all arrays. All modes of the probe are read: they need not be
    orthogonal, so the first one alone is not the probe.
    """
    content = content_of(path, _KEYS)
    positions = take(content, "scan")
    count = max(without_singletons(positions.shape, 2), default=0)
    frames = frames_of(content, "data", count)
    corners = a_position_per_frame(path, positions, len(frames), "scan")
    if corners.shape[1] != 2:
        raise content.refusal(f"scan has the shape {positions.shape}; (B, 2) is wanted")
    probe, image = probe_of(content, "probe"), object_of(content, "psi")
    origins = {
        "frames": "data",
        "positions": "scan, (row, column) of a patch's first pixel",
        "position_unit": "the format: pixels",
        "values": "the format: counts",
        "zero_frequency": "the format: at the corner",
    }
    if probe is not None:
        origins["probe"] = "probe"
    if image is not None:
        origins |= {"object": "psi", "corners_on_object": "scan"}
    return MeasuredScan(
        str(path),
        "tike",
        frames,
        positions=corners,
        position_unit="px",
        values="intensity",
        zero_frequency="corner",
        probe=probe,
        object=image,
        corners_on_object=None if image is None else corners,
        origins=origins,
    )


def _recognises(contents: Contents) -> bool:
    return contents.container == "npz" and "data" in contents and "scan" in contents


FORMAT = Format("tike", "NPZ files as tike has them: data, scan, probe", _recognises, read)
