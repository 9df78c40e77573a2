"""A nameless file that takes the patterns of a large scan until they are written."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files import StoredArray
from ptychopareto.files.stored import Source, as_bytes


class Spool:
    """Arrays of one shape and type, one after the other in a file that is gone with the process.

    Parameters
    ----------
    folder : Path or None
        Where the file takes its place; None is the system's own folder.
    entry : tuple of int
        Shape of each array.
    dtype : dtype
        Their type.
    """

    def __init__(self, folder: Path | None, entry: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  until `array`
        self._place = folder or Path(tempfile.gettempdir())
        self._entry, self._dtype, self._count = entry, dtype, 0

    def add(self, arrays: NDArray[Any]) -> None:
        """Add arrays (b, ...), converted to the type of the file."""
        content = np.ascontiguousarray(arrays, self._dtype)
        self._file.write(as_bytes(content))
        self._count += len(content)

    def array(self) -> StoredArray:
        """Return all arrays (B, ...), read where they are asked for; no more can be added."""
        with self._file:
            self._file.flush()
            source = Source.of_descriptor(self._place / "(patterns)", self._file.fileno())
        return StoredArray(source, 0, self._dtype, self._entry, np.arange(self._count))


def integer_type(largest: float) -> np.dtype[Any] | None:
    """Return the smallest type of a detector that holds a count; None if none does."""
    types = [np.dtype(kind) for kind in (np.uint8, np.uint16, np.uint32)]
    return next((kind for kind in types if largest < 2 ** (8 * kind.itemsize)), None)
