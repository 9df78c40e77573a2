"""Fixtures shared by the library's tests: a small simulated scan, made once."""

import gc
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

import warm
from ptychopareto.config import SimulatedDataset
from ptychopareto.files import Dataset
from ptychopareto.physics import scan
from ptychopareto.physics.forward import diffraction_amplitude
from ptychopareto.physics.simulation import simulate
from ptychopareto.physics.subpixel import shifted

SMALL = {
    "N": 32,
    "size": 96,
    "scan_step_train": 8,
    "scan_step_test": 8,
    "object": {"kind": "lines", "segments": 100},
    "probe": {"kind": "zone_plate"},
}


# The groups of tests that take longest, longest first. The tests of a group share a worker.
LONGEST = (
    *("cluster", "long_light_study", "faults_kills", "long_floors", "faults_search"),
    *("workflow_search", "workflow_search_and_grid", "faults_disk", "faults_damage"),
    *("workflow_reruns", "workflow_measured", "workflow_failures", "workflow_partial"),
    *("workflow_new_measure", "workflow_new_axis"),
)


def pytest_configure(config: pytest.Config) -> None:
    """Let a parallel run share what it starts once, and keep to the order of the tests.

    By itself xdist begins with the largest group of them.
    """
    config.option.loadscopereorder = False
    if config.getoption("numprocesses", None) and sys.platform == "linux":
        warm.share()


def pytest_collection_finish() -> None:
    """Keep Python from looking for garbage in what stays to the end: some 6 % of the time."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the studies, which take minutes, and end with what takes milliseconds.

    So the workers of a parallel run end at about the same time.
    """
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    """Return where a test stands: among the longest groups, the others, or by itself."""
    group = item.get_closest_marker("xdist_group")
    if group is None:
        return len(LONGEST) + 1
    return LONGEST.index(group.args[0]) if group.args[0] in LONGEST else len(LONGEST)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Each test draws the same numbers, whatever ran before it."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def small_config() -> SimulatedDataset:
    return SimulatedDataset.model_validate(SMALL)


@pytest.fixture(scope="session")
def small_scan(small_config: SimulatedDataset) -> tuple[Dataset, Dataset]:
    """Training and test split: 81 patterns of 32² each, of one 96² object."""
    return simulate(small_config)


@pytest.fixture(scope="session")
def round_scan(small_scan: tuple[Dataset, Dataset]) -> Dataset:
    """120 noiseless patterns of the training object on a Fermat spiral, in any order."""
    train = small_scan[0]
    assert train.objects is not None
    number = np.random.default_rng(0).permutation(120)
    angle, radius = number * np.pi * (3 - np.sqrt(5)), 32 * np.sqrt(number / 119)
    turned = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    corners = np.rint(32 + turned).astype(np.int64)
    patches = scan.patches(train.objects[0], corners, train.N)
    model = diffraction_amplitude(torch.from_numpy(patches), torch.from_numpy(train.probe))
    return replace(
        train,
        diffraction=model.numpy(),
        corners=corners,
        object_index=np.zeros(len(corners), np.int32),
        patches=patches,
    )


@pytest.fixture(scope="session")
def measured_scan(small_scan: tuple[Dataset, Dataset]) -> tuple[Dataset, np.ndarray]:
    """81 patterns between pixels, of two modes, some pixels dead and filled with nonsense.

    Three of them are free. The true object comes beside the scan.
    """
    train = small_scan[0]
    assert train.objects is not None
    rng = np.random.default_rng(0)
    corners = np.clip(train.corners, 1, 96 - 32 - 1)
    fractions = rng.uniform(-0.5, 0.5, corners.shape).astype(np.float32)
    weaker = 0.4 * np.roll(train.probe, 3, axis=0)[None]
    modes = torch.from_numpy(np.concatenate([train.probe[None], weaker]))
    lights = shifted(modes, torch.from_numpy(fractions)[:, None])
    patches = torch.from_numpy(scan.patches(train.objects[0], corners, 32))
    diffraction = diffraction_amplitude(patches, lights).numpy()
    valid = rng.random((1, 32, 32)) > 0.02
    diffraction[:, ~valid[0]] = 9.0
    free = np.zeros(81, bool)
    free[[30, 41, 50]] = True
    return (
        Dataset(
            diffraction=diffraction,
            probe=train.probe,
            corners=corners,
            object_index=np.zeros(81, np.int32),
            fractions=fractions,
            valid=valid,
            free=free,
            further_modes=weaker,
            shape=(96, 96),
        ),
        train.objects[0],
    )
