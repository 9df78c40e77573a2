"""Patterns that stay in their file, and are read where they are asked for.

They are read, not mapped into memory. What is read takes memory only as long as it is used, a file
that shrinks while it is in use ends in one line and not in a bus error, and a read of whole
patterns, which lie in one piece, is as fast.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import refusal

# Bytes of patterns as float32 from which on they stay in their file, where that is possible.
LARGE = 2**28
# Bytes of float32 that are looked at together, where all patterns are looked at.
PIECE = 2**24
_COPIED = 2**20  # bytes that are in memory twice where all patterns are brought there

Rows = slice | NDArray[np.integer] | NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Source:
    """An open file, and what it was when it was opened.

    An open file stays whole where another one takes its name, as all our writers do.

    Attributes
    ----------
    path : Path
        How messages name it.
    descriptor : int
        Closed when nothing refers to this object any more.
    size : int
        Its length [bytes].
    changed : int
        When it was last changed [ns].
    """

    path: Path
    descriptor: int
    size: int
    changed: int

    @classmethod
    def of(cls, path: Path) -> "Source":
        """Open a file for as long as anything refers to this object."""
        return cls._of(path, os.open(path, os.O_RDONLY | os.O_CLOEXEC))

    @classmethod
    def of_descriptor(cls, path: Path, descriptor: int) -> "Source":
        """Take a file that is open already.

        Parameters
        ----------
        path : Path
            The file, as messages are to name it.
        descriptor : int
            A descriptor of the file; it may be closed afterwards.

        Returns
        -------
        Source
        """
        return cls._of(path, os.dup(descriptor))

    @classmethod
    def _of(cls, path: Path, descriptor: int) -> "Source":
        status = os.fstat(descriptor)
        return cls(path, descriptor, status.st_size, status.st_mtime_ns)

    def __del__(self) -> None:
        os.close(self.descriptor)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self.path} is open here: it is not copied or sent to another process")

    def read_into(self, buffer: memoryview, offset: int) -> None:
        """Fill a buffer from a place of the file.

        Parameters
        ----------
        buffer : memoryview
            Bytes; all of it is filled.
        offset : int
            Where to begin [bytes].

        Raises
        ------
        FileError
            The file has been changed or truncated since it was opened, or cannot be read.
        """
        while buffer:
            try:
                count = os.preadv(self.descriptor, [buffer], offset)
            except OSError as error:
                raise refusal(self.path, f"cannot be read any more ({error.strerror})") from error
            if count == 0:
                raise self._has_changed()
            buffer, offset = buffer[count:], offset + count

    def check(self) -> None:
        """Refuse a file that is no longer what it was.

        Raises
        ------
        FileError
            It has another size or another time of its last change.
        """
        status = os.fstat(self.descriptor)
        if (status.st_size, status.st_mtime_ns) != (self.size, self.changed):
            raise self._has_changed()

    def _has_changed(self) -> Exception:
        wanted = "a file that nobody writes to is wanted"
        return refusal(self.path, f"was changed or truncated while it was in use; {wanted}")


@dataclass(frozen=True, eq=False)
class StoredArray:
    """Some entries along the first axis of an array in a file, in an order of their own.

    Attributes
    ----------
    source : Source
        The file.
    offset : int
        Where the array begins [bytes]; its entries follow each other in C order.
    dtype : dtype
        The file's own type.
    entry : tuple of int
        Shape of one entry.
    rows : (B,) int64
        Which of the file's entries these are.
    """

    source: Source
    offset: int
    dtype: np.dtype[Any]
    entry: tuple[int, ...]
    rows: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """Return B and the shape of one entry."""
        return (len(self.rows), *self.entry)

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, which: Rows) -> "StoredArray":
        """Choose entries, and read none of them."""
        return replace(self, rows=self.rows[which])

    def __getitem__(self, which: Rows) -> NDArray[Any]:
        """Read entries, each run of neighbours at once; indices may have any number of axes."""
        rows = self.rows[which]
        wanted = rows.reshape(-1)
        found = np.empty((len(wanted), *self.entry), self.dtype)
        size = self.dtype.itemsize * int(np.prod(self.entry))
        content = as_bytes(found)
        bounds = [*np.flatnonzero(np.diff(wanted, prepend=-2) != 1).tolist(), len(wanted)]
        self.source.check()
        for begin, end in pairwise(bounds):
            place = self.offset + int(wanted[begin]) * size
            self.source.read_into(content[begin * size : end * size], place)
        return found.reshape(*rows.shape, *self.entry)

    def pieces(self) -> Iterator[NDArray[Any]]:
        """Read all entries piece by piece; see `slices`."""
        return (self[which] for which in slices(self.shape))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all entries."""
        return self[:].astype(self.dtype if dtype is None else dtype, copy=False)


@dataclass(frozen=True, eq=False)
class StoredPatterns:
    """Patterns (B, N, N) of a file: an array of amplitudes to whoever takes some of them.

    Attributes
    ----------
    array : (B, N, N) StoredArray
        Amplitudes, or counts in the detector's integer type.
    scale : float or None
        √counts per unit of amplitude; None where `array` holds amplitudes.
    """

    array: StoredArray
    scale: float | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Return B, N and N."""
        return self.array.shape

    @property
    def nbytes(self) -> int:
        """Return the bytes that all amplitudes would take in memory."""
        return 4 * int(np.prod(self.shape))

    def __len__(self) -> int:
        return len(self.array)

    def part(self, which: Rows) -> "StoredPatterns":
        """Choose patterns, and read none of them."""
        return replace(self, array=self.array.part(which))

    def __getitem__(self, which: Rows) -> NDArray[np.float32]:
        """Read amplitudes, float32; indices may have any number of axes."""
        values = self.array[which]
        if self.scale is None:
            return values.astype(np.float32, copy=False)
        return amplitudes(values, self.scale)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all amplitudes."""
        found = np.empty(self.shape, np.float32)
        for which in slices(self.shape, _COPIED):
            found[which] = self[which]
        return found if dtype is None else found.astype(dtype, copy=False)


def slices(shape: tuple[int, ...], size: int | None = None) -> Iterator[slice]:
    """Cut an array along its first axis.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    size : int, optional
        Bytes of a piece, as float32; by default `PIECE`.

    Yields
    ------
    slice
        The next entries, at least one.
    """
    step = max(1, (PIECE if size is None else size) // (4 * int(np.prod(shape[1:]))))
    for start in range(0, shape[0], step):
        yield slice(start, min(start + step, shape[0]))


def as_bytes(array: NDArray[Any]) -> memoryview:
    """Return the memory of an array in C order."""
    return array.reshape(-1).view(np.uint8).data


def amplitudes(counts: NDArray[Any], scale: float) -> NDArray[np.float32]:
    """Compute √counts / scale.

    Parameters
    ----------
    counts : array
        Unsigned integers of at most 32 bits, of any shape.
    scale : float
        √counts per unit of amplitude.

    Returns
    -------
    array of float32
        The roots, right to the last bit, in the shape of `counts`.
    """
    wide = np.float32 if counts.dtype.itemsize <= 2 else np.float64
    roots = np.sqrt(counts, dtype=wide).astype(np.float32, copy=False)
    if scale != 1:
        roots /= np.float32(scale)
    return roots
