"""Detector pixels and frames that cannot be right, and what stands in for them.

A pixel is bad in a frame if its value is no count (NaN, negative, or the detector's mark of a
masked pixel). It is bad in all frames if it never counts although the pixels on both sides of it
do, or hot if it shows far more than its surroundings and the probe ever do. A frame is dark if
hardly any light fell. The criteria are one-sided on purpose: an edge of the pattern, a hole of a
central stop and the spike of a parallel beam are none of these.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Image = NDArray[np.float64]

DARK = 0.05  # part of the median light of all frames below which a frame is dark
BROKEN = 0.5  # a frame with a smaller part of good pixels is left out
_FEWEST_COUNTS = 50.0  # of all frames together: a good pixel that expects them shows 0 with e^-50
_SHARE_OF_SURROUNDINGS = 0.2
_NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)
_WIDEST_GAP = 4  # the widest gap or stop that is found is N / 4 to each side
_TIMES, _TIMES_ON_AVERAGE = 10.0, 3.0  # as much as its surroundings shows no good pixel
_FEWEST_FRAMES = 8  # to tell a stuck pixel from chance
_RANK = 4  # so many pixels of the surroundings may be hot too
_SURROUNDINGS = 5  # px a side
_FIRST_WINDOW, _WINDOW_GROWTH = 3, 2  # px a side of the window that a filled value is a mean of
_CHUNK = 32  # frames at a time


def impossible(frames: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which values of frames are no measurement, in the file's own type.

    Parameters
    ----------
    frames : (b, H, W) real numbers

    Returns
    -------
    (b, H, W) bool
        True for NaN, infinite and negative values, and for the largest value of a type of 16 or
        more bits, by which detectors mark masked and saturated pixels.
    """
    if frames.dtype.kind == "f":
        return ~(np.isfinite(frames) & (frames >= 0))
    bad: NDArray[np.bool_] = np.zeros(frames.shape, bool)
    if frames.dtype.kind == "i":
        bad |= frames < 0
    if frames.dtype.kind in "iu":
        for bits in (16, 32):
            if 8 * frames.dtype.itemsize >= bits and _is_a_mark(frames.dtype, bits):
                bad |= frames == 2**bits - 1
    return bad


def _is_a_mark(dtype: np.dtype[Any], bits: int) -> bool:
    """Tell whether a type marks masked pixels by 2^bits − 1.

    65,535 is a count like others where the type holds more; 2³² − 1 is a count in no type.
    """
    most = int(np.iinfo(dtype).max)
    return most == 2**bits - 1 or (bits == 32 and most > 2**bits - 1)


@dataclass
class PixelStatistics:
    """The statistics of each pixel over all frames of a scan, gathered a piece at a time.

    Attributes
    ----------
    total : (H, W) float64
        Sum over the frames in which the pixel is good.
    brightest, darkest : (H, W) float64
        Largest and smallest value of a good pixel.
    measured : (H, W) int64
        Number of frames in which the pixel is good.
    smallest : float
        Smallest value above 0 in all pixels, which is one count where photons were counted.
    """

    total: Image
    brightest: Image
    darkest: Image
    measured: NDArray[np.int64]
    smallest: float = np.inf

    @classmethod
    def of_shape(cls, shape: tuple[int, int]) -> "PixelStatistics":
        """Begin statistics of pixels (H, W) = `shape`, with no frame yet."""
        none, counts = np.zeros(shape), np.zeros(shape, np.int64)
        return cls(none, none.copy(), np.full(shape, np.inf), counts)

    def add(self, intensity: NDArray[Any], valid: NDArray[np.bool_]) -> None:
        """Add frames to the statistics.

        Parameters
        ----------
        intensity : (b, H, W)
            Intensity of each pixel.
        valid : (b, H, W) bool
            True at good pixels.
        """
        good = np.where(valid, intensity, 0).astype(np.float64)
        self.total += good.sum(axis=0)
        self.measured += valid.sum(axis=0)
        np.maximum(self.brightest, good.max(axis=0, initial=0), out=self.brightest)
        darkest = np.where(valid, intensity, np.inf).min(axis=0, initial=np.inf)
        np.minimum(self.darkest, darkest, out=self.darkest)
        self.smallest = min(self.smallest, good.min(where=good > 0, initial=np.inf))


def never_counts(
    statistics: PixelStatistics, probe: NDArray[np.complexfloating[Any, Any]] | None
) -> NDArray[np.bool_]:
    """Find pixels that are 0 in every frame although light falls there.

    Parameters
    ----------
    statistics : PixelStatistics
        Statistics of a scan whose frames are intensities, zero frequency at N // 2.
    probe : (N, N) or (modes, N, N) complex or None
        The probe, with any scale; None if it is not known.

    Returns
    -------
    (H, W) bool
        The pixel lies in whole rows or columns without a count between others that
        count (a gap between modules); or all its eight neighbours have at least 50 counts in all
        frames and a fifth of the light of their surroundings (a dead pixel); or, along its row or
        column, pixels within N/4 px on both sides have at least 50 counts, and the probe's own
        pattern |F P|² lets expect as many here too (a dead region, a beam stop). The dark rings and
        surroundings of a pattern are none of these.
    """
    counts = statistics.total / statistics.smallest
    silent = (statistics.measured > 0) & (statistics.total == 0)
    if not silent.any():
        return silent
    lines = _gap(silent, counts)[:, None] | _gap(silent.T, counts.T)[None]
    least = ndimage.minimum_filter(counts, footprint=_NEIGHBOURS, mode="nearest")
    usual = ndimage.median_filter(counts, size=_SURROUNDINGS, mode="reflect")
    dead = (least >= _FEWEST_COUNTS) & (least >= _SHARE_OF_SURROUNDINGS * usual)
    between = np.zeros(silent.shape, bool)
    for axis in (0, 1):
        before, after = (_counts_beside(counts, axis, step) for step in (1, -1))
        between |= np.minimum(before, after) >= _FEWEST_COUNTS
    if probe is not None:
        expected = ndimage.minimum_filter(_of_probe(statistics, probe, spread=1), size=3)
        frames = statistics.measured.max()
        between &= expected * frames >= _TIMES * _FEWEST_COUNTS * statistics.smallest
    return silent & (lines | dead | between)


def _gap(silent: NDArray[np.bool_], counts: Image) -> NDArray[np.bool_]:
    """Find rows without a count between rows with at least 50 counts, at most N/4 rows together."""
    empty: NDArray[np.bool_] = np.all(silent, axis=1, keepdims=True)[:, 0]
    light = counts.sum(axis=1)
    gap = np.zeros_like(empty)
    runs, number = ndimage.label(empty)
    for run in range(1, number + 1):
        rows = np.flatnonzero(runs == run)
        first, last = rows[0] - 1, rows[-1] + 1
        inside = first >= 0 and last < len(empty) and len(rows) <= len(empty) // _WIDEST_GAP
        gap[rows] = inside and min(light[first], light[last]) >= _FEWEST_COUNTS
    return gap


def _counts_beside(counts: Image, axis: int, step: int) -> Image:
    """Return the counts of the nearest pixel that counts, before (step 1) or after each pixel."""
    lines = np.moveaxis(counts, axis, 0)[::step]
    reach = max(1, len(lines) // _WIDEST_GAP)
    found, age = np.zeros(lines.shape), np.full(lines.shape[1], reach + 1)
    last = np.zeros(lines.shape[1])
    for number, line in enumerate(lines):
        last, age = np.where(line > 0, line, last), np.where(line > 0, 0, age + 1)
        found[number] = np.where(age <= reach, last, 0)
    return np.moveaxis(found[::step], 0, axis)


def hot(
    statistics: PixelStatistics, probe: NDArray[np.complexfloating[Any, Any]] | None
) -> NDArray[np.bool_]:
    """Find pixels that are hot in all frames.

    Parameters
    ----------
    statistics : PixelStatistics
        Statistics of a scan whose frames are intensities, zero frequency at N // 2.
    probe : (N, N) or (modes, N, N) complex or None
        The probe, with any scale; None leaves its pattern out of account.

    Returns
    -------
    (H, W) bool
        Such a pixel has at least 50 counts, and the same in all frames; or, on their
        mean, three times the light of its surroundings (5 × 5, their four brightest pixels left
        out) and three times that of the probe's own pattern |F P|², so that the spike of a flat
        beam is no hot pixel. By their mean, the 5 × 5 px at the zero frequency are not hot: a
        direct beam falls there.

    Notes
    -----
    On simulated scans (three probes, three kinds of object, 10⁴ to 10⁹ photons) and two measured
    ones a good pixel had at most twice the light of surroundings and probe.
    """
    mean = statistics.total / np.maximum(statistics.measured, 1)
    light = np.maximum(_surroundings(mean), _of_probe(statistics, probe))
    pixels = mean > _TIMES_ON_AVERAGE * light
    pixels[tuple(slice(max(0, side // 2 - 2), side // 2 + 3) for side in mean.shape)] = False
    stuck = statistics.darkest == statistics.brightest
    pixels |= stuck & (statistics.measured >= _FEWEST_FRAMES)
    enough = statistics.total >= _FEWEST_COUNTS * statistics.smallest
    found: NDArray[np.bool_] = pixels & enough
    return found


def brightest_allowed(
    statistics: PixelStatistics, probe: NDArray[np.complexfloating[Any, Any]] | None
) -> Image:
    """Return the most that a pixel may show in a frame; beyond it, the pixel is hot in this frame.

    Parameters
    ----------
    statistics : PixelStatistics
        Statistics of all frames, which are intensities with the zero frequency at N // 2.
    probe : (N, N) or (modes, N, N) complex or None
        The probe, with any scale; None leaves its pattern out of account.

    Returns
    -------
    (H, W) float64
        The limit: ten times the larger of what the pixel's surroundings show in any frame and what
        the probe's own pattern shows, and at least 50 counts. In the scans of `hot` a good pixel
        showed at most four times as much.
    """
    light = np.maximum(_surroundings(statistics.brightest), _of_probe(statistics, probe))
    return np.maximum(_TIMES * light, _FEWEST_COUNTS * statistics.smallest)


def _of_probe(
    statistics: PixelStatistics,
    probe: NDArray[np.complexfloating[Any, Any]] | None,
    spread: int = 3,
) -> Image:
    """Return the pattern of the probe alone, with the light of the frames; 0 if it is not known.

    Each pixel has the largest value of the `spread`² px around it.
    """
    mean = statistics.total / np.maximum(statistics.measured, 1)
    if probe is None or probe.shape[-2:] != mean.shape or not probe.any():
        return np.zeros(mean.shape)
    spectrum = np.fft.fftshift(np.fft.fft2(probe, norm="ortho"), axes=(-2, -1))
    pattern = np.square(np.abs(spectrum)).reshape(-1, *mean.shape).sum(axis=0)
    # A hot pixel must not raise the light that it is compared with.
    light = np.minimum(mean, _TIMES * _surroundings(mean)).sum() / pattern.sum()
    found: Image = light * ndimage.maximum_filter(pattern, size=spread, mode="nearest")
    return found


def _surroundings(image: Image) -> Image:
    """Return the fifth brightest of the 24 pixels around each one."""
    footprint = np.ones((_SURROUNDINGS, _SURROUNDINGS), bool)
    footprint[_SURROUNDINGS // 2, _SURROUNDINGS // 2] = False
    found: Image = ndimage.rank_filter(image, rank=-1 - _RANK, footprint=footprint, mode="reflect")
    return found


def too_dark(light: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Tell the dark frames of a scan by the light (B,) in each, the sum of its intensity."""
    return light < DARK * np.median(light[light > 0]) if (light > 0).any() else light <= 0


def filled(amplitude: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Give each bad pixel the mean of the good ones around it in the same frame.

    Parameters
    ----------
    amplitude : (B, H, W) float32
        Any value at bad pixels.
    valid : (1, H, W) or (B, H, W) bool
        False at bad pixels.

    Returns
    -------
    (B, H, W) float32
        Finite. The window of the mean is 3 × 3 px and doubles until it holds a
        good pixel. Networks see these values; losses, engines and measures leave them out.
    """
    if valid.all():
        return amplitude
    result = amplitude.copy()
    for start in range(0, len(amplitude), _CHUNK):
        piece = slice(start, start + _CHUNK)
        frames = result[piece]
        good = np.broadcast_to(valid if len(valid) == 1 else valid[piece], frames.shape)
        known = np.where(good, frames, 0).astype(np.float32)
        result[piece] = _spread(known, good)
    return result


def _spread(known: NDArray[np.float32], good: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Fill pixels that are not good, window by window; a frame without a good pixel stays 0."""
    result, missing, window = known.copy(), ~good, _FIRST_WINDOW
    weights = good.astype(np.float32)
    while missing.any() and window <= 4 * max(good.shape[1:]):
        size = (1, window, window)
        light = ndimage.uniform_filter(known, size, mode="constant")
        share = ndimage.uniform_filter(weights, size, mode="constant")
        found = missing & (share > 0.5 / window**2)
        result[found] = light[found] / share[found]
        missing &= ~found
        window = _WINDOW_GROWTH * window + 1
    return np.maximum(result, 0)
