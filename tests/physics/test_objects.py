from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.special import kv

from ptychopareto.config import ConfigError, GrfObject, LinesObject, NpzObject, SiemensObject
from ptychopareto.files import FileError, write_npz
from ptychopareto.physics import objects
from ptychopareto.physics.objects import DrawnObject

KINDS: list[DrawnObject] = [LinesObject(segments=100), GrfObject(), SiemensObject()]
each_kind = pytest.mark.parametrize("config", KINDS, ids=lambda config: config.kind)


def drawn(config: DrawnObject, seed: int = 0, count: int = 1) -> NDArray[np.complex128]:
    generators = map(np.random.default_rng, (seed, seed + 1000))
    return objects.generate(config, count, 96, *generators)


def with_phase(config: DrawnObject, phase: str) -> DrawnObject:
    return config.model_copy(update={"phase": phase})


def phase_of(amplitude: NDArray[np.float64]) -> NDArray[np.float64]:
    phase: NDArray[np.float64] = np.pi * np.tanh(
        (amplitude - amplitude.max() / 2) / (3 * amplitude.mean())
    )
    return phase


@each_kind
def test_coupled_phase_is_the_stated_function_of_the_amplitude(config: DrawnObject) -> None:
    image = drawn(config)[0]
    amplitude = np.abs(image)
    expected = phase_of(amplitude)
    np.testing.assert_allclose(image, amplitude * np.exp(1j * expected), atol=1e-12)
    assert np.ptp(expected) > 0.3


@each_kind
def test_independent_phase_is_that_of_a_second_draw(config: DrawnObject) -> None:
    coupled, free = drawn(config)[0], drawn(with_phase(config, "independent"))[0]
    np.testing.assert_allclose(np.abs(free), np.abs(coupled), atol=1e-12)
    second = drawn(config, seed=1000)[0]
    np.testing.assert_allclose(np.angle(free), phase_of(np.abs(second)), atol=1e-12)
    correlation = np.corrcoef(np.abs(free).ravel(), np.angle(free).ravel())[0, 1]
    assert abs(correlation) < 0.6


@each_kind
def test_flat_phase_on_request(config: DrawnObject) -> None:
    image = drawn(with_phase(config, "none"))[0]
    np.testing.assert_array_equal(image.imag, 0)
    np.testing.assert_allclose(image.real, np.abs(drawn(config)[0]), atol=1e-12)


@each_kind
def test_seed_decides_the_objects_and_they_differ(config: DrawnObject) -> None:
    images = drawn(config, seed=3, count=3)
    np.testing.assert_array_equal(images, drawn(config, seed=3, count=3))
    different = [*images, drawn(config, seed=4)[0]]
    assert all(
        np.abs(one - other).mean() > 0.01 * np.abs(one).mean() for one, other in pairwise(different)
    )


def test_lines_are_those_of_former_versions() -> None:
    """Studies that were made before there were other kinds stay comparable."""
    image = drawn(LinesObject())[0]
    known = {
        (10, 20): 5.745975346588906 + 2.547393621110789j,
        (48, 48): 6.014856606891546 + 3.395212825172641j,
    }
    for pixel, value in known.items():
        assert image[pixel] == pytest.approx(value, rel=1e-12)
    assert image.mean() == pytest.approx(5.868056878037839 + 2.9724042179699945j, rel=1e-12)


def test_lines_that_miss_the_object_are_refused() -> None:
    with pytest.raises(ConfigError, match="segments: 1 left an object of size = 96 empty"):
        drawn(LinesObject(segments=1), seed=356)


def test_covariance_of_a_random_field() -> None:
    length = 4
    config = GrfObject(correlation_length=length, phase="none")
    fields = [
        objects.gaussian_random_field(config, 256, np.random.default_rng(n)) for n in range(4)
    ]
    # Each is raised by its own smallest value; 256 px are 64 correlation lengths.
    centred = [field - field.mean() for field in fields]
    variance = np.mean([np.mean(field**2) for field in centred])
    for lag in (2, 4, 8):
        along_rows = np.mean([np.mean(field[lag:] * field[:-lag]) for field in centred])
        along_columns = np.mean([np.mean(field[:, lag:] * field[:, :-lag]) for field in centred])
        expected = lag / length * kv(1, lag / length)
        assert along_rows / variance == pytest.approx(expected, abs=0.06)
        assert along_columns / variance == pytest.approx(expected, abs=0.06)


def test_a_random_field_is_gaussian() -> None:
    field = objects.gaussian_random_field(
        GrfObject(correlation_length=1), 256, np.random.default_rng(0)
    )
    assert field.min() == pytest.approx(field.std())
    standard = (field - field.mean()) / field.std()
    assert np.mean(standard**3) == pytest.approx(0, abs=0.1)
    assert np.mean(standard**4) == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize("spokes", [6, 20])
def test_a_star_has_its_spokes(spokes: int) -> None:
    """Along a circle around its centre, dark and bright ones in turn."""
    config, size = SiemensObject(spokes=spokes), 200
    star = objects.siemens_star(config, size, np.random.default_rng(5))
    centre = np.random.default_rng(5).uniform(0.25, 0.75, 2) * size
    angles = np.linspace(0, 2 * np.pi, 3600, endpoint=False)
    circle = centre[:, None] + 45 * np.stack([np.sin(angles), np.cos(angles)])
    bright = map_coordinates(star, circle, order=1) > 0.75
    assert np.count_nonzero(bright != np.roll(bright, 1)) == 2 * spokes
    assert np.mean(bright) == pytest.approx(0.5, abs=0.02)
    assert star.min() == objects.SPOKE_AMPLITUDE
    assert star.max() == 1
    assert star[tuple(np.rint(centre).astype(int))] == pytest.approx(0.75, abs=0.1)


def test_given_objects_are_cut_from_their_centre(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.normal(size=(3, 20, 31)) + 1j * rng.normal(size=(3, 20, 31))
    config = NpzObject(path=tmp_path / "train.npz", test_path=tmp_path / "test.npz")
    write_npz(config.path, object=images)
    write_npz(config.test_path, object=images[2])
    cut = objects.from_file(config, "train", 2, 16)
    np.testing.assert_allclose(cut, images[:2, 2:18, 7:23], rtol=1e-6)
    np.testing.assert_allclose(
        objects.from_file(config, "test", 1, 20)[0], images[2, :, 5:25], rtol=1e-6
    )
    with pytest.raises(FileError, match=r"test\.npz: object has shape"):
        objects.from_file(config, "test", 2, 16)
