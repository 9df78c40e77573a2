from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter

from ptychopareto.config import ConfigError, Probe
from ptychopareto.physics.probe import make_probe, resize
from ptychopareto.physics.registration import magnification


def probe(N: int = 64, **config: object) -> np.ndarray:
    return make_probe(TypeAdapter(Probe).validate_python(config), N)


def radius(N: int) -> np.ndarray:
    axis = np.arange(N) - N // 2
    return np.hypot(axis[:, None], axis[None, :])


@pytest.mark.parametrize("N", [32, 64, 128])
def test_zone_plate_fills_the_field_of_view(N: int) -> None:
    intensity = np.abs(probe(N, kind="zone_plate")) ** 2
    assert intensity[radius(N) < N / 2].sum() > 0.95 * intensity.sum()
    rms = np.sqrt((intensity * radius(N) ** 2).sum() / intensity.sum())
    assert N / 6 < rms < N / 3


@pytest.mark.parametrize(("curvature", "sign"), [("up", 1), ("down", -1)])
def test_zone_plate_magnifies_by_its_geometry(curvature: str, sign: int) -> None:
    s = magnification(probe(kind="zone_plate", curvature=curvature))
    assert s == pytest.approx(sign * 0.42 / 0.39, rel=0.05)


def test_zone_plate_without_aberrations_is_symmetric() -> None:
    field = probe(kind="zone_plate", astigmatism=0.0, coma=0.0, spherical=0.0)[1:, 1:]
    np.testing.assert_allclose(field, field[::-1], atol=1e-6)
    np.testing.assert_allclose(field, field.T, atol=1e-6)


@pytest.mark.parametrize("kind", ["zone_plate", "disk"])
def test_mean_amplitude_of_the_core(kind: str) -> None:
    field = probe(kind=kind, probe_scale=5.0, smooth=0.5)
    assert np.abs(field)[radius(64) < 16].mean() == pytest.approx(1 / 5, rel=1e-5)


def test_disk_is_flat_and_round() -> None:
    field = probe(kind="disk", radius=0.25)
    np.testing.assert_allclose(field[radius(64) <= 16], 0.25, rtol=1e-6)
    np.testing.assert_array_equal(field[radius(64) > 16], 0)


def test_mask_cuts_the_tails() -> None:
    field = probe(kind="zone_plate", mask_radius=10.0)
    np.testing.assert_array_equal(field[radius(64) > 10], 0)


def save(path: Path, field: np.ndarray) -> str:
    np.savez(path, probeGuess=field.astype(np.complex64))
    return str(path)


def chirp(N: int, s: float) -> np.ndarray:
    """A Gaussian beam whose shadow has magnification s on a 64² detector."""
    return np.exp(-((radius(N) / 20) ** 2) + 1j * np.pi * s / 64 * radius(N) ** 2)


def test_npz_of_the_right_size_is_only_normalised(tmp_path: Path) -> None:
    field = chirp(64, 0.9)
    got = probe(kind="npz", path=save(tmp_path / "probe.npz", field))
    ratio = got / field
    np.testing.assert_allclose(ratio, ratio[32, 32], rtol=1e-4)


def test_padding_keeps_the_centre() -> None:
    padded = resize(chirp(64, 0.9), 96, "pad")
    np.testing.assert_array_equal(padded[16:80, 16:80], chirp(64, 0.9))
    assert np.abs(padded).sum() == pytest.approx(np.abs(chirp(64, 0.9)).sum())


def test_extrapolation_continues_a_quadratic_phase() -> None:
    extended, wide = resize(chirp(64, 0.9), 96, "pad_extrapolate"), chirp(96, 0.9)
    error = np.angle(extended * wide.conj())
    assert np.abs(error).max() < 0.02
    assert np.abs(extended[0, 48]) == pytest.approx(np.abs(chirp(64, 0.9)[0, 32]))


def test_interpolation_scales_the_beam_about_the_centre() -> None:
    field = np.exp(-((radius(64) / 10) ** 2)).astype(complex)
    np.testing.assert_allclose(
        resize(field, 128, "interpolate"), np.exp(-((radius(128) / 20) ** 2)), atol=1e-3
    )


def test_only_interpolation_shrinks(tmp_path: Path) -> None:
    path = save(tmp_path / "probe.npz", chirp(64, 0.9))
    assert probe(32, kind="npz", path=path, resize="interpolate").shape == (32, 32)
    with pytest.raises(ConfigError, match="cannot shrink a 64×64 probe to N = 32"):
        probe(32, kind="npz", path=path, resize="pad")


def test_a_dark_centre_cannot_be_normalised(tmp_path: Path) -> None:
    path = save(tmp_path / "probe.npz", np.where(radius(64) > 20, 1, 0))
    with pytest.raises(ConfigError, match="no light within radius N/4"):
        probe(kind="npz", path=path)
