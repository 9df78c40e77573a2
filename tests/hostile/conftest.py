"""The process that reads damaged HDF5 files."""

from collections.abc import Iterator

import pytest

from .apart import Reader


@pytest.fixture(scope="session")
def reader() -> Iterator[Reader]:
    other = Reader()
    yield other
    other.end()
