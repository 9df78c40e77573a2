"""Reconstructions that other programs have finished, to be used as probe, positions and teacher."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ptychopareto.files.errors import reading, refusal
from ptychopareto.readers import cdtools_result, ptychi_result, ptychodus_product, ptypy_result
from ptychopareto.readers.finished_reconstruction import FinishedReconstruction
from ptychopareto.readers.registry import read_any

# Whether a file's contents are of the format, and what reads it; the first one that does counts.
_READERS = {
    "ptypy": (ptypy_result.recognises, ptypy_result.read),
    "ptychodus": (ptychodus_product.is_product, ptychodus_product.read_product),
    "cdtools": (cdtools_result.recognises, cdtools_result.read),
    "ptychi": (ptychi_result.recognises, ptychi_result.read),
}
_LARGEST_POSITION = 1e9  # px or m
_SMALLEST = 8  # px a side

FINISHED_FORMATS = tuple(_READERS)


def read_reconstruction_of(path: Path) -> FinishedReconstruction:
    """Read a finished reconstruction of ptypy, ptychodus, cdtools or pty-chi.

    Parameters
    ----------
    path : the file, HDF5 or NPZ; what it holds says which program wrote it

    Returns
    -------
    Its probe, and what else it holds of object, positions and pixel size.

    Raises
    ------
    FileError
        The file is missing or damaged, has none of the formats, or its parts do not agree.
    """
    contents = read_any(path)
    for name, (recognises, read) in _READERS.items():
        if recognises(contents):
            with reading(path, f"a result of {name}"):
                return _checked(path, read(path))
    known = ", ".join(_READERS)
    raise refusal(path, f"is no reconstruction of a known program ({known})")


def _checked(path: Path, found: FinishedReconstruction) -> FinishedReconstruction:
    """Refuse parts that do not agree."""
    if min(found.probe.shape[1:]) < _SMALLEST:
        raise refusal(path, f"has a probe of {found.probe.shape[1:]} px; {_SMALLEST} are wanted")
    if (
        found.object is not None
        and (np.array(found.object.shape) < np.array(found.probe.shape[1:])).any()
    ):
        raise refusal(
            path,
            f"has an object of {found.object.shape} px, smaller than its probe of "
            f"{found.probe.shape[1:]} px",
        )
    for positions in (found.positions, found.corners_on_object):
        if positions is None:
            continue
        if positions.size == 0 or positions.shape[1] != 2:
            raise refusal(path, f"has positions of the shape {positions.shape}; (B, 2) is wanted")
        if not (np.abs(positions) < _LARGEST_POSITION).all():
            raise refusal(path, "has positions that are NaN or beyond all bounds")
    lengths = (*(found.object_pixel or ()), found.wavelength, found.distance)
    for length in lengths:
        if length is not None and not (np.isfinite(length) and length > 0):
            raise refusal(path, f"has a length of {length:g} m; one above 0 is wanted")
    return replace(found, path=str(path))
