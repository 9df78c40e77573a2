"""Fixtures shared by the library's tests: a small simulated scan, made once."""

import pytest

from ptychopareto.config import SimulatedDataset
from ptychopareto.files import Dataset
from ptychopareto.physics.dataset import simulate

SMALL = {
    "N": 32,
    "size": 96,
    "scan_step_train": 8,
    "scan_step_test": 8,
    "object": {"kind": "lines", "segments": 100},
    "probe": {"kind": "zone_plate"},
}


@pytest.fixture(scope="session")
def small_config() -> SimulatedDataset:
    return SimulatedDataset.model_validate(SMALL)


@pytest.fixture(scope="session")
def small_scan(small_config: SimulatedDataset) -> tuple[Dataset, Dataset]:
    """Training and test split: 81 patterns of 32² each, of one 96² object."""
    return simulate(small_config)
