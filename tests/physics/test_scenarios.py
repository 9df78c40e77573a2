"""A changed scan is measured by the same physics as the scan as it was."""

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ptychopareto.config import ConfigError, ProbeZonePlate, Scenario
from ptychopareto.files import Dataset
from ptychopareto.physics.beam_errors import defocused, with_second_mode
from ptychopareto.physics.forward import diffraction_amplitude
from ptychopareto.physics.probe import make_probe, zone_plate
from ptychopareto.physics.scan import grid, patches
from ptychopareto.physics.scenarios import changed_scan, displaced
from ptychopareto.reconstruction.object_scan import ObjectScan

NOISELESS = 1e17  # photons


def change(**changes: Any) -> Scenario:
    return Scenario.model_validate({"name": "change", **changes})


def counts(scan: Dataset) -> NDArray[np.float64]:
    assert scan.intensity_scale is not None
    return (scan.diffraction.astype(np.float64) * scan.intensity_scale) ** 2


def forward(
    image: NDArray[Any], corners: NDArray[np.int64], probe: NDArray[Any]
) -> NDArray[np.float32]:
    """Noiseless √I of an object at these positions."""
    cut = torch.from_numpy(np.array(patches(image, corners, len(probe))))
    return diffraction_amplitude(cut, torch.from_numpy(probe)).numpy()


@pytest.fixture(scope="module")
def test(small_scan: tuple[Dataset, Dataset]) -> Dataset:
    return small_scan[1]


def test_photons_are_counted_around_the_same_amplitude(test: Dataset) -> None:
    dim = changed_scan(test, change(photons=1e6), seed=1)
    assert counts(dim).sum(axis=(1, 2)).mean() == pytest.approx(1e6, rel=2e-3)
    np.testing.assert_allclose(counts(dim), np.rint(counts(dim)), atol=1e-2)
    mean = (forward(test.objects[0], test.corners, test.probe) * dim.intensity_scale) ** 2.0
    deviation = (counts(dim) - mean) / np.sqrt(mean)
    bright = mean > 100
    assert deviation[bright].mean() == pytest.approx(0, abs=0.02)
    assert deviation[bright].std() == pytest.approx(
        1, abs=0.02
    )  # Poisson: the variance is the mean
    # What the networks see keeps its scale: amplitudes in the units of the probe.
    assert np.linalg.norm(dim.diffraction) == pytest.approx(np.linalg.norm(test.diffraction), 2e-3)


def test_photons_need_no_scale_of_the_file(test: Dataset) -> None:
    of_a_file = replace(test, intensity_scale=None)
    asked = change(photons=1e6)
    np.testing.assert_array_equal(
        changed_scan(of_a_file, asked, seed=1).diffraction,
        changed_scan(test, asked, seed=1).diffraction,
    )


def test_what_does_not_change_stays(test: Dataset) -> None:
    dim = changed_scan(test, change(photons=1e6), seed=1)
    for name in ("probe", "corners", "object_index", "objects", "norm_Y_I"):
        np.testing.assert_array_equal(getattr(dim, name), getattr(test, name))
    np.testing.assert_array_equal(dim.truth, test.ground_truth)
    assert dim.metadata["scenario"]["photons"] == 1e6


def test_scan_step_is_a_grid_on_the_same_object(test: Dataset) -> None:
    coarse = changed_scan(test, change(scan_step=16, photons=NOISELESS), seed=1)
    np.testing.assert_array_equal(coarse.corners, grid(96, 32, 16))
    model = forward(test.objects[0], coarse.corners, test.probe)
    np.testing.assert_allclose(coarse.diffraction, model, rtol=0, atol=2e-7)
    assert coarse.truth.shape == (65, 65)


def test_scan_step_keeps_inside_an_object_that_is_not_square(test: Dataset) -> None:
    wide = replace(test, objects=test.objects[:, :72], corners=np.minimum(test.corners, 40))
    corners = changed_scan(wide, change(scan_step=8), seed=1).corners
    assert corners.max(axis=0).tolist() == [40, 64]


@pytest.mark.parametrize("kind", ["lines", "grf", "siemens", "npz"])
def test_another_object_is_as_bright(test: Dataset, tmp_path: Path, kind: str) -> None:
    given = 7 * np.exp(1j * np.random.default_rng(0).random((1, 100, 98)))
    np.savez(tmp_path / "given.npz", object=given)
    files = {"path": str(tmp_path / "no.npz"), "test_path": str(tmp_path / "given.npz")}
    asked = change(object={"kind": kind, **(files if kind == "npz" else {})}, photons=NOISELESS)
    other = changed_scan(test, asked, seed=1)
    assert other.objects.shape == test.objects.shape
    assert np.abs(other.objects - test.objects).mean() > 0.1
    if kind == "npz":
        np.testing.assert_allclose(
            np.angle(other.objects[0]), np.angle(given[0, 2:98, 1:97]), atol=1e-5
        )

    def brightness(scan: Dataset) -> float:
        cut = patches(np.abs(scan.objects[0]), scan.corners, 32)
        return float(cut.max(axis=(1, 2)).mean())

    assert brightness(other) == pytest.approx(brightness(test), rel=1e-5)
    model = forward(other.objects[0], other.corners, test.probe)
    np.testing.assert_allclose(other.diffraction, model, rtol=0, atol=2e-7)


def test_a_dark_object_is_refused(test: Dataset, tmp_path: Path) -> None:
    dark = np.zeros((96, 96), np.complex64)
    dark[0, -1] = 1
    np.savez(tmp_path / "dark.npz", object=dark)
    files = {"path": "no.npz", "test_path": str(tmp_path / "dark.npz")}
    few = replace(test, corners=np.minimum(test.corners, 32))
    with pytest.raises(ConfigError, match=r"scenarios \(change\): its object is 0 wherever"):
        changed_scan(few, change(object={"kind": "npz", **files}), seed=1)


def test_only_the_first_object_is_scanned(test: Dataset) -> None:
    two = replace(
        test,
        diffraction=np.tile(test.diffraction, (2, 1, 1)),
        corners=np.tile(test.corners, (2, 1)),
        object_index=np.repeat(np.arange(2, dtype=np.int32), len(test.corners)),
        objects=np.concatenate([test.objects, 1j * test.objects]),
    )
    one = changed_scan(two, change(photons=1e6), seed=1)
    assert one.objects.shape == test.objects.shape
    np.testing.assert_array_equal(
        one.diffraction, changed_scan(test, change(photons=1e6), seed=1).diffraction
    )


def test_wrong_positions_are_hidden_in_the_patterns(test: Dataset) -> None:
    off = changed_scan(test, change(position_error=2.0, photons=NOISELESS), seed=1)
    np.testing.assert_array_equal(off.corners, test.corners)
    # Each pattern is that of one place near its own, and of a place that is not its own for most.
    room = 96 - 32
    found = []
    for pattern, corner in zip(off.diffraction, off.corners, strict=True):
        low, high = np.maximum(corner - 8, 0), np.minimum(corner + 8, room)
        near = grid(room + 1, 1, 1)
        near = near[((near >= low) & (near <= high)).all(axis=1)]
        misfit = np.abs(forward(test.objects[0], near, test.probe) - pattern).max(axis=(1, 2))
        assert misfit.min() < 1e-6
        found.append(near[misfit.argmin()] - corner)
    inner = ((off.corners > 8) & (off.corners < room - 8)).all(axis=1)
    assert np.array(found)[inner].std() == pytest.approx(2.0, rel=0.25)


def test_no_error_of_the_positions_is_none() -> None:
    corners, rng = grid(96, 32, 8), np.random.default_rng(0)
    room = np.array([64, 64])
    np.testing.assert_array_equal(displaced(corners, 0.0, room, rng), corners)
    moved = displaced(corners, 5.0, room, rng)
    assert moved.min() == 0
    assert moved.max() == 64


@pytest.mark.parametrize("defocus", [-20.0, 3.0])
def test_defocus_loses_no_light_and_goes_back(defocus: float) -> None:
    probe = make_probe(ProbeZonePlate(), 64)
    further = defocused(probe, defocus)
    assert np.linalg.norm(further) == pytest.approx(np.linalg.norm(probe), rel=1e-6)
    assert np.abs(further - probe).max() > 0.01
    np.testing.assert_allclose(defocused(further, -defocus), probe, atol=1e-6)


@pytest.mark.parametrize("curvature", ["up", "down"])
@pytest.mark.parametrize("error", [-0.05, 0.1])
def test_defocused_zone_plate_is_that_of_the_other_defocus(curvature: str, error: float) -> None:
    """β = ∓ beam radius / aperture; both grow by the same part."""
    config = ProbeZonePlate.model_validate({"curvature": curvature, "beam_radius": 0.25})
    beta = 0.25 * 128 / 0.42 * (-1 if curvature == "up" else 1)
    other = zone_plate(config.model_copy(update={"beam_radius": 0.25 * (1 + error)}), 128)
    made = defocused(zone_plate(config, 128).astype(np.complex64), error * beta)
    assert np.linalg.norm(made - other) < 0.02 * np.linalg.norm(other)


def test_error_of_the_defocus_is_that_of_the_beam_not_of_the_file(test: Dataset) -> None:
    asked = change(defocus_error=0.1, photons=NOISELESS)
    wrong = changed_scan(test, asked, seed=1)
    np.testing.assert_array_equal(wrong.probe, test.probe)
    beta = -0.39 * 32 / 0.42  # of the default zone plate, which curves upwards
    model = forward(test.objects[0], test.corners, defocused(test.probe, 0.1 * beta))
    nominal = forward(test.objects[0], test.corners, test.probe)
    error, effect = (np.linalg.norm(wrong.diffraction - other) for other in (model, nominal))
    assert error < 0.1 * effect  # the curvature of the aberrated beam gives β to some percent


def test_a_flat_probe_has_no_defocus(test: Dataset) -> None:
    flat = replace(test, probe=np.ones_like(test.probe))
    with pytest.raises(ConfigError, match=r"scenarios \(change\): the probe is too flat"):
        changed_scan(flat, change(defocus_error=0.1), seed=1)


WRONG = {
    "probe_blur": 1.0,
    "probe_defocus": 0.1,
    "probe_curvature": 1.0,
    "probe_rotation": 30.0,
    "probe_size": -0.05,
    "position_error": 2.0,
    "position_scale": 0.02,
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_assumed_changes_no_pattern(test: Dataset, name: str) -> None:
    asked = change(photons=1e6, assumed={name: WRONG[name]})
    wrong = changed_scan(test, asked, seed=1)
    right = changed_scan(test, change(photons=1e6), seed=1)
    for part in ("diffraction", "objects", "intensity_scale", "norm_Y_I"):
        np.testing.assert_array_equal(getattr(wrong, part), getattr(right, part))
    of_probe = name.startswith("probe")
    assert np.array_equal(wrong.probe, right.probe) != of_probe
    where = wrong.corners + (0 if wrong.fractions is None else wrong.fractions)
    assert np.array_equal(where, right.corners) == of_probe
    assert where.min() >= 0
    assert where.max() <= 96 - 32


@pytest.mark.parametrize("name", WRONG)
def test_rpie_explains_patterns_worse_by_what_is_wrong(test: Dataset, name: str) -> None:
    def r_factor(**changes: Any) -> float:
        scan = ObjectScan.of(changed_scan(test, change(**changes), seed=1), torch.device("cpu"))
        steps = scan.rpie(torch.ones(scan.shape, dtype=torch.complex64), alpha=0.1)
        image, _ = next(islice(steps, 19, None))
        return scan.r_factor(image)

    right = r_factor(photons=NOISELESS)
    assert r_factor(photons=NOISELESS, assumed={name: WRONG[name]}) > 1.5 * right


def test_positions_are_assumed_closer_by_the_same_part_everywhere(test: Dataset) -> None:
    wrong = changed_scan(test, change(assumed={"position_scale": 0.02}), seed=1)
    assert wrong.fractions is not None
    where = wrong.corners + wrong.fractions
    np.testing.assert_allclose(where - 32, 0.98 * (test.corners - 32), atol=1e-5)


def test_a_probe_that_is_assumed_further_out_of_focus(test: Dataset) -> None:
    """Assuming the defocus of the beam that is there undoes its error."""
    right = changed_scan(test, change(defocus_error=0.1, photons=NOISELESS), seed=1)
    both = change(defocus_error=0.1, photons=NOISELESS, assumed={"probe_defocus": 0.1})
    known = changed_scan(test, both, seed=1)
    np.testing.assert_array_equal(known.diffraction, right.diffraction)
    model = forward(test.objects[0], test.corners, known.probe)
    np.testing.assert_allclose(known.diffraction, model, rtol=0, atol=2e-6)


def test_a_second_mode_adds_incoherently(test: Dataset) -> None:
    mixed = changed_scan(test, change(second_mode=0.2, photons=NOISELESS), seed=1)
    np.testing.assert_array_equal(mixed.probe, test.probe)
    assert mixed.further_modes is None
    first, second = with_second_mode(test.probe, 0.2)
    sides = [forward(test.objects[0], test.corners, mode) ** 2 for mode in (first, second)]
    np.testing.assert_allclose(mixed.diffraction**2, sum(sides), rtol=1e-4, atol=1e-5)


def test_later_keys_leave_a_scenario_without_them_as_it_was(test: Dataset) -> None:
    dumped = change(photons=1e6).model_dump(mode="json")
    assert list(dumped) == [
        *("name", "photons", "object", "scan_step", "defocus_error", "position_error")
    ]
    assert changed_scan(test, change(photons=1e6), seed=1).metadata["scenario"] == dumped
    later = change(second_mode=0.1, assumed={"probe_blur": 1.0}).model_dump(mode="json")
    assert later["second_mode"] == 0.1
    assert later["assumed"]["probe_blur"] == 1.0
    assert Scenario.model_validate(later) == change(second_mode=0.1, assumed={"probe_blur": 1.0})


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        (
            {"objects": None},
            r"scenarios \(change\): the test scan has no whole objects \(YY_full\)",
        ),
        ({"intensity_scale": None}, r"scenarios \(change\): the test scan has no intensity_scale"),
    ],
)
def test_what_a_file_lacks_is_named(test: Dataset, lacking: dict[str, None], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        changed_scan(replace(test, **lacking), change(position_error=1.0), seed=1)


def test_scan_step_must_fit_the_object_of_a_file(test: Dataset) -> None:
    with pytest.raises(ConfigError, match="scan_step 33 is too large for patterns of 32 px"):
        changed_scan(test, change(scan_step=33), seed=1)


def test_numbers_are_those_of_seed_and_name(test: Dataset) -> None:
    asked = change(photons=1e6)
    first, again, other_seed = (changed_scan(test, asked, seed=seed) for seed in (1, 1, 2))
    other_name = changed_scan(test, asked.model_copy(update={"name": "other"}), seed=1)
    np.testing.assert_array_equal(first.diffraction, again.diffraction)
    assert (first.diffraction != other_seed.diffraction).any()
    assert (first.diffraction != other_name.diffraction).any()
