"""HDF5 files that another program writes while we read (single writer, multiple readers: SWMR)."""

import ctypes
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import h5py

from ptychopareto.files.errors import reading, refusal

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_PLACES = (0, 512, 1024, 2048)  # where a superblock may begin, after a block of the user
_VERSION, _FLAGS = 8, 11  # bytes of a superblock
_FIRST_VERSION_WITH_FLAGS = 3
_OPEN_FOR_WRITING, _SWMR = 1, 4  # bits of the flags
# HDF5 tries to read a block again and waits longer before each attempt; so many take 30 ms.
_ATTEMPTS = 24
_LOOKS, _IN_FLIGHT = 5, 0.05  # at the size of a file, and seconds between two of them
_REST = 50  # looks at all chunks may take one part in so many of the time

Writer = Literal["none", "swmr", "alone"]


def writer_of(path: Path) -> Writer:
    """Tell from an HDF5 file whether a program has it open for writing.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    {"none", "swmr", "alone"}
        "none": nobody has, or the file is too old to say so. "swmr": a program has, and lets others
        read meanwhile, or it was killed. "alone": a program has, and lets nobody read meanwhile, or
        it was killed.

    Raises
    ------
    FileError
        The file is missing.

    Notes
    -----
    HDF5 keeps two bits of the superblock, from its version 3 on, while a file is open for writing,
    and clears them when it is closed. No function of h5py tells them.
    """
    with reading(path, "an HDF5 file"), path.open("rb") as stream:
        for place in _PLACES:
            stream.seek(place)
            start = stream.read(_FLAGS + 1)
            if start.startswith(_SIGNATURE) and len(start) > _FLAGS:
                break
        else:
            return "none"
    if start[_VERSION] < _FIRST_VERSION_WITH_FLAGS or not start[_FLAGS] & _OPEN_FOR_WRITING:
        return "none"
    return "swmr" if start[_FLAGS] & _SWMR else "alone"


def open_beside_writer(path: Path) -> h5py.File:
    """Open a file that a program writes in SWMR mode.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    File
        The open file, to be closed.

    Raises
    ------
    OSError
        The file is damaged, or its writer is just closing it.

    Notes
    -----
    A block that cannot be read right after some attempts is an error, as in a file that nobody
    writes. HDF5's own number of attempts makes a reader of a damaged file hang for ever, and h5py
    has no setting for it.
    """
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_file_locking(True, True)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)  # as h5py does
    set_attempts = ctypes.CDLL(h5py.h5p.__file__).H5Pset_metadata_read_attempts
    set_attempts.argtypes = [ctypes.c_int64, ctypes.c_uint]
    if set_attempts(access.id, _ATTEMPTS) < 0:
        raise OSError("HDF5 refuses a number of attempts")
    flags = h5py.h5f.ACC_RDONLY | h5py.h5f.ACC_SWMR_READ
    return h5py.File(h5py.h5f.open(bytes(path), flags, fapl=access))


@dataclass(frozen=True)
class _Checked:
    """The size of a file that had all chunks of a dataset, and until when that will do [s]."""

    size: int
    until: float


_checked: dict[tuple[int, int, str], _Checked] = {}  # by device, number of the file, and name


def check_not_cut(path: Path, dataset: h5py.Dataset) -> None:
    """Refuse a dataset whose numbers lie beyond the end of the file.

    HDF5 looks for the end of a file where it opens one that nobody writes. To a SWMR reader, what
    lies beyond the end is zeros.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    dataset : Dataset
        A dataset of it.

    Raises
    ------
    FileError
        The file has been cut off.

    Notes
    -----
    HDF5 finds the place of one chunk by going through all chunks before it, so to ask for those of
    each new frame would take longer, the longer the scan is. All are looked at when the file is
    seen for the first time or has become smaller, and else now and then.
    """
    if not dataset.file.id.get_intent() & h5py.h5f.ACC_SWMR_READ or dataset.is_virtual:
        return
    file, now = path.stat(), time.monotonic()
    key = file.st_dev, file.st_ino, str(dataset.name)
    known = _checked.get(key)
    if known is not None and known.size <= file.st_size and now < known.until:
        _checked[key] = _Checked(file.st_size, known.until)
        return
    end, size = _end_of(dataset), file.st_size
    for _ in range(_LOOKS):
        if end > size:  # a writer may have said where it writes before it has
            time.sleep(_IN_FLIGHT)
            size = path.stat().st_size
    if end > size:
        raise refusal(
            path,
            f"has been cut off: {dataset.name} reaches to byte {end}, and the file has {size}",
        )
    ended = time.monotonic()
    _checked[key] = _Checked(size, ended + _REST * (ended - now))


def _end_of(dataset: h5py.Dataset) -> int:
    """Find where in the file the bytes of a dataset end."""
    if dataset.chunks is None:
        offset = dataset.id.get_offset()
        return 0 if offset is None else int(offset) + int(dataset.id.get_storage_size())
    ends = [0]
    dataset.id.chunk_iter(lambda chunk: ends.append(chunk.byte_offset + chunk.size))
    return max(ends)
