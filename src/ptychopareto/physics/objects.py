"""Objects of a simulation: random ones, and those of a file."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.draw import line

from ptychopareto.config import ConfigError, GrfObject, LinesObject, NpzObject, SiemensObject
from ptychopareto.files import read_given_objects

# Blurs that turn one-pixel lines into structure at three scales: (weight, σ [px]).
LINE_SCALES = ((1.0, 1.0), (2.0, 5.0), (5.0, 10.0))
# Amplitude of a Siemens star's spokes, of 1 between them: 0 would have no phase.
SPOKE_AMPLITUDE = 0.5

Image = NDArray[np.float64]
DrawnObject = LinesObject | GrfObject | SiemensObject


def from_file(
    config: NpzObject, split: Literal["train", "test"], count: int, size: int
) -> NDArray[np.complex128]:
    """Read the objects of a split from its file, and cut out their centres.

    Parameters
    ----------
    config : NpzObject
        Names the file of each split.
    split : {"train", "test"}
    count : int
        The number of objects to take.
    size : int
        Side of an object [px].

    Returns
    -------
    (count, size, size) complex128

    Raises
    ------
    FileError
        The file is missing or damaged, or its objects are too few or too small.
    """
    path = config.path if split == "train" else config.test_path
    return read_given_objects(path, count, size).astype(np.complex128)


def generate(
    config: DrawnObject,
    count: int,
    size: int,
    rng: np.random.Generator,
    rng_of_phase: np.random.Generator,
) -> NDArray[np.complex128]:
    """Draw random objects, their amplitude not yet normalised.

    Parameters
    ----------
    config : LinesObject, GrfObject or SiemensObject
        The kind of object.
    count : int
        The number of objects.
    size : int
        Side of an object [px].
    rng : Generator
        The source of the amplitudes.
    rng_of_phase : Generator
        The source of the phases, for `phase: independent`.

    Returns
    -------
    (count, size, size) complex128

    Raises
    ------
    ConfigError
        No line met an object.

    Notes
    -----
    The phase [rad] follows from an image b as φ = π·tanh((b − max b / 2) / (3·mean b)). For `phase:
    coupled`, b is the amplitude itself; for `phase: independent`, b is a second draw. For `phase:
    none` the phase is 0.
    """
    images = []
    for _ in range(count):
        amplitude = _amplitude(config, size, rng)
        if config.phase == "none":
            images.append(amplitude.astype(np.complex128))
            continue
        coupled = config.phase == "coupled"
        source = amplitude if coupled else _amplitude(config, size, rng_of_phase)
        phase = np.pi * np.tanh((source - source.max() / 2) / (3 * source.mean()))
        images.append(amplitude * np.exp(1j * phase))
    return np.stack(images)


def _amplitude(config: DrawnObject, size: int, rng: np.random.Generator) -> Image:
    match config:
        case LinesObject():
            return lines(config, size, rng)
        case GrfObject():
            return gaussian_random_field(config, size, rng)
        case SiemensObject():
            return siemens_star(config, size, rng)


def lines(config: LinesObject, size: int, rng: np.random.Generator) -> Image:
    """Draw an amplitude of blurred random line segments.

    Parameters
    ----------
    config : LinesObject
        The number of segments.
    size : int
        Side of the image [px].
    rng : Generator
        The source of the ends of the segments.

    Returns
    -------
    (size, size) float64
        Amplitude ≥ 0.

    Raises
    ------
    ConfigError
        No line met the image.

    Notes
    -----
    Segments are drawn on a canvas twice as large, so that the crop has no preferred centre.
    """
    canvas = np.zeros((2 * size, 2 * size))
    for r0, c0, r1, c1 in rng.integers(0, 2 * size, (config.segments, 4)):
        canvas[line(r0, c0, r1, c1)] = 1.0
    blurred = sum(weight * gaussian_filter(canvas, sigma) for weight, sigma in LINE_SCALES)
    start = size // 2
    amplitude = np.asarray(blurred)[start : start + size, start : start + size]
    if not amplitude.any():
        raise ConfigError(
            f"dataset.object.segments: {config.segments} left an object of size = {size} empty; "
            "more are wanted"
        )
    return amplitude


def gaussian_random_field(config: GrfObject, size: int, rng: np.random.Generator) -> Image:
    """Draw an amplitude that is a stationary Gaussian random field, raised above 0.

    Parameters
    ----------
    config : GrfObject
        The correlation length ℓ [px].
    size : int
        Side of the image [px].
    rng : Generator
        The source of the white noise.

    Returns
    -------
    (size, size) float64
        Amplitude > 0. Its smallest value is the field's standard deviation: a pixel of amplitude 0
        would have no phase.

    Notes
    -----
    The spectral density is S(f) ∝ (1 + (2π·ℓ·|f|)²)⁻², and the covariance (r/ℓ)·K₁(r/ℓ): the field
    of Whittle, Biometrika 41, 434, 1954. White noise is filtered by √S on a periodic canvas twice
    as large, so that the edges of the crop do not match.
    """
    side = 2 * size
    rows, columns = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)
    root = 1 / (1 + (2 * np.pi * config.correlation_length) ** 2 * (rows**2 + columns**2))
    noise = np.fft.rfft2(rng.standard_normal((side, side)))
    field: Image = np.fft.irfft2(root * noise, s=(side, side))[:size, :size]
    return field - field.min() + field.std()


def siemens_star(config: SiemensObject, size: int, rng: np.random.Generator) -> Image:
    """Draw an amplitude that is a Siemens star of dark spokes, which fills the image.

    Parameters
    ----------
    config : SiemensObject
        The number of spokes.
    size : int
        Side of the image [px].
    rng : Generator
        The source of the centre, in the middle half of the image on both axes, and of the
        orientation.

    Returns
    -------
    (size, size) float64
        Amplitude from `SPOKE_AMPLITUDE` on the spokes to 1 between them. Edges are as sharp as
        pixels allow; towards the centre, where spokes are narrower than a pixel, the star becomes
        uniform.
    """
    centre = rng.uniform(0.25, 0.75, 2) * size
    turn = rng.uniform(0, 2 * np.pi)
    rows, columns = np.arange(size)[:, None] - centre[0], np.arange(size) - centre[1]
    angle = config.spokes * np.arctan2(rows, columns) + turn
    # Signed distance [px] along the circle to the nearest edge between two spokes.
    distance = np.hypot(rows, columns) * np.arcsin(np.sin(angle)) / config.spokes
    bright = np.clip(0.5 + distance, 0, 1)
    return SPOKE_AMPLITUDE + (1 - SPOKE_AMPLITUDE) * bright
