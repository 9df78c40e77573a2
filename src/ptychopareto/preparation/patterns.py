"""Patterns cut out of the frames, as amplitudes: in memory, or of a large scan in a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files import StoredArray, StoredPatterns, stored
from ptychopareto.files.errors import reading
from ptychopareto.preparation.bad_pixels import filled
from ptychopareto.preparation.frames import Window, piece_of, pieces, usable
from ptychopareto.preparation.spool import Spool, integer_type
from ptychopareto.preparation.survey import Surveyed

Bools = NDArray[np.bool_]

_CHUNK = 64  # patterns


@dataclass(frozen=True, eq=False)
class Patterns:
    """Patterns of one part of a scan, bad pixels filled.

    Attributes
    ----------
    amplitudes : (B, N, N) float32
        √I, DC at N // 2. Those of a large scan are in a file.
    valid : (1, N, N) or (B, N, N) bool
        False at bad pixels.
    """

    amplitudes: NDArray[np.float32] | StoredPatterns
    valid: Bools | StoredArray

    def first(self, count: int) -> "Patterns":
        """Return the first patterns only."""
        return Patterns(
            _first(self.amplitudes, count),
            self.valid if len(self.valid) == 1 else _first(self.valid, count),
        )


def _first(array: Any, count: int) -> Any:
    is_stored = isinstance(array, StoredArray | StoredPatterns)
    return array.part(slice(count)) if is_stored else array[:count]


@dataclass(frozen=True, eq=False)
class _Piece:
    """Some patterns: their place, counts where pixels hold them, amplitudes (b, N, N) and masks."""

    part: slice
    sums: NDArray[np.float64]
    amplitudes: NDArray[np.float32]
    valid: Bools


def read_patterns(surveyed: Surveyed, indices: NDArray[np.intp], values: str) -> Patterns:
    """Read frames of one scan, and cut the patterns out of them; see `gather_patterns`.

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
    """
    return gather_patterns([surveyed], [indices], values)


def gather_patterns(
    scans: Sequence[Surveyed],
    indices: Sequence[NDArray[np.intp]],
    values: str,
    folder: Path | None = None,
) -> Patterns:
    """Read frames of several scans piece by piece, and cut the patterns out of them.

    Parameters
    ----------
    scans : sequence of Surveyed
        Scans after their survey; their patterns follow each other.
    indices : sequence of (b,) int
        Indices of the frames of each, in ascending order.
    values : str
        What a pixel of a frame holds, "intensity" or "amplitude".
    folder : Path, optional
        Takes the patterns of a large scan until they are written; by default the system's own.

    Returns
    -------
    Patterns

    Raises
    ------
    FileError
        A frame cannot be read.
    """
    N, count = scans[0].grid.N, sum(map(len, indices))
    each = list(zip(scans, indices, strict=True))
    if 4 * count * N**2 > stored.LARGE:
        return _read_large(each, values, folder)
    return _together([_read_small(scan, frames, values) for scan, frames in each])


def _read_small(scan: Surveyed, indices: NDArray[np.intp], values: str) -> Patterns:
    N, static = scan.grid.N, scan.window.good(scan.detector)
    amplitudes = np.empty((len(indices), N, N), np.float32)
    valid = np.empty(amplitudes.shape, bool) if scan.per_frame else static[None]
    for piece in _read(scan, indices, values):
        amplitudes[piece.part] = piece.amplitudes
        if scan.per_frame:
            valid[piece.part] = piece.valid
    return Patterns(amplitudes, valid)


def _read_large(
    each: list[tuple[Surveyed, NDArray[np.intp]]], values: str, folder: Path | None
) -> Patterns:
    """Let patterns wait in a file, as counts of a detector's type where frames hold whole numbers.

    A bad pixel, whose amplitude is filled from its neighbours, gets the nearest whole count then.
    """
    N = each[0][0].grid.N
    largest = max(scan.found.largest.max() * scan.window.bin**2 for scan, _ in each)
    whole = values == "intensity" and all(scan.found.whole_numbers for scan, _ in each)
    counts_type = integer_type(largest) if whole else None
    patterns = Spool(folder, (N, N), counts_type or np.dtype(np.float32))
    statics = [scan.window.good(scan.detector) for scan, _ in each]
    shared = not any(scan.per_frame for scan, _ in each)
    shared = shared and all((static == statics[0]).all() for static in statics)
    masks = None if shared else Spool(folder, (N, N), np.dtype(bool))
    for scan, indices in each:
        for piece in _read(scan, indices, values):
            content: NDArray[Any] = piece.amplitudes
            if counts_type is not None:
                fill = np.rint(np.square(content, dtype=np.float64))
                content = np.where(piece.valid, piece.sums, fill)
            patterns.add(content)
            if masks is not None:
                masks.add(np.broadcast_to(piece.valid, content.shape))
    amplitudes = StoredPatterns(patterns.array(), None if counts_type is None else 1.0)
    return Patterns(amplitudes, statics[0][None] if masks is None else masks.array())


def _read(surveyed: Surveyed, indices: NDArray[np.intp], values: str) -> Iterator[_Piece]:
    """Cut the patterns of the frames `indices`, in ascending order, piece by piece."""
    scan, window = surveyed.scan, surveyed.window
    static = window.good(surveyed.detector)[None]
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
            sums = _counts(numbers, window, values)
            roots = np.sqrt(sums) if values == "intensity" or window.bin > 1 else sums
            valid = window.good(good & surveyed.detector) if surveyed.per_frame else static
            amplitudes = filled(roots.astype(np.float32), valid)
            yield _Piece(slice(at[0], at[-1] + 1), sums, amplitudes, valid)


def _counts(numbers: NDArray[np.float64], window: Window, values: str) -> NDArray[np.float64]:
    """Return counts, which are added where pixels are binned; else what the frames hold."""
    if values == "intensity" or window.bin == 1:
        return window.sums(numbers)
    return window.sums(numbers**2)


def _together(parts: list[Patterns]) -> Patterns:
    """Join the patterns of several scans, one after the other."""
    if len(parts) == 1:
        return parts[0]
    valid = np.asarray(parts[0].valid)
    same = all(len(part.valid) == 1 and np.array_equal(part.valid, valid) for part in parts)
    if not same:
        valid = np.concatenate(
            [np.broadcast_to(part.valid, part.amplitudes.shape) for part in parts]
        )
    return Patterns(np.concatenate([part.amplitudes for part in parts]), valid)


def always(valid: Bools | StoredArray) -> Bools:
    """Return which pixels (N, N) are good in all patterns."""
    return np.asarray(np.stack([part.all(axis=0) for part in _parts(valid)]).all(axis=0))


def ever(valid: Bools | StoredArray) -> Bools:
    """Return which pixels (N, N) are good in any pattern."""
    return np.asarray(np.stack([part.any(axis=0) for part in _parts(valid)]).any(axis=0))


def _parts(valid: Bools | StoredArray) -> Iterator[Bools]:
    return (valid[start : start + _CHUNK] for start in range(0, len(valid), _CHUNK))


def mean_intensity(patterns: Patterns) -> NDArray[np.float64]:
    """Return the mean pattern (N, N) [counts]: each pixel over the patterns in which it is valid.

    A pixel that is valid in no pattern gets the mean of its filled values.
    """
    amplitudes, valid = patterns.amplitudes, patterns.valid
    total = np.zeros(amplitudes.shape[1:])
    weight = np.zeros(amplitudes.shape[1:])
    everything = np.zeros(amplitudes.shape[1:])
    for start in range(0, len(amplitudes), _CHUNK):
        which = slice(start, start + _CHUNK)
        part = amplitudes[which].astype(np.float64) ** 2
        good = np.broadcast_to(valid[:] if len(valid) == 1 else valid[which], part.shape)
        total += (part * good).sum(axis=0)
        weight += good.sum(axis=0)
        everything += part.sum(axis=0)
    return np.where(weight > 0, total / np.maximum(weight, 1), everything / len(amplitudes))
