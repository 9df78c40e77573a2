import numpy as np
import pytest
import torch

from ptychopareto.config import ProbeZonePlate
from ptychopareto.physics.probe import make_probe
from ptychopareto.reconstruction.focus import best_defocus, largest_defocus, refocused


def beam(radius: float) -> torch.Tensor:
    plate = ProbeZonePlate(beam_radius=radius, aperture=0.3, curvature="down")
    return torch.from_numpy(make_probe(plate, 64))[None]


def test_a_zone_plates_beam_moves_along_itself() -> None:
    # β = beam radius · N / aperture, see `zone_plate`.
    moved, expected = refocused(beam(0.3), 0.03 * 64 / 0.3), beam(0.33)
    overlap = (moved.conj() * expected).sum().abs() / (moved.norm() * expected.norm())
    assert overlap > 0.99
    torch.testing.assert_close(moved.norm(), beam(0.3).norm())
    assert largest_defocus(beam(0.3)) == pytest.approx(0.3 * 64 / 0.3, rel=0.15)


@pytest.mark.parametrize("missing", [0.0, 0.084, -0.14, 0.33])
def test_the_search_ends_at_the_least_misfit(missing: float) -> None:
    places: list[float] = []

    def misfit(part: float) -> float:
        places.append(part)
        return 0.1 + np.hypot(part - missing, 0.05)

    assert best_defocus(misfit) == pytest.approx(missing, abs=0.004)
    assert len(places) == len(set(places)) <= 13


def test_a_probe_that_is_hardly_wrong_stays() -> None:
    assert best_defocus(lambda part: 1 + abs(part - 0.1) / 3) == 0


def test_the_search_stops_where_the_misfit_falls_without_end() -> None:
    assert best_defocus(lambda part: 1 - part) == pytest.approx(0.6, abs=0.1)
