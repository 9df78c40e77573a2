"""A smaller training scan is the middle of the larger one, with its step."""

from dataclasses import replace

import numpy as np
import pytest

from ptychopareto.config import ConfigError
from ptychopareto.files import Dataset
from ptychopareto.learning.smaller_scan import smaller_scan


@pytest.fixture(scope="module")
def train(small_scan: tuple[Dataset, Dataset]) -> Dataset:
    """9×9 patterns in steps of 8 px."""
    return small_scan[0]


def test_all_patterns_are_the_scan_itself(train: Dataset) -> None:
    assert smaller_scan(train, None) is train


def test_a_square_number_is_the_square_in_the_middle(train: Dataset) -> None:
    middle = smaller_scan(train, 25)
    rows = np.arange(16, 49, 8)
    wanted = np.stack(np.meshgrid(rows, rows, indexing="ij"), axis=-1).reshape(-1, 2)
    np.testing.assert_array_equal(middle.corners, wanted)
    own = np.isin(train.corners, rows).all(axis=1)
    np.testing.assert_array_equal(middle.diffraction, train.diffraction[own])
    assert middle.object_shape == train.object_shape
    np.testing.assert_array_equal(middle.objects, train.objects)


@pytest.mark.parametrize("count", [2, 17, 40, 81])
def test_any_number_grows_from_the_middle(train: Dataset, count: int) -> None:
    some = smaller_scan(train, count)
    assert len(some.corners) == len(some.diffraction) == len(some.object_index) == count
    left = {tuple(corner) for corner in train.corners} - {tuple(c) for c in some.corners}
    distance = np.abs(np.array(sorted(left) or [[64, 64]]) - 32).max(axis=1)
    assert np.abs(some.corners - 32).max() <= distance.min()


def test_the_region_has_the_shape_of_the_scan(train: Dataset) -> None:
    wide = replace(train, corners=train.corners * [1, 3], objects=None, shape=(96, 224))
    middle = smaller_scan(wide, 25)
    assert np.ptp(middle.corners, axis=0).tolist() == [32, 96]


def test_several_objects_have_their_share(train: Dataset) -> None:
    assert train.objects is not None
    two = replace(
        train,
        diffraction=np.tile(train.diffraction, (2, 1, 1)),
        corners=np.tile(train.corners, (2, 1)),
        object_index=np.repeat(np.arange(2, dtype=np.int32), len(train.corners)),
        objects=np.concatenate([train.objects, train.objects]),
        patches=None,
    )
    assert np.bincount(smaller_scan(two, 50).object_index).tolist() == [25, 25]


def test_positions_between_pixels_count(train: Dataset) -> None:
    """The nearest of four patterns that whole pixels place equally far from the centre is found."""
    fractions = np.full((81, 2), 0.0, np.float32)
    fractions[(train.corners == [24, 24]).all(axis=1)] = 0.4
    some = smaller_scan(replace(train, fractions=fractions), 2)
    assert [24, 24] in some.corners.tolist()
    assert [32, 32] in some.corners.tolist()
    assert some.fractions is not None
    assert some.fractions.shape == (2, 2)


def test_more_than_there_are_is_refused(train: Dataset) -> None:
    with pytest.raises(ConfigError, match=r"train_patterns: 82 is too large; .* has 81 patterns"):
        smaller_scan(train, 82)
