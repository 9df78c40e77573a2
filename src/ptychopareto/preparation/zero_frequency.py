"""Find where the zero frequency lies in the frames, from the light and from the probe."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ptychopareto.preparation.centre import (
    Layout,
    centre_of_light,
    describe,
    lies_at_corner,
    tolerance,
)
from ptychopareto.preparation.frames import Survey
from ptychopareto.preparation.geometry import Grid, centred, probe_on_grid
from ptychopareto.preparation.guess import far_intensity
from ptychopareto.preparation.record import Record
from ptychopareto.readers.measured_scan import MeasuredScan

# Without a probe, the light of a whole frame may lie off by 1/_UNEVEN of its side: a pattern of a
# curved beam is a shadow image, and as uneven as the sample.
_UNEVEN = 8
_LEAST_GAIN = 0.1  # a shift must raise the correlation with the probe's pattern by this much

Reals = NDArray[np.float64]
Offset = tuple[int, int]


def unmasked(scan: MeasuredScan) -> NDArray[np.bool_]:
    """Return the pixels (H, W) that the mask of file and config allows in at least one frame."""
    if scan.valid is None:
        return np.ones(scan.frames.shape[1:], bool)
    return scan.valid if scan.valid.ndim == 2 else np.asarray(scan.valid.any(axis=0))


def find_layout(scan: MeasuredScan, found: Survey, grid: Grid, record: Record) -> Layout:
    """Find the zero frequency of the frames.

    The light of the mean pattern tells whether it lies at the corner or in the middle; where that
    light lies in no one place, the file tells. How far off the zero frequency lies from there
    follows from the pattern |F P| of the probe, laid over the mean pattern; without a probe it is
    the centre of the light.

    Parameters
    ----------
    scan : MeasuredScan
    found : Survey
        Its survey.
    grid : Grid
        The grid of the patterns; where they are cut out of the frames, they lie around the light.
    record : Record
        Takes the check.

    Returns
    -------
    Layout
    """
    mean = found.mean_square if scan.values == "amplitude" else found.mean
    mean = np.where(unmasked(scan), _without_spikes(mean), 0)
    light = centre_of_light(mean)
    shape, claimed = (mean.shape[0], mean.shape[1]), scan.zero_frequency
    corner = lies_at_corner(light, shape) if light.is_clear else claimed == "corner"
    middle = mean if not corner else np.fft.fftshift(mean)
    modes = probe_on_grid(scan, grid)
    if modes is not None:
        model = _as_the_frames_lie(_pattern_of(modes, grid), scan.orientation)
        offset, source = _beside(middle, model), "the probe's pattern"
    else:
        offset, source = _of_light(middle, grid), "the centre of the light"
    layout = Layout(corner, *scan.orientation, offset=offset)
    where = "corner" if corner else "centre"
    agrees = None if not light.is_clear else claimed in (None, where)
    said = f"the light of the mean pattern lies at the {where} of the frames"
    if not light.is_clear:
        said = f"the light of the mean pattern lies in no one place; {where} is assumed"
    elif not agrees:
        said += f", and not at the {claimed} as the file says; the light is believed"
    if offset != (0, 0):
        said += f", {offset[0]:+d} rows and {offset[1]:+d} columns off by {source}; it is moved"
    figure = {"row": light.place[0], "column": light.place[1], "contrast": list(light.contrast)}
    record.check("zero frequency", agrees, figure, said)
    record.assume("layout of the frames", describe(layout), scan.origins.get("orientation", said))
    return layout


def _of_light(middle: Reals, grid: Grid) -> Offset:
    """Return how far the light of a mean pattern lies from the middle pixel; (0, 0) if not far."""
    light = centre_of_light(middle)
    cropped = grid.sides != (grid.N * grid.bin,) * 2
    allowed = [tolerance(side) if cropped else side / _UNEVEN for side in middle.shape]
    away = [place - side // 2 for place, side in zip(light.place, middle.shape, strict=True)]
    far = any(abs(distance) > most for distance, most in zip(away, allowed, strict=True))
    return (round(away[0]), round(away[1])) if far and light.is_clear else (0, 0)


def _pattern_of(modes: NDArray[np.complex128], grid: Grid) -> Reals:
    """Return the amplitude of the probe's own pattern on a whole frame, once that is turned."""
    pattern = np.sqrt(far_intensity(modes))
    spread = np.repeat(np.repeat(pattern, grid.bin, axis=0), grid.bin, axis=1)
    return centred(spread, grid.sides)


def _beside(middle: Reals, model: Reals) -> Offset:
    """Return how far a mean pattern lies from the probe's, if a shift makes them more alike."""
    one, other = (image - image.mean() for image in (np.sqrt(middle), model))
    correlation = np.fft.ifft2(np.fft.fft2(one) * np.fft.fft2(other).conj()).real
    correlation /= max(np.linalg.norm(one) * np.linalg.norm(other), np.finfo(float).tiny)
    place = np.unravel_index(correlation.argmax(), correlation.shape)
    offset = [
        int((at + side // 2) % side - side // 2)
        for at, side in zip(place, middle.shape, strict=True)
    ]
    far = any(abs(at) > tolerance(side) for at, side in zip(offset, middle.shape, strict=True))
    gain = correlation[place] - correlation[0, 0]
    return (offset[0], offset[1]) if far and gain > _LEAST_GAIN else (0, 0)


def _as_the_frames_lie(image: Reals, orientation: tuple[bool, bool, bool]) -> Reals:
    """Turn an image back to how frames lie in their file, with its middle pixel in its place."""
    transpose, *flips = orientation
    for axis, flip in enumerate(flips):
        if flip:
            image = np.roll(np.flip(image, axis), 1 - image.shape[axis] % 2, axis)
    return image.T if transpose else image


def _without_spikes(mean: Reals) -> Reals:
    """Return the mean frame without pixels that stand out alone: a hot one would be the centre."""
    return np.minimum(mean, 3 * median_filter(mean, size=3, mode="wrap"))
