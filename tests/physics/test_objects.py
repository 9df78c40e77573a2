import numpy as np

from ptychopareto.config import LinesObject
from ptychopareto.physics import objects


def lines(seed: int = 0, **changes: object) -> np.ndarray:
    config = LinesObject.model_validate({"kind": "lines", **changes})
    return objects.lines(config, 96, np.random.default_rng(seed))


def test_phase_is_the_stated_function_of_the_amplitude() -> None:
    image = lines()
    amplitude = np.abs(image)
    expected = np.pi * np.tanh((amplitude - amplitude.max() / 2) / (3 * amplitude.mean()))
    np.testing.assert_allclose(np.angle(image), expected, atol=1e-12)
    assert np.ptp(expected) > 0.3


def test_flat_phase_on_request() -> None:
    image = lines(phase="none")
    np.testing.assert_array_equal(image.imag, 0)
    np.testing.assert_allclose(image.real, np.abs(lines()), atol=1e-12)


def test_seed_decides_the_object() -> None:
    np.testing.assert_array_equal(lines(seed=3), lines(seed=3))
    assert not np.allclose(lines(seed=3), lines(seed=4))
