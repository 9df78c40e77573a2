"""A scan that is reconstructed as a whole: all its patterns, some of them free."""

from pathlib import Path

import numpy as np
import pytest

from ptychopareto.pictures.scan import draw
from ptychopareto.preparation.patterns import read_patterns
from ptychopareto.preparation.prepare import prepare
from ptychopareto.preparation.whole import Whole, prepare_whole
from ptychopareto.readers import MeasuredScan

from .conftest import settings


@pytest.fixture(scope="module")
def whole(measured: MeasuredScan) -> Whole:
    return prepare_whole(measured, settings(), 0.05)


def test_all_patterns_are_there_and_a_part_is_free(whole: Whole, measured: MeasuredScan) -> None:
    data = whole.dataset
    assert data.free is not None
    assert data.free.sum() == 12
    np.testing.assert_array_equal(whole.frames, np.arange(240))
    np.testing.assert_array_equal(
        data.diffraction, np.sqrt(measured.frames[:].astype(float)).astype(np.float32)
    )
    assert whole.record["patterns"] == {"used": 228, "free": 12}


def test_the_choice_of_free_patterns_has_a_seed(measured: MeasuredScan, whole: Whole) -> None:
    again = prepare_whole(measured, settings(), 0.05).dataset
    other = prepare_whole(measured, settings(seed=1), 0.05).dataset
    np.testing.assert_array_equal(again.free, whole.dataset.free)
    assert (other.free != whole.dataset.free).any()


def test_none_need_be_free(measured: MeasuredScan) -> None:
    data = prepare_whole(measured, settings(), 0).dataset
    assert data.free is not None
    assert not data.free.any()


def test_positions_probe_and_assumptions_are_those_of_a_study(
    measured: MeasuredScan, whole: Whole
) -> None:
    study = prepare([measured], settings(), measured)
    for name in ("corners", "fractions"):
        np.testing.assert_array_equal(getattr(whole.dataset, name), getattr(study.test, name))
    ratio = whole.dataset.probe / study.test.probe  # each is as bright as its own patterns
    np.testing.assert_allclose(ratio, np.abs(ratio).mean(), rtol=1e-4)
    said = [entry["what"] for entry in whole.record["assumptions"]]
    assert {"N", "positions", "mask", "probe", "values"} <= set(said)


def test_further_frames_become_patterns_as_the_first_ones_did(whole: Whole) -> None:
    later = read_patterns(whole.surveyed, np.array([3, 100, 239]), whole.values)
    np.testing.assert_array_equal(later.amplitudes, whole.dataset.diffraction[[3, 100, 239]])


def test_it_has_a_picture(whole: Whole, tmp_path: Path) -> None:
    draw(whole.as_prepared(), tmp_path / "scan.png")
    assert (tmp_path / "scan.png").stat().st_size > 10_000
