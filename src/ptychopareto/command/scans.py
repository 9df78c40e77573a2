"""The scan that a command line names, ready to be reconstructed."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.command.subcommand import CommandError
from ptychopareto.files.errors import refusal

if TYPE_CHECKING:
    from ptychopareto.config import MeasuredDataset
    from ptychopareto.files import Dataset

FREE = 0.05  # of the patterns of a measured scan, if nobody says anything else
_OURS = "grid_lines"  # files that hold amplitudes as the networks take them


@dataclass(frozen=True, eq=False)
class LoadedScan:
    """A scan, and what is known of it besides its patterns.

    Attributes
    ----------
    path : Path
        Its file.
    format : str
        The format that it has.
    dataset : Dataset
        Patterns, positions, probe, and the truth if the file has one.
    frames : (B,) int
        The number of each pattern in the file.
    pixel, detector_pixel : (row, column), optional
        Sizes of the pixels of object and detector [m]; None where they are not known.
    wavelength, distance : float, optional
        Wavelength, and distance to the detector [m]; None where they are not known.
    remarks : tuple of str
        What was noticed, a line each.
    record : dict, optional
        What was assumed and checked of a measured scan, as `scan.json` of a study.
    """

    path: Path
    format: str
    dataset: "Dataset"
    frames: NDArray[np.intp]
    pixel: tuple[float, float] | None = None
    detector_pixel: tuple[float, float] | None = None
    wavelength: float | None = None
    distance: float | None = None
    remarks: tuple[str, ...] = ()
    record: dict[str, Any] | None = None


def load_scan(
    path: Path, settings: "MeasuredDataset", free: float | None, folder: Path | None = None
) -> LoadedScan:
    """Read a scan of any format and prepare it.

    Parameters
    ----------
    path : Path
        Its file or folder.
    settings : MeasuredDataset
        What the user says of it.
    free : float, optional
        Part of the patterns that no reconstruction may use; None for what the file says, and else
        `FREE` for a measured scan and none for one with a truth.
    folder : Path, optional
        Takes the patterns of a large scan for as long as they are used.

    Returns
    -------
    LoadedScan
        The scan, ready to be reconstructed.

    Raises
    ------
    FileError
        The scan cannot be used as it is.
    """
    from ptychopareto.readers.registry import read_scan

    if not settings.keys and _is_ours(path, settings.format):
        return _ours(path, settings, free)
    from ptychopareto.preparation.whole import prepare_whole

    scan = read_scan(path, settings.format, settings.keys)
    whole = prepare_whole(scan, settings, FREE if free is None else free, folder)
    # Units and numbers of the command line stand above those of the file.
    used = whole.surveyed.scan
    return LoadedScan(
        path,
        scan.format,
        whole.dataset,
        whole.frames,
        whole.surveyed.grid.pixel,
        used.detector_pixel,
        used.wavelength,
        used.distance,
        tuple(scan.remarks),
        whole.record,
    )


def _is_ours(path: Path, format: str | None) -> bool:
    """Tell whether a file holds what the jobs of a study work on."""
    from ptychopareto.readers.registry import format_of, read_any

    contents = read_any(path)
    if {"counts", "probeGuess", "coords_offsets"} <= set(contents.entries):  # of a large scan
        return True
    return (format or format_of(path)) == _OURS


def _ours(path: Path, settings: "MeasuredDataset", free: float | None) -> LoadedScan:
    """Read a scan of this package or of PtychoPINN's grid-lines workflow: its first object."""
    from ptychopareto.files import read_dataset

    data = read_dataset(path)
    if settings.N not in (None, data.N):
        raise CommandError(f"{path}: its patterns of {data.N} px are complete; --N has no effect")
    remarks = []
    objects = int(data.object_index.max()) + 1
    frames = np.flatnonzero(data.object_index == 0)
    if objects > 1:
        remarks.append(f"has {objects} objects; the first one is reconstructed")
        whole = data.objects
        data = replace(data.part(frames), objects=None if whole is None else whole[:1])
    if free is None:
        free = 0.0 if data.truth is not None or data.free is not None else FREE
    if free and data.free is None:
        data = replace(data, free=_chosen(data, free, settings.seed))
    pixel = data.metadata.get("object_pixel")
    known = tuple(map(float, pixel)) if isinstance(pixel, list | tuple) else None
    return LoadedScan(path, _OURS, data, frames, known, remarks=tuple(remarks))  # type: ignore[arg-type]


def _chosen(data: "Dataset", share: float, seed: int) -> NDArray[np.bool_]:
    """Choose free patterns as `prepare_whole` does."""
    from ptychopareto.preparation.guess import beam_diameter
    from ptychopareto.preparation.split import choose_free

    light = (np.abs(data.modes.reshape(-1, data.N, data.N)).astype(np.float64) ** 2).sum(axis=0)
    every = np.ones(len(data.corners), bool)
    positions = data.corners.astype(np.float64)
    diameter = beam_diameter(data.probe.astype(np.complex128))
    return choose_free(positions, every, light, diameter, share, seed).which


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file; of a folder that of its files, in the order of their names.

    Raises
    ------
    FileError
        It cannot be read.
    """
    digest = hashlib.sha256()
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    try:
        for file in files:
            with file.open("rb") as stream:
                while piece := stream.read(2**20):
                    digest.update(piece)
    except OSError as error:
        raise refusal(path, f"cannot be read ({error.strerror})") from error
    return digest.hexdigest()
