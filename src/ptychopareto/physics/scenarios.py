"""Change the test scan as a scenario says, and measure it again.

The networks, and rPIE, know nothing of an error of the defocus or of the positions, nor of a second
mode of the beam: the dataset holds the probe and the positions as they were meant to be. What is
*assumed* wrongly changes what the dataset holds, and no pattern.
"""

import math
from dataclasses import replace
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ptychopareto.config import ConfigError, NpzObject, Object, Scenario
from ptychopareto.config.sections import SMALLEST_SCORED
from ptychopareto.files import Dataset
from ptychopareto.physics import beam_errors, objects, scan
from ptychopareto.physics.simulation import counted_amplitude, expected_amplitude

Corners = NDArray[np.int64]
Image = NDArray[np.complex64]
Beam = beam_errors.Beam


def changed_scan(test: Dataset, change: Scenario, seed: int) -> Dataset:
    """Measure the scan of the first test object, the one that is scored, after a change.

    Object, positions, probe and the scale of the counts are those of `test` unless the scenario
    changes them. The counts are drawn anew, with `seed` and the name of the scenario, so that no
    scenario depends on the others.

    Parameters
    ----------
    test : Dataset
        The test scan, with whole objects.
    change : Scenario
        What changes.
    seed : int
        The seed of the random numbers.

    Returns
    -------
    Dataset
        The changed scan of one object. It holds the probe and the positions as they were meant to
        be, not those with an error, or those that are assumed.

    Raises
    ------
    ConfigError
        The scan does not hold what the change is made from, or does not fit it.
    FileError
        The file of another object will not do.
    """
    seeds = np.random.SeedSequence([seed, crc32(change.name.encode())]).spawn(5)
    of_object, of_phase, of_positions, of_counts, of_assumed = map(np.random.default_rng, seeds)
    own, positions = _as_it_is(test, change)
    image, corners, norm = own, positions, test.norm_Y_I
    if change.scan_step is not None:
        corners = _grid(own.shape, test.N, change.scan_step, change)
    if change.object is not None:
        other = _other(change.object, own.shape, of_object, of_phase)
        norm = _brightness(other, corners, test.N) / _brightness(own, positions, test.N)
        if not norm > 0:
            raise _refused(change, "its object is 0 wherever it is scanned")
        image = (other / norm).astype(np.complex64)
    room = np.array(image.shape) - test.N
    where = displaced(corners, change.position_error, room, of_positions)
    beam, scale = _beam(test.probe, change), _scale(test, change)
    amplitude = expected_amplitude([scan.patches(image, where, test.N)], beam)
    probe = _assumed_probe(test.probe, change)
    corners, fractions = _assumed_positions(corners, change, room, of_assumed)
    return replace(
        test,
        diffraction=counted_amplitude(amplitude, scale, of_counts),
        probe=probe,
        corners=corners,
        fractions=fractions,
        object_index=np.zeros(len(corners), np.int32),
        objects=image[None],
        patches=None,
        ground_truth=None,
        intensity_scale=scale,
        norm_Y_I=norm,
        metadata={**test.metadata, "scenario": change.model_dump(mode="json")},
    )


def displaced(
    corners: Corners, error: float, room: NDArray[np.int64], rng: np.random.Generator
) -> Corners:
    """Move corners by whole pixels, normally distributed on each axis, inside the object.

    Parameters
    ----------
    corners : (B, 2) int64
        Top-left corners [px].
    error : float
        Standard deviation before rounding [px].
    room : (2,) int64
        The largest row and column that a corner may have [px].
    rng : Generator
        The source of the moves.

    Returns
    -------
    (B, 2) int64
        The moved corners [px].
    """
    moves = np.rint(rng.normal(0.0, error, corners.shape)).astype(np.int64)
    return np.clip(corners + moves, 0, room)


def _as_it_is(test: Dataset, change: Scenario) -> tuple[Image, Corners]:
    """Return the first object, and the positions of its scan."""
    if test.objects is None:
        raise _refused(
            change, "the test scan has no whole objects (YY_full); they are what it is made from"
        )
    return test.objects[0], test.corners[test.object_index == 0]


def _brightness(image: Image, corners: Corners, N: int) -> float:
    """Return the mean of the patches' largest amplitudes."""
    return float(scan.patches(np.abs(image), corners, N).max(axis=(1, 2)).mean())


def _grid(shape: tuple[int, ...], N: int, step: int, change: Scenario) -> Corners:
    """Return the grid scan of an object of `shape` with a step [px]."""
    corners = scan.grid(max(shape), N, step)
    corners = corners[(corners <= np.array(shape) - N).all(axis=1)]
    # For a simulated scan the config is refused before.
    if step > N or np.ptp(corners, axis=0).min() + 1 < SMALLEST_SCORED:
        raise _refused(change, f"scan_step {step} is too large for patterns of {N} px on {shape}")
    return corners


def _other(kind: Object, shape: tuple[int, ...], *of: np.random.Generator) -> Image:
    """Return another object of a shape, random or from a file; its amplitude is not normalised."""
    rows, columns = shape
    found = (
        objects.from_file(kind, "test", 1, max(shape))
        if isinstance(kind, NpzObject)
        else objects.generate(kind, 1, max(shape), *of)
    )
    return found[0, :rows, :columns].astype(np.complex64)


def _beam(probe: Beam, change: Scenario) -> NDArray[np.complex64]:
    """Return the probe, or its modes, that illuminate the object."""
    beam = probe
    if change.defocus_error:
        beam = _defocused(probe, change.defocus_error, change)
    return beam_errors.with_second_mode(beam, change.second_mode) if change.second_mode else beam


def _assumed_probe(probe: Beam, change: Scenario) -> Beam:
    """Return the probe that everyone takes for that of the scan."""
    wrong = change.assumed
    if wrong is None:
        return probe
    assumed = probe
    if wrong.probe_defocus:
        assumed = _defocused(probe, wrong.probe_defocus, change)
    if wrong.probe_size:
        assumed = beam_errors.magnified(assumed, 1 + wrong.probe_size)
    if wrong.probe_rotation:
        assumed = beam_errors.turned(assumed, wrong.probe_rotation)
    if wrong.probe_curvature:
        assumed = beam_errors.curved(assumed, wrong.probe_curvature)
    if wrong.probe_blur:
        assumed = beam_errors.blurred(assumed, wrong.probe_blur)
    return assumed


def _defocused(probe: Beam, part: float, change: Scenario) -> Beam:
    """Propagate a probe further by a part of its defocus, or refuse the scenario."""
    distance = beam_errors.part_of_defocus(probe, part)
    if distance is None:
        raise _refused(change, "the probe is too flat to have a defocus, and so a defocus_error")
    return beam_errors.defocused(probe, distance)


def _assumed_positions(
    corners: Corners, change: Scenario, room: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Corners, NDArray[np.float32] | None]:
    """Return where everyone takes the patterns to be: whole corners, and fractions of pixels."""
    wrong = change.assumed
    if wrong is None:
        return corners, None
    corners = displaced(corners, wrong.position_error, room, rng)
    if not wrong.position_scale:
        return corners, None
    centre = (corners.min(axis=0) + corners.max(axis=0)) / 2
    places = centre + (1 - wrong.position_scale) * (corners - centre)
    whole = np.rint(places).astype(np.int64)
    return whole, (places - whole).astype(np.float32)


def _scale(test: Dataset, change: Scenario) -> float:
    """Return the scale s of the counts, counts = (s · diffraction)².

    Other photons need s' = s·√(photons' / photons), where photons is the mean Σ counts of the test
    patterns: s itself drops out.
    """
    if change.photons is not None:
        power = np.square(test.diffraction, dtype=np.float64).sum(axis=(1, 2)).mean()
        return math.sqrt(change.photons / power)
    if test.intensity_scale is None:
        raise _refused(
            change,
            "the test scan has no intensity_scale, so its counts are not known; give photons",
        )
    return test.intensity_scale


def _refused(change: Scenario, reason: str) -> ConfigError:
    return ConfigError(f"scenarios ({change.name}): {reason}")
