"""Reconstructions that other programs have finished, to be used as probe, positions and teacher."""

from dataclasses import replace
from pathlib import Path

from ptychopareto.files.errors import reading, refusal
from ptychopareto.readers import cdtools_result, ptychi_result, ptychodus_product, ptypy_result
from ptychopareto.readers.finished_reconstruction import (
    FinishedReconstruction,
    check_reconstruction,
)
from ptychopareto.readers.registry import read_any

# How each format recognises contents, and reads a file. The first one that recognises them counts.
_READERS = {
    "ptypy": (ptypy_result.recognises, ptypy_result.read),
    "ptychodus": (ptychodus_product.is_product, ptychodus_product.read_product),
    "cdtools": (cdtools_result.recognises, cdtools_result.read),
    "ptychi": (ptychi_result.recognises, ptychi_result.read),
}
FINISHED_FORMATS = tuple(_READERS)


def read_reconstruction_of(path: Path) -> FinishedReconstruction:
    """Read a finished reconstruction of ptypy, ptychodus, cdtools or pty-chi.

    Parameters
    ----------
    path : Path
        The file, HDF5 or NPZ; what it holds says which program wrote it.

    Returns
    -------
    FinishedReconstruction
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
                return replace(check_reconstruction(read(path)), path=str(path))
    known = ", ".join(_READERS)
    raise refusal(path, f"is no reconstruction of a known program ({known})")
