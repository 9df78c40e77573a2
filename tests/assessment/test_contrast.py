"""How much structure a reconstruction has, beside that of the truth."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from ptychopareto.assessment.contrast import contrast

Object = NDArray[np.complex128]
Y, X = np.mgrid[:48, :48] / 48


def obj(phase: float = 0.5, absorption: float = 0.1) -> Object:
    rng = np.random.default_rng(0)
    waves = [gaussian_filter(rng.standard_normal((48, 48)), 2) for _ in range(2)]
    one, other = ((wave - wave.mean()) / wave.std() for wave in waves)
    result: Object = (1 + absorption * one) * np.exp(1j * phase * other)
    return result


def test_the_truth_has_its_own_contrast() -> None:
    assert contrast(obj(), obj()) == pytest.approx({"contrast_phase": 1, "contrast_amp": 1})


def test_a_factor_and_a_ramp_are_no_structure() -> None:
    changed = (2 - 1j) * np.exp(3j * X - 2j * Y) * obj()
    expected = {"contrast_phase": 1, "contrast_amp": 1}
    assert contrast(changed, obj()) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("ramp", [0, 4])
def test_a_constant_has_none(ramp: float) -> None:
    found = contrast(0.3 * np.exp(1j * ramp * X), obj())
    assert found == pytest.approx({"contrast_phase": 0, "contrast_amp": 0}, abs=1e-6)


def test_a_tenth_of_the_structure_is_a_tenth() -> None:
    found = contrast(obj(0.05, 0.01), obj())
    assert found == pytest.approx({"contrast_phase": 0.1, "contrast_amp": 0.1}, rel=0.1)


def test_a_part_in_which_the_truth_has_none_is_void() -> None:
    found = contrast(obj(), obj(phase=0.001))
    assert math.isnan(found["contrast_phase"])
    assert found["contrast_amp"] == pytest.approx(1)
    assert math.isnan(contrast(obj(), obj(absorption=1e-4))["contrast_amp"])


def test_a_phase_that_wraps_is_no_exception() -> None:
    assert contrast(obj(phase=3), obj(phase=3))["contrast_phase"] == pytest.approx(1)
    assert contrast(np.ones((48, 48)), obj(phase=3))["contrast_phase"] < 0.1


def test_only_the_region_counts() -> None:
    region = np.zeros((48, 48), bool)
    region[8:40, 8:40] = True
    spoilt = np.where(region, obj(), 100)
    expected = {"contrast_phase": 1, "contrast_amp": 1}
    assert contrast(spoilt, obj(), region) == pytest.approx(expected)
