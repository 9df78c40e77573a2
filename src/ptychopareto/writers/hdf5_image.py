"""HDF5 files that appear at once: built in memory, written by Python, which knows a full disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import h5py

from ptychopareto.files import atomic


@contextmanager
def hdf5_file(path: Path) -> Iterator[h5py.File]:
    """Give an empty HDF5 file to be filled; it becomes `path` at the end of the block.

    Raises
    ------
    OSError
        The file cannot be written; the error names the reason, without a word of HDF5's own.
    """
    memory = BytesIO()
    with h5py.File(memory, "w") as file:
        yield file
    with atomic(path) as temporary:
        temporary.write_bytes(memory.getbuffer())
