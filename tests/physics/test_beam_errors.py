"""Beams that are not what they are taken for keep their light, and differ as they should."""

import numpy as np
import pytest
import torch

from ptychopareto.config import ProbeZonePlate
from ptychopareto.physics.beam_errors import (
    Beam,
    blurred,
    curved,
    defocused,
    magnified,
    part_of_defocus,
    turned,
    with_second_mode,
)
from ptychopareto.physics.forward import diffraction_amplitude
from ptychopareto.physics.probe import make_probe, zone_plate
from ptychopareto.physics.registration import fit_quadratic_phase, magnification


@pytest.fixture(scope="module")
def probe() -> Beam:
    return make_probe(ProbeZonePlate(), 64)


def misfit(found: Beam, wanted: Beam) -> float:
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def test_every_error_keeps_the_light_and_changes_the_probe(probe: Beam) -> None:
    power = np.linalg.norm(probe)
    for wrong in (
        blurred(probe, 1.0),
        curved(probe, 1.0),
        defocused(probe, 5.0),
        magnified(probe, 1.05),
        turned(probe, 20.0),
    ):
        assert wrong.dtype == np.complex64
        assert np.linalg.norm(wrong) == pytest.approx(power, rel=1e-5)
        assert misfit(wrong, probe) > 0.03


def test_a_quarter_turn_is_that_of_the_pixels(probe: Beam) -> None:
    """The grid is even, so the quarter turn about pixel N // 2 drops a row."""
    quarter = turned(probe, 90.0)
    rows, columns = np.mgrid[1:64, 1:64]
    # What was at (r, c) from the centre is at (−c, r) or at (c, −r): from rows to columns.
    np.testing.assert_allclose(
        quarter[rows, columns], probe[columns, 64 - rows], atol=2e-3 * np.abs(probe).max()
    )


def test_turning_back_gives_the_probe_but_for_the_corners() -> None:
    small = make_probe(ProbeZonePlate(beam_radius=0.25), 64)
    back = turned(turned(small, 30.0), -30.0)
    inside = np.hypot(*np.mgrid[-32:32, -32:32]) < 29
    assert np.linalg.norm((back - small)[inside]) < 0.01 * np.linalg.norm(small)


def test_a_larger_probe_is_wider_and_flatter(probe: Beam) -> None:
    def width(field: Beam) -> float:
        light = np.abs(field.astype(np.complex128)) ** 2
        radius = np.hypot(*np.mgrid[-32:32, -32:32])
        return float((light * radius).sum() / light.sum())

    small = make_probe(ProbeZonePlate(beam_radius=0.25), 64)
    larger = magnified(small, 1.1)
    assert width(larger) == pytest.approx(1.1 * width(small), rel=0.01)
    assert fit_quadratic_phase(larger).curvature == pytest.approx(
        fit_quadratic_phase(small).curvature / 1.1**2, rel=0.02
    )


def test_a_larger_zone_plate_probe_is_that_of_a_smaller_aperture() -> None:
    """P(r/m) has its frequencies divided by m, and the aberrations of the same aperture."""
    config = ProbeZonePlate(beam_radius=0.25)
    scaled = config.model_copy(update={"beam_radius": 0.25 * 1.05, "aperture": 0.42 / 1.05})
    made = magnified(zone_plate(config, 128).astype(np.complex64), 1.05)
    wanted = zone_plate(scaled, 128)
    wanted *= np.vdot(wanted, made) / np.vdot(wanted, wanted)
    assert misfit(made, wanted) < 0.03


def test_curvature_is_the_phase_at_a_quarter_of_the_field(probe: Beam) -> None:
    added = np.angle(curved(probe, 0.7) * probe.conj())
    assert added[32, 48] == pytest.approx(0.7, abs=1e-5)
    assert added[16, 32] == pytest.approx(0.7, abs=1e-5)
    assert added[32, 32] == pytest.approx(0, abs=1e-6)


def test_a_blur_takes_the_fine_fringes(probe: Beam) -> None:
    def high(field: Beam) -> float:
        light = np.abs(np.fft.fftshift(np.fft.fft2(field))) ** 2
        radius = np.hypot(*np.mgrid[-32:32, -32:32])
        return float(light[radius > 20].sum() / light.sum())

    assert high(blurred(probe, 1.0)) < 0.5 * high(probe)


def test_a_part_of_the_defocus_moves_the_shadow(probe: Beam) -> None:
    distance = part_of_defocus(probe, 0.1)
    assert distance is not None
    s = magnification(probe)
    assert magnification(defocused(probe, distance)) == pytest.approx(s / 1.1, rel=0.03)
    assert part_of_defocus(np.ones((64, 64), np.complex64), 0.1) is None


@pytest.mark.parametrize("part", [0.05, 0.5])
def test_modes_are_orthogonal_and_share_the_light(probe: Beam, part: float) -> None:
    first, second = with_second_mode(probe, part)
    power = np.linalg.norm(probe) ** 2
    assert np.linalg.norm(first) ** 2 == pytest.approx((1 - part) * power, rel=1e-5)
    assert np.linalg.norm(second) ** 2 == pytest.approx(part * power, rel=1e-5)
    assert abs(np.vdot(first, second)) < 1e-5 * power


def test_the_second_mode_is_that_of_an_extended_source(probe: Beam) -> None:
    """Patterns of a few tilted beams, added: those of (1 − κ²x²/2)·P and of the second mode."""
    columns = np.arange(64) - 31.5
    tilt = 0.01  # rad/px
    light = np.abs(probe) ** 2
    centre = (light * columns).sum() / light.sum()
    x = columns - centre
    part = tilt**2 * float((light * x**2).sum() / light.sum())
    phase = np.random.default_rng(0).random((1, 64, 64))
    patch = torch.from_numpy(np.exp(1j * phase).astype(np.complex64))

    def intensity(beam: np.ndarray) -> np.ndarray:
        field = torch.from_numpy(beam.astype(np.complex64))
        return diffraction_amplitude(patch, field)[0].numpy() ** 2

    added = np.mean([intensity(probe * np.exp(1j * k * x)) for k in (tilt, -tilt)], axis=0)
    narrowed = intensity(probe * (1 - tilt**2 * x**2 / 2))
    second = intensity(with_second_mode(probe, part)[1])
    assert 0.001 < part < 0.05
    assert np.linalg.norm(added - narrowed - second) < 0.05 * np.linalg.norm(second)


def test_a_shifted_probe_is_no_error(probe: Beam) -> None:
    """Probe and object moved by the same are the same scan: that is why no scenario assumes it."""
    patch = np.exp(1j * np.random.default_rng(0).random((64, 64))).astype(np.complex64)
    moved = (torch.from_numpy(np.roll(field, (3, -2), (0, 1))) for field in (patch, probe))
    np.testing.assert_allclose(
        diffraction_amplitude(*moved).numpy(),
        diffraction_amplitude(torch.from_numpy(patch), torch.from_numpy(probe)).numpy(),
        atol=1e-5,
    )
