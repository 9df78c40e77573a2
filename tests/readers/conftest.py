"""The scan that is written in each format."""

import pytest

from readers.writers import Scan, a_scan


@pytest.fixture(scope="session")
def scan() -> Scan:
    return a_scan()
