"""Read an existing scan without the frames and pixels that cannot be right."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ptychopareto.files.content import Content
from ptychopareto.files.errors import refusal
from ptychopareto.files.patterns import counts_as_diffraction
from ptychopareto.files.scan import Dataset
from ptychopareto.files.scan_reader import dataset_of, read_content, read_metadata
from ptychopareto.preparation.bad_pixels import (
    BROKEN,
    DARK,
    PixelStatistics,
    brightest_allowed,
    filled,
    hot,
    impossible,
    never_counts,
    too_dark,
)
from ptychopareto.preparation.centre import centre_of_light, lies_at_corner

log = logging.getLogger(__name__)

# Keys in which another value than 0 marks a good pixel (ptypy, cdtools, pty-chi), and keys in which
# it marks a bad one (ptychodus). The first key that the file has decides.
_GOOD, _BAD = ("valid", "mask"), ("bad_pixels",)
_LARGEST_SHARE_MASKED = 0.5  # a mask of more pixels is one of good ones, by the other convention
_CHUNK = 64  # frames at a time
_FEW = 8  # counts: few enough that the roots of neighbouring ones lie apart
_SAMPLE, _LEVELS = 100, 3  # so many values of few counts, of so many sizes, tell counts from roots
_WHOLE = 0.01  # mean distance from whole multiples, up to which values are whole ones


def read_sound_dataset(path: Path, *, patches: bool = False) -> Dataset:
    """Read a scan as `read_dataset` does, but leave out what cannot be right.

    Bad pixels are those of the keys `valid` or `mask` (0 marks a bad pixel) or `bad_pixels` (0
    marks a good one), values that are no measurement (NaN, infinite, negative), and pixels that
    never count or are hot in comparison with their surroundings. They are False in the dataset's
    `valid`; its `diffraction` holds the mean of the pixels around them. Frames that are dark or
    mostly bad are left out. Patterns whose zero frequency lies at pixel 0 are moved. What was found
    is said in a line of the log each.

    Parameters
    ----------
    path : Path
        The NPZ file.
    patches : bool, optional
        Whether `Y_I` and `Y_phi` are read too.

    Returns
    -------
    Dataset
        The scan. A file without anything wrong gives what `read_dataset` gives.

    Raises
    ------
    FileError
        The file is damaged, a key is missing, its patterns are counts and not their roots, or too
        little of it can be right.
    """
    content = read_content(path, patches=patches, more=(*_GOOD, *_BAD))
    counts_as_diffraction(content)
    diffraction = content.arrays.get("diffraction")
    sound = None
    if diffraction is not None and diffraction.dtype.kind in "iuf" and _holds_frames(diffraction):
        sound = _mend(content, diffraction.reshape(diffraction.shape[:3]))
    dataset = dataset_of(content, read_metadata(path))
    if sound is None or sound.all():
        return dataset
    left = dataset.part(sound)
    missing = set(dataset.object_index.tolist()) - set(left.object_index.tolist())
    if missing:
        raise refusal(path, f"has no bright pattern of object {min(missing)}; some are wanted")
    return left


def _holds_frames(array: NDArray[Any]) -> bool:
    return array.ndim >= 3 and array.size > 0 and set(array.shape[3:]) <= {1}


def _mend(content: Content, frames: NDArray[Any]) -> NDArray[np.bool_]:
    """Put sound patterns and their `valid` in place of the file's; tell the sound frames (B,)."""
    unmeasured = np.concatenate([impossible(piece) for piece in _pieces(frames)])
    masked = _masked(content, frames.shape)
    valid = ~(unmeasured | masked)
    amplitude = np.where(valid, frames, 0).astype(np.float32)
    _refuse_counts(content, amplitude)
    probe = _probe(content, frames.shape[-1])
    if _begins_at_zero_frequency(_statistics(amplitude, valid), probe):
        log.warning("%s: the zero frequency lies at pixel 0; it is moved to N // 2", content.path)
        unmeasured, masked, valid, amplitude = (
            np.fft.fftshift(part, axes=(1, 2)) for part in (unmeasured, masked, valid, amplitude)
        )
        content.arrays["diffraction"] = amplitude
    found = _stand_out(amplitude, valid, probe)
    valid &= ~found
    share = valid.mean(axis=(1, 2))
    dark = too_dark(_light(amplitude, valid) / np.maximum(share, 1e-9))
    broken = share < BROKEN
    sound = ~(dark | broken)
    if not sound.any():
        raise content.refusal("has no pattern with light in its good pixels; some are wanted")
    if not valid.all():
        content.arrays["valid"] = _shared(valid, sound)
        amplitude = filled(amplitude, content.arrays["valid"])
        content.arrays["diffraction"] = amplitude
    _report(
        content.path,
        {"masked by the file": masked, "without a measurement in some patterns": unmeasured},
        found,
    )
    _report_frames(content.path, dark & ~broken, broken)
    return sound


def _pieces(frames: NDArray[Any]) -> Iterator[NDArray[Any]]:
    return (frames[start : start + _CHUNK] for start in range(0, len(frames), _CHUNK))


def _light(amplitude: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the light in the good pixels of each frame, (B,)."""
    pieces = zip(_pieces(amplitude), _pieces(valid), strict=True)
    return np.concatenate(
        [
            np.square(np.where(good, frames, 0), dtype=np.float64).sum(axis=(1, 2))
            for frames, good in pieces
        ]
    )


def _masked(content: Content, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the pixels that the file itself calls bad, (1, N, N) or (B, N, N)."""
    given = {key: content.arrays.pop(key) for key in (*_GOOD, *_BAD) if key in content}
    if not given:
        return np.zeros((1, *shape[1:]), bool)
    key, mask = next(iter(given.items()))
    side = mask.shape
    while mask.ndim > 2 and mask.shape[-1] == 1:
        mask = mask[..., 0]
    mask = mask[None] if mask.ndim == 2 else mask
    allowed = ((1, *shape[1:]), shape)
    is_a_mask = mask.dtype.kind in "biu" or (mask.dtype.kind == "f" and np.isfinite(mask).all())
    if mask.shape not in allowed or not is_a_mask:
        raise content.refusal(
            f"{key} is {mask.dtype} {side}; 0 and 1, {shape[1:]} or {shape}, are wanted"
        )
    bad: NDArray[np.bool_] = mask == 0 if key in _GOOD else mask != 0
    share = float(bad.mean())
    if share > _LARGEST_SHARE_MASKED:
        other = "bad_pixels" if key in _GOOD else "mask"
        raise content.refusal(
            f"{key} calls {share:.0%} of the pixels bad; at most {_LARGEST_SHARE_MASKED:.0%} are "
            f"allowed (where 1 and 0 mean the opposite, the key is {other})"
        )
    return bad


def _probe(content: Content, n: int) -> NDArray[Any] | None:
    """Return the probe if it is one; otherwise `dataset_of` says what is wrong with it."""
    probe = np.squeeze(content.arrays.get("probeGuess", np.zeros(0)))
    is_one = probe.shape == (n, n) and probe.dtype.kind in "iufc"
    return probe if is_one and np.isfinite(probe).all() and probe.any() else None


def _refuse_counts(content: Content, amplitude: NDArray[np.float32]) -> None:
    """Refuse counts: they are whole multiples of one count, which roots of counts are not.

    In simulated scans of 10³ to 10⁹ photons, roots are off whole multiples by 0.08 and more.
    """
    bright = amplitude[amplitude > 0]
    one = bright.min(initial=np.inf)
    few = bright[bright < _FEW * one].astype(np.float64) / one
    if few.size < _SAMPLE or np.unique(np.rint(few)).size < _LEVELS:
        return
    if np.abs(few - np.rint(few)).mean() < _WHOLE:
        raise content.refusal(
            f"diffraction holds counts (whole multiples of {one:g}), not their roots; amplitudes "
            "|F(P·O)| are wanted, or the file as dataset.scan with counts: intensity"
        )


def _begins_at_zero_frequency(statistics: PixelStatistics, probe: NDArray[Any] | None) -> bool:
    """Tell whether the light lies around pixel 0, where the probe's own pattern has none."""
    # A hot pixel at the corner must not stand for the light.
    mean = ndimage.median_filter(
        statistics.total / np.maximum(statistics.measured, 1), size=3, mode="wrap"
    )
    found = centre_of_light(mean)
    if not (found.is_clear and lies_at_corner(found, mean.shape)):
        return False
    if probe is None:
        return True
    spectrum = np.fft.fftshift(np.fft.fft2(probe))
    return not lies_at_corner(centre_of_light(np.square(np.abs(spectrum))), mean.shape)


def _stand_out(
    amplitude: NDArray[np.float32], valid: NDArray[np.bool_], probe: NDArray[Any] | None
) -> NDArray[np.bool_]:
    """Find good pixels (B, N, N) that never count, or are hot."""
    statistics = _statistics(amplitude, valid)
    if not np.isfinite(statistics.smallest):
        return np.zeros(amplitude.shape, bool)
    limit = np.sqrt(brightest_allowed(statistics, probe)).astype(np.float32)
    sometimes = valid & (amplitude > limit)
    # A cosmic ray in one frame must not make the pixel a hot one in all.
    statistics = _statistics(amplitude, valid & ~sometimes)
    always = never_counts(statistics, probe) | hot(statistics, probe)
    always |= sometimes.all(axis=0, where=valid) & sometimes.any(axis=0)
    return always | sometimes


def _statistics(amplitude: NDArray[np.float32], valid: NDArray[np.bool_]) -> PixelStatistics:
    statistics = PixelStatistics.of_shape(amplitude.shape[1:])
    for frames, good in zip(_pieces(amplitude), _pieces(valid), strict=True):
        statistics.add(np.square(frames, dtype=np.float64), good)
    return statistics


def _shared(valid: NDArray[np.bool_], sound: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return one mask (1, N, N) for all frames if the sound ones have the same, else (B, N, N)."""
    first = valid[np.argmax(sound)]
    return first[None] if (valid[sound] == first).all() else valid


def _report(path: Path, known: dict[str, NDArray[np.bool_]], found: NDArray[np.bool_]) -> None:
    always, ever = found.all(axis=0), found.any(axis=0)
    counts = {name: int(bad.any(axis=0).sum()) for name, bad in known.items()}
    counts |= {"without a count in any pattern, or hot in all": int(always.sum())}
    counts |= {"hot in some": int((ever & ~always).sum())}
    pixels = found.shape[1] * found.shape[2]
    for name, count in counts.items():
        if count:
            log.warning("%s: %d of %d pixels are %s; they are left out", path, count, pixels, name)


def _report_frames(path: Path, dark: NDArray[np.bool_], broken: NDArray[np.bool_]) -> None:
    kinds = {
        f"dark (less than {DARK:.0%} of the median light)": dark,
        f"broken (less than {BROKEN:.0%} of their pixels are good)": broken,
    }
    for name, frames in kinds.items():
        if frames.any():
            count, total = int(frames.sum()), len(frames)
            log.warning("%s: %d of %d patterns are %s and left out", path, count, total, name)
