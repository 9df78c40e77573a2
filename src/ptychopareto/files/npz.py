"""Read NPZ files: never by pickle, in no more memory than the file justifies."""

import io
import math
import os
import zipfile
from collections.abc import Container
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import reading, refusal

# NumPy writes no compression or deflate; a damaged header can name other ones, and those cannot
# be unpacked piece by piece.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# A scan of few photons may shrink any number of times, so no ratio tells it from a file that is
# made to exhaust the memory. The machine does: nothing could be computed from more than it holds.
_LARGEST_SHARE = 0.5  # part of the machine's memory

# All that zipfile reads at once is the list of members at the end; that of a scan is 1 kB.
_LARGEST_DIRECTORY = 2**20  # bytes


def read_npz(path: Path, keys: Container[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read the arrays of an NPZ file.

    A header must agree with the size of its member, and the arrays together may take at most half
    of the machine's memory; both are checked before memory is taken.

    Parameters
    ----------
    path : Path
        The file.
    keys : container of str, optional
        The arrays to read, if the file has them; None for all.

    Returns
    -------
    dict of array
        The arrays by their names.

    Raises
    ------
    FileError
        The file is missing, damaged or truncated, has an array twice, is too large for this
        machine, or a wanted array holds no numbers or text.
    """
    with (
        reading(path, "an NPZ file as numpy.savez writes it"),
        _InPieces(path) as stream,
        zipfile.ZipFile(stream) as archive,
    ):
        wanted: dict[str, zipfile.ZipInfo] = {}
        for info in archive.infolist():
            key = info.filename.removesuffix(".npy")
            if key == info.filename or (keys is not None and key not in keys):
                continue
            if key in wanted:
                raise refusal(path, f"has {key} twice; each array is allowed once")
            wanted[key] = info
        claimed, allowed = sum(info.file_size for info in wanted.values()), largest_content()
        if claimed > allowed:
            raise refusal(
                path,
                f"claims {claimed} bytes of arrays in {path.stat().st_size} bytes; at most "
                f"{allowed} bytes, half of the memory of this machine, are allowed",
            )
        return {key: _read_member(path, archive, info) for key, info in wanted.items()}


def read_shape(path: Path, key: str) -> tuple[int, ...]:
    """Read the shape of an array of an NPZ file, without its numbers.

    Parameters
    ----------
    path : Path
        The file.
    key : str
        Name of the array.

    Returns
    -------
    tuple of int
        Lengths of the axes.

    Raises
    ------
    FileError
        The file is missing or damaged, or has no such array.
    """
    with (
        reading(path, "an NPZ file as numpy.savez writes it"),
        _InPieces(path) as stream,
        zipfile.ZipFile(stream) as archive,
    ):
        if f"{key}.npy" not in archive.namelist():
            raise refusal(path, f"has no {key}; it is needed")
        if archive.getinfo(f"{key}.npy").compress_type not in _COMPRESSIONS:
            raise refusal(path, f"{key} is compressed in another way than numpy.savez does")
        with archive.open(f"{key}.npy") as member:
            return _read_header(member)[0]


def read_headers(path: Path) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Read shape and type of each array of an NPZ file, without their numbers.

    An array of objects is listed like the others: its pickle is not touched.

    Raises
    ------
    FileError
        The file is missing or damaged.
    """
    headers = {}
    with (
        reading(path, "an NPZ file as numpy.savez writes it"),
        _InPieces(path) as stream,
        zipfile.ZipFile(stream) as archive,
    ):
        for info in archive.infolist():
            key = info.filename.removesuffix(".npy")
            if key != info.filename and info.compress_type in _COMPRESSIONS:
                with archive.open(info) as member:
                    headers[key] = _read_header(member)
    return headers


def largest_content() -> int:
    """Return how many bytes the arrays of a file may take on this machine."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return int(_LARGEST_SHARE * memory)


class _InPieces(io.FileIO):
    """A file that is never read in large pieces: zipfile believes any size of the directory."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _LARGEST_DIRECTORY:
            raise ValueError(f"{size} bytes in one piece")
        return super().read(size)


def _read_member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    if info.compress_type not in _COMPRESSIONS:
        raise ValueError(f"compression method {info.compress_type}")
    with archive.open(info) as member:
        shape, dtype = _read_header(member)
        if dtype.kind not in "biufcSU" or dtype.itemsize == 0:
            kind = "an object array (pickle)" if dtype.hasobject else f"an array of {dtype}"
            key = info.filename.removesuffix(".npy")
            raise refusal(path, f"{key} is {kind}; plain numbers or text are wanted")
        if member.tell() + math.prod(shape) * dtype.itemsize != info.file_size:
            raise ValueError(f"the shape {shape} does not agree with the size of {info.filename}")
        member.seek(0)
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        return array


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(member)
    else:  # (3, 0) is for the field names of structured arrays
        raise ValueError(f"version {version} of the array format")
    if any(side < 0 for side in shape):
        raise ValueError(f"shape {shape}")
    return shape, dtype
