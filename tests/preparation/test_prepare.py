"""What a measured scan becomes: two parts, one frame of coordinates, amplitudes, a mask."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ptychopareto.files import Dataset, FileError
from ptychopareto.preparation.overrides import apply_config
from ptychopareto.preparation.prepare import Prepared, prepare
from ptychopareto.readers import MeasuredScan

from .conftest import COUNTS, PIXEL, settings


@pytest.fixture(scope="module")
def prepared(measured: MeasuredScan) -> Prepared:
    return prepare([measured], settings())


def assumption(prepared: Prepared, what: str) -> dict[str, Any]:
    return next(entry for entry in prepared.record["assumptions"] if entry["what"] == what)


def check(prepared: Prepared, name: str) -> dict[str, Any]:
    return next(entry for entry in prepared.record["checks"] if entry["name"] == name)


def positions(dataset: Dataset) -> np.ndarray:
    assert dataset.fractions is not None
    return dataset.corners + dataset.fractions.astype(np.float64)


def test_patterns_are_roots_of_counts_at_their_positions(
    prepared: Prepared, measured: MeasuredScan
) -> None:
    assert measured.positions is not None
    nominal = (measured.positions - measured.positions.min(axis=0)) / PIXEL
    for part, frames in (
        (prepared.train, prepared.train_frames),
        (prepared.test, prepared.test_frames),
    ):
        wanted = np.sqrt(measured.frames[:][frames].astype(np.float64)).astype(np.float32)
        np.testing.assert_array_equal(part.diffraction, wanted)
        np.testing.assert_allclose(positions(part), nominal[frames], atol=1e-4)
        assert part.valid is None
        assert part.shape == tuple(np.rint(nominal).max(axis=0).astype(int) + 32)
    assert sorted([*prepared.train_frames, *prepared.test_frames]) == list(range(240))


def test_the_last_rows_are_scored_and_some_of_them_free(prepared: Prepared) -> None:
    train, test = prepared.train, prepared.test
    assert train.free is not None
    assert test.free is not None
    assert positions(train)[:, 0].max() < positions(test)[:, 0].min()
    assert 0.3 < len(test.diffraction) / 240 < 0.4
    assert not train.free.any()
    assert test.free.sum() == round(0.1 * len(test.free))


def test_the_choice_of_free_patterns_follows_the_seed(
    prepared: Prepared, measured: MeasuredScan
) -> None:
    same, other = (prepare([measured], settings(seed=seed)).test.free for seed in (0, 1))
    np.testing.assert_array_equal(same, prepared.test.free)
    assert (other != prepared.test.free).any()


def test_the_probe_is_as_bright_as_the_training_patterns(prepared: Prepared) -> None:
    light = float((np.abs(prepared.train.probe.astype(np.complex128)) ** 2).sum())
    mean = float((prepared.train.diffraction.astype(np.float64) ** 2).sum(axis=(1, 2)).mean())
    assert light == pytest.approx(mean, rel=1e-6)
    assert light == pytest.approx(COUNTS, rel=0.2)
    assert (prepared.train.probe == prepared.test.probe).all()


def same_as(prepared: Prepared, other: Prepared) -> None:
    for one, two in ((prepared.train, other.train), (prepared.test, other.test)):
        np.testing.assert_array_equal(one.diffraction, two.diffraction)
        np.testing.assert_allclose(positions(one), positions(two), atol=1e-4)
        np.testing.assert_array_equal(one.free, two.free)


@pytest.mark.parametrize("claimed", ["corner", "centre", None])
def test_frames_with_the_zero_frequency_at_the_corner_are_recognised(
    claimed: Any, prepared: Prepared, measured: MeasuredScan
) -> None:
    frames = np.fft.ifftshift(measured.frames[:], axes=(1, 2))
    found = prepare([replace(measured, frames=frames, zero_frequency=claimed)], settings())
    same_as(found, prepared)
    assert check(found, "zero frequency")["passed"] is (claimed != "centre")


@pytest.mark.parametrize("orientation", [(True, False, False), (False, True, False), (True, 1, 1)])
def test_frames_are_turned_as_their_format_says(
    orientation: Any, prepared: Prepared, measured: MeasuredScan
) -> None:
    """A flip of an even number of rows moves the zero frequency by one: it is moved back."""
    transpose, rows, columns = orientation
    frames = measured.frames[:]
    if columns:
        frames = frames[:, :, ::-1]
    if rows:
        frames = frames[:, ::-1]
    if transpose:
        frames = frames.swapaxes(1, 2)
    # Flipped frames whose zero frequency lies at their own N // 2 again.
    shift = [int(flip) for flip in ((rows, columns) if not transpose else (columns, rows))]
    frames = np.roll(frames, shift, axis=(1, 2))
    turned = replace(measured, frames=frames, orientation=tuple(map(bool, orientation)))
    same_as(prepare([turned], settings()), prepared)


def test_units_and_order_of_positions_come_from_the_config(
    prepared: Prepared, measured: MeasuredScan
) -> None:
    assert measured.positions is not None
    strange = replace(measured, positions=-1e6 * measured.positions[:, ::-1])
    with pytest.raises(FileError, match=r"positions span .* dataset\.positions\.unit"):
        prepare([strange], settings())
    said = {"unit": "um", "order": "x_y", "sign": ["row", "column"]}
    same_as(prepare([strange], settings(positions=said)), prepared)


def test_a_unit_of_the_config_takes_the_place_of_the_files(measured: MeasuredScan) -> None:
    """Motors may have two units; the one of the config is that of both."""
    assert measured.positions is not None
    mixed = replace(measured, position_scale=(1e-3, 1e-6))
    turned = apply_config(mixed, settings(positions={"unit": "um", "order": "x_y"}))
    wanted = measured.positions[:, ::-1] * (1, 1e-3)
    np.testing.assert_allclose(turned.positions, wanted, rtol=1e-12)
    in_pixels = apply_config(mixed, settings(positions={"unit": "px"}))
    assert in_pixels.position_unit == "px"
    np.testing.assert_allclose(in_pixels.positions, measured.positions * (1e3, 1e6), rtol=1e-12)


def test_positions_in_metres_need_the_size_of_a_pixel(
    prepared: Prepared, measured: MeasuredScan
) -> None:
    vague = replace(measured, wavelength=None, distance=None, detector_pixel=None)
    with pytest.raises(FileError, match=r"nothing says how large a pixel is; dataset\.energy"):
        prepare([vague], settings())
    said = settings(wavelength=1e-10, distance=1.0, pixel_size=5e-5)
    same_as(prepare([vague], said), prepared)
    assert "the config" in assumption(prepare([vague], said), "object pixel [m]")["from"]


def test_a_crop_makes_the_pixels_of_the_object_larger(measured: MeasuredScan) -> None:
    found = prepare([measured], settings(N=24))
    assert found.pixel == pytest.approx((PIXEL * 32 / 24,) * 2)
    assert found.train.diffraction.shape[1:] == (24, 24)
    wanted = np.sqrt(measured.frames[:][found.train_frames][:, 4:28, 4:28].astype(np.float64))
    np.testing.assert_array_equal(found.train.diffraction, wanted.astype(np.float32))
    assert measured.positions is not None
    nominal = (measured.positions - measured.positions.min(axis=0)) / PIXEL * 24 / 32
    np.testing.assert_allclose(positions(found.train), nominal[found.train_frames], atol=1e-4)
    assert "object pixel grows" in assumption(found, "N")["from"]


def test_binning_adds_counts_and_keeps_the_pixels_of_the_object(measured: MeasuredScan) -> None:
    wide = np.repeat(np.repeat(measured.frames[:], 2, axis=1), 2, axis=2)
    half = replace(measured, frames=wide, detector_pixel=(2.5e-5, 2.5e-5))
    found = prepare([half], settings(bin=2))
    assert found.pixel == pytest.approx((PIXEL,) * 2)
    wanted = np.sqrt(4 * measured.frames[:][found.train_frames].astype(np.float64))
    np.testing.assert_array_equal(found.train.diffraction, wanted.astype(np.float32))


def test_an_off_centre_beam_is_moved_to_the_middle(
    prepared: Prepared, measured: MeasuredScan
) -> None:
    frames = np.zeros((240, 60, 50), np.uint16)
    frames[:, 20:52, 4:36] = measured.frames[:]  # zero frequency at (36, 20)
    raw = replace(measured, frames=frames, zero_frequency=None, probe=None)
    pixel = (PIXEL, PIXEL)
    raw = replace(raw, probe=measured.probe, object_pixel=pixel)
    found = prepare([raw], settings(N=32))
    offset = np.array(assumption(found, "layout of the frames")["value"]["offset"])
    np.testing.assert_allclose(offset, [6, -5], atol=1)
    assert found.pixel == pytest.approx(pixel)
    if (offset == [6, -5]).all():
        same_as(found, prepared)


def test_several_scans_are_objects_of_one_study(prepared: Prepared, measured: MeasuredScan) -> None:
    found = prepare([measured, measured], settings())
    for one, two in ((prepared.train, found.train), (prepared.test, found.test)):
        count = len(one.diffraction)
        np.testing.assert_array_equal(two.diffraction[count:], one.diffraction)
        np.testing.assert_array_equal(two.object_index, np.repeat([0, 1], count))
        np.testing.assert_allclose(positions(two)[count:], positions(one))


def test_another_scan_can_be_scored(prepared: Prepared, measured: MeasuredScan) -> None:
    found = prepare([measured], settings(test={"scan": "other.h5"}), measured)
    assert len(found.train.diffraction) == len(found.test.diffraction) == 240
    assert found.test.free is not None
    assert found.test.free.sum() == 24
    assert found.train.shape == found.test.shape == prepared.train.shape
    assert check(found, "brightness")["figure"] == pytest.approx(1)
    dim = replace(measured, frames=measured.frames[:] // 2)
    found = prepare([measured], settings(test={"scan": "other.h5"}), dim)
    assert check(found, "brightness")["passed"] is False


def test_amplitudes_are_told_from_counts(prepared: Prepared, measured: MeasuredScan) -> None:
    roots = np.sqrt(measured.frames[:].astype(np.float64))
    for frames, values in ((roots, "amplitude"), (roots**2 * 1.1, "intensity")):
        found = prepare([replace(measured, frames=frames, values=None)], settings())
        assert assumption(found, "values")["value"] == values
    said = prepare([replace(measured, frames=roots, values=None)], settings(counts="amplitude"))
    np.testing.assert_allclose(said.train.diffraction, prepared.train.diffraction, rtol=1e-6)
    np.testing.assert_allclose(said.totals, prepared.totals)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"positions": np.zeros((961, 2))}, r"positions of shape \(961, 2\) for 240 frames"),
        ({"positions": None}, "has no positions"),
        ({"positions": np.full((240, 2), np.nan)}, "240 of 240 positions are NaN"),
        ({"frames": np.zeros((240, 32, 32), np.uint16)}, "all frames are empty"),
        ({"valid": np.zeros((32, 32), bool)}, "all frames are empty"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(
    change: dict[str, Any], reason: str, measured: MeasuredScan
) -> None:
    with pytest.raises(FileError, match=reason) as refused:
        prepare([replace(measured, **change)], settings())
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"N": 64}, "frames of 32 × 32 px; N = 64 with bin = 1 does not fit, N of at most 32"),
        ({"bin": 8}, "a smaller bin"),
        ({"test": {"part": 1e-5}}, "dataset.test.part = 1e-05 leaves"),
    ],
)
def test_a_config_that_does_not_fit_the_scan_is_refused(
    said: dict[str, Any], reason: str, measured: MeasuredScan
) -> None:
    with pytest.raises(FileError, match=reason):
        prepare([measured], settings(**said))


def test_a_shadow_image_that_is_uneven_is_not_moved(measured: MeasuredScan) -> None:
    """Where the sample absorbs on one side, the centre of the light is not the beam's."""
    for probe, dimmed in ((measured.probe, 0.3), (None, 0.8)):
        frames = measured.frames[:].astype(np.float64)
        frames[:, :16] *= dimmed
        uneven = replace(measured, frames=np.rint(frames).astype(np.uint16), probe=probe)
        found = prepare([uneven], settings())
        assert assumption(found, "layout of the frames")["value"]["offset"] == [0, 0]


def test_scans_with_masks_of_their_own_keep_them(measured: MeasuredScan) -> None:
    mask = np.ones((32, 32), bool)
    mask[3, 4] = False
    train = prepare([measured, replace(measured, valid=mask)], settings()).train
    assert train.valid is not None
    assert train.valid[train.object_index == 0].all()
    bad = ~train.valid[train.object_index == 1]
    assert (bad == ~mask).all()
