from dataclasses import replace

import numpy as np
import pytest
import torch

from ptychopareto.config import Joint
from ptychopareto.files import Dataset
from ptychopareto.reconstruction.found_probe import (
    carried_over,
    find_probe,
    positions_of,
    side_by_side,
    with_positions,
    with_probe,
)

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def train(measured_scan: tuple[Dataset, np.ndarray]) -> Dataset:
    """A training part with a wrong guess of the probe, on another scale."""
    scan = measured_scan[0]
    guess = 40 * np.roll(scan.probe, 1, axis=0)
    none_free = np.zeros(len(scan.corners), bool)
    return replace(scan, probe=guess, further_modes=None, free=none_free)


def test_the_probe_is_found_and_predicts_what_was_held_out(train: Dataset) -> None:
    found = find_probe(train, Joint(modes=2, most_epochs=30), CPU)
    assert found.modes.shape == (2, 32, 32)
    power = (np.abs(found.modes) ** 2).sum(axis=(1, 2))
    assert power[0] > power[1]
    first, last = found.history[0], found.history[-1]
    assert last["r_held_out"] < first["r_held_out"] < 0.5
    assert found.epochs in [row["epoch"] for row in found.history]
    best = min(found.history, key=lambda row: row["r_held_out"])
    assert found.epochs == best["epoch"]
    record = found.record()
    assert sum(record["modes"]) == pytest.approx(1)
    assert record["photons"] == pytest.approx(float(power.sum()), rel=1e-4)


def test_so_many_epochs_as_the_config_says(train: Dataset) -> None:
    found = find_probe(train, Joint(epochs=7), CPU)
    assert found.epochs == 7
    assert found.history[-1]["epoch"] == 7
    assert np.isnan(found.history[-1]["r_held_out"])  # nothing was held out
    again = find_probe(train, Joint(epochs=7), CPU)
    np.testing.assert_array_equal(again.modes, found.modes)


def test_objects_of_several_scans_share_a_probe(train: Dataset) -> None:
    two = replace(
        train,
        diffraction=np.concatenate([train.diffraction] * 2),
        corners=np.tile(train.corners, (2, 1)),
        fractions=np.tile(train.fractions, (2, 1)),
        object_index=np.repeat(np.arange(2, dtype=np.int32), 81),
        free=np.zeros(162, bool),
    )
    assert side_by_side(two).object_shape == (192, 96)
    found = find_probe(two, Joint(epochs=6), CPU)
    assert found.objects.shape == (2, 96, 96)
    assert found.positions.shape == (162, 2)
    np.testing.assert_allclose(found.positions[81:], positions_of(train), atol=1e-5)


def test_corrections_that_all_positions_share_are_carried_over() -> None:
    rng = np.random.default_rng(0)
    stated, others = rng.uniform(0, 300, (50, 2)), rng.uniform(300, 500, (9, 2))
    turn = np.array([[1.02, 0.03], [-0.02, 0.99]])
    corrected = stated @ turn + (1.5, -2.0)
    np.testing.assert_allclose(
        carried_over(others, stated, corrected), others @ turn + (1.5, -2.0), atol=1e-8
    )


def test_positions_stay_on_the_object(train: Dataset) -> None:
    moved = with_positions(train, positions_of(train) + 100.3)
    assert moved.corners.max() <= 96 - 32
    assert moved.object_shape == train.object_shape
    back = with_positions(train, positions_of(train))
    np.testing.assert_array_equal(back.corners, train.corners)


def test_a_scan_takes_the_probe(train: Dataset) -> None:
    found = find_probe(train, Joint(epochs=2, modes=2), CPU)
    scan = with_probe(train, found)
    assert scan.modes.shape == (2, 32, 32)
    np.testing.assert_array_equal(scan.modes, found.modes)
