"""Frames and pixels that cannot be right are found, said and left out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptychopareto.files import FileError
from ptychopareto.preparation.frames import bad_values
from ptychopareto.preparation.prepare import prepare
from ptychopareto.readers import MeasuredScan

from .conftest import settings
from .test_prepare import check


def frames_of(measured: MeasuredScan) -> np.ndarray:
    return measured.frames[:].copy()


def test_dark_frames_are_left_out_and_named(measured: MeasuredScan) -> None:
    frames = frames_of(measured)
    dark = [3, 50, 51, 200]
    frames[dark] = 0
    found = prepare([replace(measured, frames=frames)], settings())
    said = check(found, "dark frames")
    assert said["passed"] is False
    assert "4 of 240 frames" in said["said"]
    assert said["figure"]["left_out"] == dark
    assert set(dark).isdisjoint([*found.train_frames, *found.test_frames])
    np.testing.assert_array_equal(found.dark, dark)


def test_a_dark_frame_is_found_beside_a_hot_pixel(measured: MeasuredScan) -> None:
    frames = frames_of(measured)
    frames[[3, 50]] = 0
    frames[:, 3, 4] = 60_000
    found = prepare([replace(measured, frames=frames)], settings())
    assert check(found, "dark frames")["figure"]["left_out"] == [3, 50]
    assert check(found, "pixels")["figure"]["hot"] == 1
    assert found.train.valid is not None
    assert np.argwhere(~found.train.valid[0]).tolist() == [[3, 4]]


def test_a_gap_between_modules_is_found(measured: MeasuredScan) -> None:
    frames = frames_of(measured)
    frames[:, :, 18:20] = 0
    found = prepare([replace(measured, frames=frames)], settings())
    assert found.train.valid is not None
    silent = ~found.train.valid[0]
    assert set(np.argwhere(silent)[:, 1]) == {18, 19}
    assert silent[8:24, 18:20].all()
    assert (found.train.diffraction[:, silent] > 0).any()  # filled


def test_the_dark_surroundings_of_a_pattern_are_no_gap(measured: MeasuredScan) -> None:
    frames = np.zeros((240, 48, 48), np.uint16)
    frames[:, 8:40, 8:40] = measured.frames[:]
    found = prepare([replace(measured, frames=frames)], settings(free=0.05))
    assert check(found, "pixels")["figure"]["never_counting"] == 0


@pytest.mark.parametrize(
    ("values", "bad"),
    [
        (np.array([0, 65534, 65535], np.uint16), [0, 0, 1]),
        (np.array([0, 255], np.uint8), [0, 0]),
        (np.array([65535, 2**32 - 2, 2**32 - 1], np.uint32), [0, 0, 1]),
        (np.array([-1, 0, 65535], np.int32), [1, 0, 0]),
        (np.array([-1, 2**32 - 1, 5], np.int64), [1, 1, 0]),
        (np.array([np.nan, np.inf, -0.5, 2.0**32, 1.0], np.float32), [1, 1, 1, 1, 0]),
        (np.array([np.nan, 3], np.float16), [1, 0]),
    ],
)
def test_values_are_judged_in_their_own_type(values: np.ndarray, bad: list[int]) -> None:
    assert bad_values(values).tolist() == [bool(flag) for flag in bad]


def test_bad_values_of_single_frames_make_a_mask_of_their_own(measured: MeasuredScan) -> None:
    frames = frames_of(measured).astype(np.float32)
    frames[7, 10, 11] = np.nan
    frames[230, 12, 13] = -1
    found = prepare([replace(measured, frames=frames)], settings())
    for part, of, frame, pixel in (
        (found.train, found.train_frames, 7, (10, 11)),
        (found.test, found.test_frames, 230, (12, 13)),
    ):
        assert part.valid is not None
        assert np.argwhere(~part.valid).tolist() == [[int(np.flatnonzero(of == frame)[0]), *pixel]]
        assert np.isfinite(part.diffraction).all()


def test_marks_of_a_detector_are_not_counts(measured: MeasuredScan) -> None:
    frames = frames_of(measured)
    frames[:, 5, 6] = 65535
    found = prepare([replace(measured, frames=frames)], settings())
    assert check(found, "pixels")["figure"]["bad_values"] == 1
    assert found.train.diffraction.max() < 200


def test_nan_frames_are_left_out(measured: MeasuredScan) -> None:
    frames = frames_of(measured).astype(np.float64)
    frames[20:24] = np.nan
    found = prepare([replace(measured, frames=frames)], settings())
    assert check(found, "dark frames")["figure"]["left_out"] == [20, 21, 22, 23]


def test_bytes_are_not_squared_in_their_own_type(measured: MeasuredScan) -> None:
    """255² = 1 in eight bits."""
    few = np.minimum(frames_of(measured), 255).astype(np.uint8)
    found = prepare([replace(measured, frames=few)], settings(bin=1))
    wanted = np.sqrt(few[found.train_frames].astype(np.float64)).astype(np.float32)
    np.testing.assert_array_equal(found.train.diffraction, wanted)
    amplitudes = prepare([replace(measured, frames=few, values="amplitude")], settings(bin=2))
    squares = few[amplitudes.train_frames].astype(np.float64) ** 2
    sums = squares.reshape(len(squares), 16, 2, 16, 2).sum(axis=(2, 4))
    np.testing.assert_allclose(amplitudes.train.diffraction, np.sqrt(sums), rtol=1e-6)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_a_mask_of_the_config_is_applied(
    suffix: str, tmp_path: Path, measured: MeasuredScan
) -> None:
    mask = np.ones((32, 32), np.uint8)
    mask[:, 4] = 0
    path = tmp_path / f"mask{suffix}"
    if suffix == ".npy":
        np.save(path, mask)
    else:
        np.savez(path, mask=mask)
    found = prepare([measured], settings(mask=str(path)))
    assert found.train.valid is not None
    np.testing.assert_array_equal(found.train.valid[0], mask.astype(bool))


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (np.ones((3, 3)), r"mask of float64 \(3, 3\); numbers of the frames' shape \(32, 32\)"),
        (np.zeros((32, 32)), "0 everywhere"),
        (np.array(["x"]), "mask of <U1"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(
    mask: Any, reason: str, tmp_path: Path, measured: MeasuredScan
) -> None:
    np.save(tmp_path / "mask.npy", mask)
    with pytest.raises(FileError, match=reason):
        prepare([measured], settings(mask=str(tmp_path / "mask.npy")))
