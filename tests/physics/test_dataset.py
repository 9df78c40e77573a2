import numpy as np
import pytest
import torch

from ptychopareto.config import SimulatedDataset
from ptychopareto.files import Dataset
from ptychopareto.physics.dataset import simulate
from ptychopareto.physics.forward import diffraction_amplitude

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
