"""Frames and pixels that cannot be right are found, and only those."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ptychopareto.assessment.metrics import evaluate
from ptychopareto.config import SimulatedDataset, Teacher
from ptychopareto.files import Dataset, FileError, read_dataset, read_npz, write_dataset
from ptychopareto.physics.simulation import simulate
from ptychopareto.preparation.bad_pixels import filled, impossible
from ptychopareto.preparation.sound_patterns import read_sound_dataset
from ptychopareto.reconstruction.teacher import teach

Arrays = dict[str, NDArray[Any]]
N = 32


@pytest.fixture(scope="module")
def scan() -> Dataset:
    """529 patterns of 32² px of one object."""
    settings = {"N": N, "size": 142, "scan_step_train": 5, "scan_step_test": 5}
    return simulate(SimulatedDataset.model_validate(settings))[0]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scan.npz"


@pytest.fixture
def arrays(scan: Dataset, path: Path) -> Arrays:
    """A file of the scan that another program wrote."""
    write_dataset(path, scan)
    arrays = read_npz(path)
    del arrays["_metadata"]
    return arrays


def reread(path: Path, arrays: Arrays, **changes: Any) -> Dataset:
    np.savez(path, **(arrays | changes))
    return read_sound_dataset(path)


def quality(dataset: Dataset, scan: Dataset) -> float:
    """The phase SSIM of the teacher over the region that the whole scan has."""
    found = teach(dataset, Teacher(epochs=10), torch.device("cpu"))[0]
    assert scan.objects is not None
    region = scan.scored_region()
    return evaluate(found[region], scan.objects[0][region])["ssim_phase"]


def test_a_sound_file_is_read_as_it_is(path: Path, arrays: Arrays) -> None:
    sound = reread(path, arrays)
    plain = read_dataset(path)
    assert sound.valid is None
    np.testing.assert_array_equal(sound.diffraction, plain.diffraction)
    np.testing.assert_array_equal(sound.corners, plain.corners)


@pytest.mark.parametrize("photons", [1e4, 1e6, 1e9])
@pytest.mark.parametrize("kind", ["zone_plate", "disk"])
@pytest.mark.parametrize("sample", ["lines", "siemens"])
def test_nothing_is_found_in_sound_scans(
    path: Path, photons: float, kind: str, sample: str
) -> None:
    """A flat beam has a spike at the zero frequency, and few photons leave pixels empty."""
    settings = {"N": N, "size": 96, "scan_step_train": 8, "scan_step_test": 8, "photons": photons}
    settings |= {"probe": {"kind": kind}, "object": {"kind": sample}}
    made = simulate(SimulatedDataset.model_validate(settings))[0]
    write_dataset(path, made)
    sound = read_sound_dataset(path)
    assert sound.valid is None
    assert len(sound.diffraction) == len(made.diffraction)


def test_dark_frames_are_left_out(
    path: Path, arrays: Arrays, scan: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    diffraction = arrays["diffraction"].copy()
    dark = np.random.default_rng(0).choice(529, 25, replace=False)
    diffraction[dark[:20]] = 0
    diffraction[dark[20:]] *= 0.01  # a shutter that is not tight
    with caplog.at_level(logging.INFO):
        sound = reread(path, arrays, diffraction=diffraction)
    assert "25 of 529 patterns are dark" in caplog.text
    assert "left out" in caplog.text
    np.testing.assert_array_equal(sound.corners, np.delete(scan.corners, dark, axis=0))
    assert quality(sound, scan) > quality(scan, scan) - 0.005


def test_a_gap_of_pixels_that_never_count_is_found(path: Path, arrays: Arrays) -> None:
    diffraction = arrays["diffraction"].copy()
    diffraction[:, :, 18:20] = 0
    sound = reread(path, arrays, diffraction=diffraction)
    assert sound.valid is not None
    assert sound.valid.shape == (1, N, N)
    assert not sound.valid[0, :, 18:20].any()
    assert sound.valid[0].sum() == N * (N - 2)
    gap = sound.diffraction[:, :, 18:20]
    beside = sound.diffraction[:, :, [17, 20]]
    assert (gap > 0).all()
    assert gap.mean() == pytest.approx(beside.mean(), rel=0.2)
    kept = np.delete(sound.diffraction, [18, 19], axis=2)
    np.testing.assert_array_equal(kept, np.delete(arrays["diffraction"][..., 0], [18, 19], axis=2))


def test_a_mask_marks_good_pixels(path: Path, arrays: Arrays) -> None:
    mask = np.ones((N, N), np.uint8)
    mask[4, 5] = mask[20, 21] = 0
    diffraction = arrays["diffraction"].copy()
    diffraction[:, 4, 5] = 1e6
    for key, given in (
        ("mask", mask),
        ("valid", mask.astype(bool)[..., None]),
        ("bad_pixels", mask == 0),
    ):
        sound = reread(path, arrays, diffraction=diffraction, **{key: given})
        assert sound.valid is not None
        np.testing.assert_array_equal(sound.valid[0], mask != 0)
        assert sound.diffraction[:, 4, 5].max() < 1


def test_a_mask_of_the_other_convention_is_refused(path: Path, arrays: Arrays) -> None:
    mask = np.zeros((N, N), np.uint8)
    mask[4, 5] = 1
    with pytest.raises(FileError, match=r"mask calls 100% of the pixels bad.*key is bad_pixels"):
        reread(path, arrays, mask=mask)
    with pytest.raises(FileError, match=r"mask is uint8 \(3, 3\); 0 and 1, \(32, 32\)"):
        reread(path, arrays, mask=np.ones((3, 3), np.uint8))


@pytest.mark.parametrize("value", [1.0, 20.0])
@pytest.mark.parametrize("at", [(20, 10), (17, 15), (0, 31)])
def test_a_hot_pixel_is_found(
    path: Path, arrays: Arrays, at: tuple[int, int], value: float
) -> None:
    diffraction = arrays["diffraction"].copy()
    diffraction[:, at[0], at[1], 0] = value * diffraction.max()
    sound = reread(path, arrays, diffraction=diffraction)
    assert sound.valid is not None
    assert np.argwhere(~sound.valid[0]).tolist() == [list(at)]
    assert sound.diffraction.max() <= arrays["diffraction"].max()


def test_what_is_no_measurement_is_bad_in_its_frame(
    path: Path, arrays: Arrays, caplog: pytest.LogCaptureFixture
) -> None:
    diffraction = arrays["diffraction"].copy()
    diffraction[3, :4] = np.nan
    diffraction[4, 9, 9] = -1
    diffraction[5, 20, 11] = 1e5  # a cosmic ray
    diffraction[6] = np.nan
    with caplog.at_level(logging.INFO):
        sound = reread(path, arrays, diffraction=diffraction)
    assert "1 of 529 patterns are broken" in caplog.text
    assert sound.valid is not None
    assert sound.valid.shape == (528, N, N)
    bad = [(3, row, column) for row in range(4) for column in range(N)]
    bad += [(4, 9, 9), (5, 20, 11)]
    assert {tuple(at) for at in np.argwhere(~sound.valid).tolist()} == set(bad)
    assert np.isfinite(sound.diffraction).all()
    assert sound.diffraction.min() >= 0


def test_the_zero_frequency_is_moved_from_the_corner(
    path: Path, arrays: Arrays, caplog: pytest.LogCaptureFixture
) -> None:
    plain = arrays["diffraction"].copy()
    plain[:, 20, 10] = 0
    torn = np.fft.ifftshift(plain, axes=(1, 2))
    with caplog.at_level(logging.INFO):
        sound = reread(path, arrays, diffraction=torn)
    assert "the zero frequency lies at pixel 0" in caplog.text
    assert sound.valid is not None
    assert np.argwhere(~sound.valid[0]).tolist() == [[20, 10]]
    kept = sound.valid[0]
    np.testing.assert_array_equal(sound.diffraction[:, kept], plain[..., 0][:, kept])


@pytest.mark.parametrize("photons", [1e3, 1e9])
def test_counts_are_no_amplitudes(path: Path, photons: float) -> None:
    settings = {"N": N, "size": 96, "scan_step_train": 8, "scan_step_test": 8, "photons": photons}
    made = simulate(SimulatedDataset.model_validate(settings))[0]
    write_dataset(path, made)
    arrays = read_npz(path)
    counts = np.square(arrays["diffraction"])
    with pytest.raises(FileError, match=r"diffraction holds counts .*, not their roots"):
        reread(path, arrays, diffraction=counts)
    whole = np.rint(counts.astype(np.float64) * made.intensity_scale**2).astype(np.int32)
    with pytest.raises(FileError, match=r"whole multiples of [1-9]"):
        reread(path, arrays, diffraction=whole)


def test_a_scan_without_light_is_refused(path: Path, arrays: Arrays) -> None:
    with pytest.raises(FileError, match="no pattern with light"):
        reread(path, arrays, diffraction=np.full_like(arrays["diffraction"], np.nan))


def test_the_marks_of_detectors() -> None:
    top = {"u1": 255, "u2": 65535, "u4": 2**32 - 1}
    for kind, value in top.items():
        frames = np.array([[[3, value, value - 1]]], kind)
        assert impossible(frames).tolist() == [[[False, kind != "u1", False]]]
    assert not impossible(np.array([[[65535]]], "u4")).any()
    assert impossible(np.array([[[-1, 2**32 - 1]]], "i8")).all()
    assert impossible(np.array([[[np.nan, -0.5, np.inf]]], "f4")).all()


def test_a_filled_pixel_is_the_mean_of_its_neighbours() -> None:
    amplitude = np.ones((2, 9, 9), np.float32)
    amplitude[1] = 3
    valid = np.ones((1, 9, 9), bool)
    valid[0, 2:5, 2:5] = False
    amplitude[:, 2:5, 2:5] = 1e9
    found = filled(amplitude, valid)
    np.testing.assert_allclose(found[0], 1, rtol=1e-6)
    np.testing.assert_allclose(found[1], 3, rtol=1e-6)
