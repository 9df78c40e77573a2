"""Patterns cut out of the frames, as amplitudes, in one array of their final size."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import reading
from ptychopareto.preparation.bad_pixels import filled
from ptychopareto.preparation.frames import Window, piece_of, pieces, usable
from ptychopareto.preparation.survey import Surveyed

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Patterns:
    """Patterns of one part of a scan, bad pixels filled.

    Attributes
    ----------
    amplitudes : (B, N, N) float32
        √I, DC at N // 2.
    valid : (1, N, N) or (B, N, N) bool
        False at bad pixels.
    """

    amplitudes: NDArray[np.float32]
    valid: Bools


def read_patterns(surveyed: Surveyed, indices: NDArray[np.intp], values: str) -> Patterns:
    """Read the frames `indices` piece by piece, and cut the patterns out of them.

    Parameters
    ----------
    surveyed : Surveyed
        A scan after its survey.
    indices : (b,) int
        Indices of its frames, in ascending order.
    values : str
        What a pixel of a frame holds, "intensity" or "amplitude".

    Returns
    -------
    Patterns

    Raises
    ------
    FileError
        A frame cannot be read.
    """
    scan, window, N = surveyed.scan, surveyed.window, surveyed.grid.N
    static = window.good(surveyed.detector)
    amplitudes = np.empty((len(indices), N, N), np.float32)
    valid = np.empty(amplitudes.shape, bool) if surveyed.per_frame else static[None]
    with reading(Path(scan.path), "a file with whole frames"):
        for which, raw in pieces(scan.frames):
            wanted = (indices >= which.start) & (indices < which.stop)
            if not wanted.any():
                continue
            at = np.flatnonzero(wanted)
            chosen = indices[at] - which.start
            masks = piece_of(scan.valid, which)
            if masks is not None and masks.ndim == 3:
                masks = masks[chosen]
            numbers, good = usable(raw[chosen], masks)
            part = slice(at[0], at[-1] + 1)
            roots = _amplitudes(numbers, window, values).astype(np.float32)
            if surveyed.per_frame:
                valid[part] = window.good(good & surveyed.detector)
            amplitudes[part] = filled(roots, valid[part] if surveyed.per_frame else valid)
    return Patterns(amplitudes, valid)


def _amplitudes(numbers: NDArray[np.float64], window: Window, values: str) -> NDArray[np.float64]:
    """Return √counts of the patterns; where pixels are binned, their counts are added."""
    if values == "intensity":
        return np.sqrt(window.sums(numbers))
    return window.sums(numbers) if window.bin == 1 else np.sqrt(window.sums(numbers**2))


def together(parts: list[Patterns]) -> Patterns:
    """Join the patterns of several scans, one after the other."""
    if len(parts) == 1:
        return parts[0]
    same = all(len(part.valid) == 1 and (part.valid == parts[0].valid).all() for part in parts)
    valid = parts[0].valid
    if not same:
        valid = np.concatenate(
            [np.broadcast_to(part.valid, part.amplitudes.shape) for part in parts]
        )
    return Patterns(np.concatenate([part.amplitudes for part in parts]), valid)


def mean_intensity(patterns: Patterns) -> NDArray[np.float64]:
    """Return the mean pattern (N, N) [counts]: each pixel over the patterns in which it is valid.

    A pixel that is valid in no pattern gets the mean of its filled values.
    """
    amplitudes, valid = patterns.amplitudes, patterns.valid
    total = np.zeros(amplitudes.shape[1:])
    weight = np.zeros(amplitudes.shape[1:])
    everything = np.zeros(amplitudes.shape[1:])
    for start in range(0, len(amplitudes), 64):
        part = amplitudes[start : start + 64].astype(np.float64) ** 2
        good = np.broadcast_to(valid if len(valid) == 1 else valid[start : start + 64], part.shape)
        total += (part * good).sum(axis=0)
        weight += good.sum(axis=0)
        everything += part.sum(axis=0)
    return np.where(weight > 0, total / np.maximum(weight, 1), everything / len(amplitudes))
