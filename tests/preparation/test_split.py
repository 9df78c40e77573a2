"""Which patterns are trained on, scored and free."""

import numpy as np
import pytest

from ptychopareto.preparation.split import choose_free, last_part, slow_axis

N = 16
LIGHT = np.exp(-(((np.mgrid[:N, :N] - N // 2) ** 2).sum(axis=0)) / 8)
DIAMETER = 6.0


def raster(rows: int, columns: int, step: float = 2.0) -> np.ndarray:
    row, column = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    return step * np.stack([row.ravel(), column.ravel()], axis=1).astype(float)


def spiral(count: int) -> np.ndarray:
    number = np.arange(count)
    angle, radius = number * np.pi * (3 - np.sqrt(5)), np.sqrt(number)
    return np.stack([2 * radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def test_the_slow_axis_is_the_one_along_which_a_scan_advances_slowly() -> None:
    """Even where it is the shorter one."""
    positions = raster(5, 40)
    assert slow_axis(positions) == 0
    assert slow_axis(positions[:, ::-1]) == 1
    assert slow_axis(positions[::-1]) == 0


def test_on_a_spiral_the_longer_axis_is_divided() -> None:
    assert slow_axis(spiral(200)) == 0
    assert slow_axis(spiral(200)[:, ::-1]) == 1


def test_the_last_part_is_one_of_the_region_not_of_the_time() -> None:
    positions = raster(20, 10)
    test = last_part(positions, 0.35)
    assert positions[test, 0].min() > positions[~test, 0].max()
    np.testing.assert_array_equal(last_part(positions[::-1], 0.35), test[::-1])


def test_free_patterns_lie_apart_from_training_and_under_the_light_of_others() -> None:
    positions = raster(24, 12)
    test = last_part(positions, 0.5)
    free = choose_free(positions, test, LIGHT, DIAMETER, 0.1, seed=0)
    assert free.which.sum() == round(0.1 * test.sum())
    assert not (free.which & ~test).any()
    assert free.apart
    assert free.covered >= 0.9
    gap = positions[free.which, 0].min() - positions[~test, 0].max()
    assert gap >= DIAMETER
    again = choose_free(positions, test, LIGHT, DIAMETER, 0.1, seed=0)
    np.testing.assert_array_equal(again.which, free.which)
    other = choose_free(positions, test, LIGHT, DIAMETER, 0.1, seed=1)
    assert (other.which != free.which).any()


@pytest.mark.parametrize("step", [6.0, 30.0])
def test_on_a_sparse_scan_those_that_others_cover_best_are_free(step: float) -> None:
    positions = raster(8, 8, step)
    test = last_part(positions, 0.35)
    free = choose_free(positions, test, LIGHT, DIAMETER, 0.1, seed=0)
    assert free.which.sum() == round(0.1 * test.sum())
    assert free.covered < 0.9


def test_a_scan_of_its_own_has_free_patterns_anywhere() -> None:
    positions = raster(12, 12)
    free = choose_free(positions, np.ones(144, bool), LIGHT, DIAMETER, 0.1, seed=0)
    assert free.which.sum() == 14
    assert free.apart
