"""Read NPZ files: never by pickle, in no more memory than the file justifies."""

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import reading, refusal
from ptychopareto.files.memory_limit import memory_limit
from ptychopareto.files.stored import Source, StoredArray, as_bytes

# NumPy writes no compression or deflate; a damaged header can name other ones, and those cannot
# be unpacked piece by piece.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# A scan of few photons may shrink any number of times, so no ratio tells it from a file that is
# made to exhaust the memory. The memory tells: nothing could be computed from more.
_LARGEST_SHARE = 0.5  # part of the memory that this process may take

# All that zipfile reads at once is the list of members at the end; that of a scan is 1 kB.
_LARGEST_DIRECTORY = 2**20  # bytes


def read_npz(path: Path, keys: Container[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read the arrays of an NPZ file.

    A header must agree with the size of its member, and the arrays together may take at most half
    of the memory that this process may take; both are checked before memory is taken.

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


def read_shape(path: Path, *keys: str) -> tuple[int, ...]:
    """Read the shape of an array of an NPZ file, without its numbers.

    Parameters
    ----------
    path : Path
        The file.
    *keys : str
        Names of arrays; the first that the file has is looked at.

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
        key = next((key for key in keys if f"{key}.npy" in archive.namelist()), None)
        if key is None:
            raise refusal(path, f"has no {keys[0]}; it is needed")
        if archive.getinfo(f"{key}.npy").compress_type not in _COMPRESSIONS:
            raise refusal(path, f"{key} is compressed in another way than numpy.savez does")
        with archive.open(f"{key}.npy") as member:
            return _read_header(member).shape


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
                    header = _read_header(member)
                    headers[key] = header.shape, header.dtype
    return headers


@dataclass(frozen=True, eq=False)
class Member:
    """An array that stays in its NPZ file, and what its bytes are checked with.

    Attributes
    ----------
    array : StoredArray
        All its entries, without trailing axes of length 1.
    name : str
        Name of the member of the archive.
    crc : int
        CRC-32 of the whole member, as the archive says.
    header_crc : int
        CRC-32 of what stands before the numbers.
    """

    array: StoredArray
    name: str
    crc: int
    header_crc: int

    @property
    def bytes(self) -> int:
        """Return the bytes that the array would take as float32."""
        return 4 * math.prod(self.array.shape)

    def pieces(self) -> Iterator[NDArray[Any]]:
        """Read the array piece by piece; at the end, compare the checksum with the file's.

        Yields
        ------
        array
            The next entries, in the file's own type.

        Raises
        ------
        FileError
            The file is damaged, or changed while it was read.
        """
        checksum = self.header_crc
        path = self.array.source.path
        for piece in self.array.pieces():
            checksum = zlib.crc32(as_bytes(piece), checksum)
            yield piece
        if checksum != self.crc:
            with reading(path, "an NPZ file as numpy.savez writes it"):
                raise zipfile.BadZipFile(f"Bad CRC-32 for file {self.name!r}")


def find_large(path: Path, held: Mapping[str, float]) -> dict[str, Member]:
    """Find arrays of three axes that are to stay in the file.

    An array that is compressed or in Fortran order is none of them: no single entry can be read.

    Parameters
    ----------
    path : Path
        The NPZ file.
    held : mapping of str to float
        Names of arrays. One that takes no more bytes than this as float32 is left out.

    Returns
    -------
    dict of str to Member
        Those that the file has.

    Raises
    ------
    FileError
        The file is missing or damaged.
    """
    found: dict[str, Member] = {}
    with (
        reading(path, "an NPZ file as numpy.savez writes it"),
        _InPieces(path) as stream,
        zipfile.ZipFile(stream) as archive,
    ):
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        if len(members) < len(archive.infolist()):
            return {}  # which of two arrays of one name is meant, `read_npz` asks
        source = None
        for key, least in held.items():
            info = members.get(key)
            if (
                info is None
                or info.compress_type != zipfile.ZIP_STORED
                or 4 * info.file_size < least
            ):
                continue
            with archive.open(info) as member:
                header, length = _read_header(member), member.tell()
            count = math.prod(header.shape)
            whole = length + count * header.dtype.itemsize == info.file_size == info.compress_size
            if 4 * count <= least or header.fortran or header.dtype.kind not in "biuf" or not whole:
                continue
            shape = header.shape
            while len(shape) > 3 and shape[-1] == 1:
                shape = shape[:-1]
            if len(shape) != 3 or 0 in shape:
                continue
            source = source or Source.of(path)
            begin = _content_of(stream, info)
            stream.seek(begin)
            header_crc = zlib.crc32(stream.read(length))
            rows = np.arange(shape[0])
            array = StoredArray(source, begin + length, header.dtype, shape[1:], rows)
            found[key] = Member(array, info.filename, info.CRC, header_crc)
    return found


# The header that stands before each member: its signature, 22 bytes that the list of members has
# too, and the lengths of a name and of further fields that follow.
_LOCAL_HEADER = struct.Struct("<4s22xHH")


def _content_of(stream: IO[bytes], info: zipfile.ZipInfo) -> int:
    """Return where the bytes of a member begin."""
    stream.seek(info.header_offset)
    signature, name, extra = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
    if signature != b"PK\x03\x04":
        raise zipfile.BadZipFile(f"no header before {info.filename!r}")
    return info.header_offset + _LOCAL_HEADER.size + int(name) + int(extra)


def largest_content() -> int:
    """Return how many bytes the arrays of a file may take in this process."""
    return int(_LARGEST_SHARE * memory_limit())


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
        shape, dtype, _ = _read_header(member)
        if dtype.kind not in "biufcSU" or dtype.itemsize == 0:
            kind = "an object array (pickle)" if dtype.hasobject else f"an array of {dtype}"
            key = info.filename.removesuffix(".npy")
            raise refusal(path, f"{key} is {kind}; plain numbers or text are wanted")
        if member.tell() + math.prod(shape) * dtype.itemsize != info.file_size:
            raise ValueError(f"the shape {shape} does not agree with the size of {info.filename}")
        member.seek(0)
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        return array


class _Header(NamedTuple):
    """The header of an array, before its numbers; in Fortran order the first axis is fastest."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool


def _read_header(member: IO[bytes]) -> _Header:
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(member)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(member)
    else:  # (3, 0) is for the field names of structured arrays
        raise ValueError(f"version {version} of the array format")
    if any(side < 0 for side in shape):
        raise ValueError(f"shape {shape}")
    return _Header(shape, dtype, fortran)
