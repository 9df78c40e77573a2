"""Positions that are turned, and patterns that are no far field, are found out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptychopareto.files import FileError
from ptychopareto.preparation.prepare import Prepared, prepare
from ptychopareto.preparation.shadows import follow
from ptychopareto.preparation.trial import take_sample
from ptychopareto.readers import MeasuredScan, read_scan

from .conftest import settings
from .test_prepare import assumption, check

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
STAR, PETRA = SHARED / "siemens_star.npz", SHARED / "petra_near_field.cxi"


def star() -> MeasuredScan:
    """The measured Siemens star, taken out of its file by hand."""
    if not STAR.exists():
        pytest.skip("the measured scan ../shared/data/siemens_star.npz is not beside the checkout")
    with np.load(STAR) as file:
        return MeasuredScan(
            path=str(STAR),
            format="test",
            frames=file["data"][0],
            positions=file["scan"][0].astype(np.float64),
            position_unit="px",
            probe=file["probe"].reshape(1, 128, 128),
        )


def turned(scan: MeasuredScan, how: str) -> MeasuredScan:
    """A scan with a mistake in its axes."""
    assert scan.positions is not None
    match how:
        case "transposed":
            return replace(scan, positions=scan.positions[:, ::-1])
        case "sign of a column":
            return replace(scan, positions=scan.positions * [1, -1])
        case "sign of a row":
            return replace(scan, positions=scan.positions * [-1, 1])
        case "rows of patterns":
            return replace(scan, frames=np.roll(scan.frames[:][:, ::-1], 1, axis=1))
    raise AssertionError(how)


MISTAKES: list[tuple[str, str, dict[str, Any]]] = [
    ("transposed", "order: x_y", {"positions": {"order": "x_y"}}),
    ("sign of a column", r"sign: \[row\]", {"positions": {"sign": ["column"]}}),
    ("sign of a row", r"sign: \[row\]", {"positions": {"sign": ["row"]}}),
    ("rows of patterns", "flip_rows: true", {"orientation": {"flip_rows": True}}),
]


@pytest.mark.parametrize(("how", "remedy", "said"), MISTAKES)
def test_turned_positions_are_refused_and_mended_by_the_config(
    how: str, remedy: str, said: dict[str, Any], measured: MeasuredScan
) -> None:
    wrong = turned(measured, how)
    with pytest.raises(FileError, match=rf"R-factor 0\.\d+, as they are 0\.\d+.*{remedy}"):
        prepare([wrong], settings())
    right = prepare([measured], settings())
    mended = prepare([wrong], settings(**said))
    np.testing.assert_array_equal(mended.train.diffraction, right.train.diffraction)
    np.testing.assert_allclose(mended.train.corners, right.train.corners)
    assert check(mended, "orientation")["passed"] is True


@pytest.mark.parametrize(
    ("how", "remedy", "said"),
    [
        pytest.param(*mistake, marks=pytest.mark.long if mistake[0].startswith("sign") else ())
        for mistake in MISTAKES
    ],
)
def test_the_measured_star_with_turned_axes_is_found_out(
    how: str, remedy: str, said: dict[str, Any]
) -> None:
    scan = star()
    with pytest.raises(FileError, match=rf"R-factor 0\.\d+, as they are 0\.\d+.*{remedy}"):
        prepare([turned(scan, how)], settings())
    assert check(prepare([turned(scan, how)], settings(**said)), "orientation")["passed"] is True


def test_the_measured_star_needs_no_hand() -> None:
    found = prepare([star()], settings())
    assert found.record["patterns"] == {"train": 339, "test": 177, "free": 18}
    assert check(found, "zero frequency")["said"].startswith(
        "the light of the mean pattern lies at"
    )
    assert check(found, "regime")["passed"] is True
    figure = check(found, "overlap")["figure"]
    assert figure["step"] < 0.2 * figure["diameter"]
    assert check(found, "free patterns")["figure"]["apart"] is True
    assert assumption(found, "layout of the frames")["value"]["zero_frequency"] == "corner"


@pytest.mark.long
def test_without_a_probe_the_defocus_of_the_mean_pattern_is_found() -> None:
    scan = replace(star(), probe=None)
    found = prepare([scan], settings())
    assert check(found, "regime")["passed"] is True
    with pytest.raises(FileError, match="the positions fit transposed"):
        prepare([turned(scan, "transposed")], settings())


def test_near_field_patterns_are_refused() -> None:
    if not PETRA.exists():
        pytest.skip("the measured scan ../shared/data/petra_near_field.cxi is not beside it")
    with pytest.raises(
        FileError, match=r"is not far-field diffraction .*R-factor 0\.1\d\d of held"
    ):
        prepare([read_scan(PETRA)], settings())


def test_patterns_of_other_positions_are_no_far_field(measured: MeasuredScan) -> None:
    assert measured.positions is not None
    shuffled = np.random.default_rng(0).permutation(measured.positions)
    with pytest.raises(FileError, match="is not far-field diffraction as described"):
        prepare([replace(measured, positions=shuffled)], settings())


def test_a_probe_that_explains_nothing_is_replaced_by_a_guess(measured: MeasuredScan) -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2, 1, 32, 32))
    found = prepare([replace(measured, probe=noise[0] + 1j * noise[1])], settings())
    assert check(found, "probe")["passed"] is False
    assert check(found, "regime")["passed"] is True


def test_drift_and_saturation_and_islands_are_said(measured: MeasuredScan) -> None:
    frames = measured.frames[:].astype(np.float64)
    frames *= np.linspace(1, 0.2, len(frames))[:, None, None]
    frames = np.minimum(np.rint(frames), 250).astype(np.uint16)
    assert measured.positions is not None
    pushed = measured.positions.copy()
    pushed[:60, 0] -= 60 * np.ptp(pushed[:, 0]) / 100
    found = prepare([replace(measured, frames=frames, positions=pushed)], settings())
    for name in ("drift", "saturation", "overlap"):
        assert check(found, name)["passed"] is False, name
    assert check(found, "overlap")["figure"]["islands"] == 2


def test_modes_of_the_probe_are_made_orthogonal(measured: MeasuredScan) -> None:
    assert measured.probe is not None
    first = measured.probe[0].astype(np.complex128)
    second = 0.3 * np.roll(first, 2, axis=0)
    found: Prepared = prepare([replace(measured, probe=np.stack([second, first]))], settings())
    modes = found.train.modes.astype(np.complex128)
    assert modes.shape == (2, 32, 32)
    overlap = np.vdot(modes[0], modes[1])
    light = (np.abs(modes) ** 2).sum(axis=(1, 2))
    assert abs(overlap) < 1e-3 * light[0]
    assert light[0] > light[1]
    mutual = sum(np.outer(mode, mode.conj()) for mode in (first.ravel(), second.ravel()))
    ours = sum(np.outer(mode, mode.conj()) for mode in modes.reshape(2, -1))
    np.testing.assert_allclose(ours / np.trace(ours), mutual / np.trace(mutual), atol=1e-6)


def test_a_probe_of_the_other_curvature_is_turned_into_its_twin(measured: MeasuredScan) -> None:
    assert measured.positions is not None
    right = prepare([measured], settings())
    found = prepare([replace(measured, positions=-measured.positions)], settings())
    assert check(found, "twin")["passed"] is False
    assert check(found, "regime")["passed"] is True
    ours, other = (scan.train.probe.astype(np.complex128) for scan in (right, found))
    conjugate = np.roll(other[::-1, ::-1].conj(), (1, 1), (0, 1))
    likeness = abs(np.vdot(ours, conjugate)) / np.linalg.norm(ours) / np.linalg.norm(conjugate)
    assert likeness > 0.999


def test_shadow_images_tell_the_orientation_without_a_probe() -> None:
    scan = star()
    amplitudes = np.sqrt(np.fft.fftshift(scan.frames[:], axes=(1, 2)))
    valid = np.ones((1, 128, 128), bool)
    for number, how in enumerate(("as it is", "sign of a column", "transposed")):
        positions = (scan if how == "as it is" else turned(scan, how)).positions
        assert positions is not None
        shadows = follow(take_sample(amplitudes, valid, positions - positions.min(axis=0), 100))
        assert shadows.best == number
        assert shadows.explained[number] > 0.4
