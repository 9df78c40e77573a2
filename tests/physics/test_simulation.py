from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ptychopareto.config import ConfigError, NpzObject, SimulatedDataset
from ptychopareto.files import Dataset, write_npz
from ptychopareto.physics.forward import diffraction_amplitude
from ptychopareto.physics.simulation import simulate

Scans = tuple[Dataset, Dataset]


def test_shapes(small_scan: Scans) -> None:
    train, test = small_scan
    assert train.diffraction.shape == (81, 32, 32)
    assert train.objects is not None
    assert train.objects.shape == (1, 96, 96)
    assert test.ground_truth is not None
    assert test.ground_truth.shape == (65, 65)
    np.testing.assert_array_equal(test.ground_truth, test.objects[0, 16:81, 16:81])


def test_mean_counts_of_a_training_pattern(small_scan: Scans) -> None:
    train, test = small_scan
    assert train.intensity_scale == test.intensity_scale
    counts = (train.diffraction.astype(np.float64) * train.intensity_scale) ** 2
    assert counts.sum(axis=(1, 2)).mean() == pytest.approx(1e9, rel=1e-3)
    # Whole counts: what is stored is √counts / s and nothing else.
    few = counts[counts < 1000]
    np.testing.assert_allclose(few, np.round(few), atol=1e-2)


def test_patterns_are_those_of_the_stored_object_and_probe(small_scan: Scans) -> None:
    for split in small_scan:
        model = diffraction_amplitude(
            torch.from_numpy(split.patches), torch.from_numpy(split.probe)
        )
        noise = (split.diffraction - model.numpy()) * split.intensity_scale
        # The square root of a Poisson count has the variance 1/4, wherever there are counts enough.
        bright = model.numpy() * split.intensity_scale > 10
        assert noise[bright].std() == pytest.approx(0.5, rel=0.05)


def test_noiseless_patterns_are_predicted_again_exactly(small_config: SimulatedDataset) -> None:
    """With ever more photons, what is stored becomes |F(P·O)| of the stored probe and object."""
    train, test = simulate(small_config.model_copy(update={"photons": 1e17}))
    for split in (train, test):
        model = diffraction_amplitude(
            torch.from_numpy(split.patches), torch.from_numpy(split.probe)
        )
        np.testing.assert_allclose(split.diffraction, model.numpy(), rtol=0, atol=2e-7)


def test_amplitude_is_normalised_by_the_training_patches(small_scan: Scans) -> None:
    train, test = small_scan
    assert np.abs(train.patches).max(axis=(1, 2)).mean() == pytest.approx(1, rel=1e-5)
    assert train.norm_Y_I == test.norm_Y_I


def test_splits_differ_and_seeds_repeat(small_config: SimulatedDataset, small_scan: Scans) -> None:
    again = simulate(small_config)
    np.testing.assert_array_equal(again[0].diffraction, small_scan[0].diffraction)
    np.testing.assert_array_equal(again[1].diffraction, small_scan[1].diffraction)
    assert not np.allclose(again[0].objects, again[1].objects)
    other = simulate(small_config.model_copy(update={"seed": 2}))
    assert not np.allclose(other[0].objects, again[0].objects)


def test_several_objects(small_config: SimulatedDataset) -> None:
    train, test = simulate(small_config.model_copy(update={"images_train": 2, "images_test": 3}))
    np.testing.assert_array_equal(np.unique(train.object_index), [0, 1])
    assert test.objects.shape == (3, 96, 96)
    assert len(test.diffraction) == 3 * 81
    for index in range(3):
        first = np.flatnonzero(test.object_index == index)[0]
        np.testing.assert_array_equal(test.patches[first], test.objects[index, :32, :32])


def changed(config: SimulatedDataset, **changes: Any) -> SimulatedDataset:
    return SimulatedDataset.model_validate({**config.model_dump(), **changes})


def test_an_independent_phase_leaves_the_amplitudes_alone(
    small_config: SimulatedDataset, small_scan: Scans
) -> None:
    obj = {**small_config.object.model_dump(), "phase": "independent"}
    for split, coupled in zip(simulate(changed(small_config, object=obj)), small_scan, strict=True):
        np.testing.assert_allclose(np.abs(split.objects), np.abs(coupled.objects), rtol=1e-5)
        assert not np.allclose(split.objects, coupled.objects)


def test_jitter_moves_the_positions_and_nothing_else(
    small_config: SimulatedDataset, small_scan: Scans
) -> None:
    moved = simulate(changed(small_config, scan_jitter=3))
    for split, still in zip(moved, small_scan, strict=True):
        np.testing.assert_allclose(
            split.objects * split.norm_Y_I, still.objects * still.norm_Y_I, rtol=1e-6
        )
        assert np.abs(split.corners - still.corners).max() == 3
        for patch, (row, column) in zip(split.patches, split.corners, strict=True):
            np.testing.assert_array_equal(
                patch, split.objects[0, row : row + 32, column : column + 32]
            )
        rows, columns = split.scored_region()
        assert min(rows.stop - rows.start, columns.stop - columns.start) >= 65 - 6 * 3
    assert not np.array_equal(moved[0].corners, moved[1].corners)


def test_given_objects_are_those_of_their_split(
    small_config: SimulatedDataset, small_scan: Scans, tmp_path: Path
) -> None:
    """The objects of another simulation, given back, make the same scan."""
    given = NpzObject(path=tmp_path / "train.npz", test_path=tmp_path / "test.npz")
    for path, split in zip((given.path, given.test_path), small_scan, strict=True):
        write_npz(path, object=split.objects)
    again = simulate(changed(small_config, object=given.model_dump()))
    for split, first in zip(again, small_scan, strict=True):
        np.testing.assert_allclose(split.objects, first.objects, rtol=1e-5)
        np.testing.assert_allclose(split.diffraction, first.diffraction, atol=1e-3)


def test_objects_that_are_dark_where_they_are_scanned_are_refused(
    small_config: SimulatedDataset, tmp_path: Path
) -> None:
    image = np.zeros((96, 96), np.complex64)
    image[-1, -1] = 1  # the training scan ends before
    given = NpzObject(path=tmp_path / "train.npz", test_path=tmp_path / "test.npz")
    write_npz(given.path, object=image)
    write_npz(given.test_path, object=image)
    settings = {"scan_step_train": 30, "object": given.model_dump()}
    with pytest.raises(ConfigError, match="the training objects are 0 wherever they are scanned"):
        simulate(changed(small_config, **settings))
