"""Frames of any type, size and orientation, read in pieces and judged in their own type."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import reading, refusal
from ptychopareto.preparation.bad_pixels import PixelStatistics, impossible
from ptychopareto.readers.measured_scan import Frames, MeasuredScan

_PIECE = 2**25  # bytes of float64 in one piece
_MARK = 2**32 - 1  # what DECTRIS detectors write for a pixel without a value

Bools = NDArray[np.bool_]
Reals = NDArray[np.float64]


def pieces(frames: Frames) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Read the frames (B, H, W) piece by piece, with the slice that each piece is."""
    count, *sides = frames.shape
    step = max(1, _PIECE // (8 * int(np.prod(sides))))
    for start in range(0, count, step):
        which = slice(start, min(start + step, count))
        yield which, np.asarray(frames[which])


def bad_values(values: NDArray[Any]) -> Bools:
    """Tell which values (b, H, W) are no measurement, judged in their own type.

    See `impossible`; 2³² − 1 stays the mark of a bad pixel where frames were saved as floats.
    """
    bad = impossible(values)
    return bad | (values >= np.float64(_MARK)) if values.dtype.kind == "f" else bad


def usable(values: NDArray[Any], valid: Bools | None) -> tuple[Reals, Bools]:
    """Convert values to float64, and tell which of them are good.

    Parameters
    ----------
    values : (b, H, W)
        A piece of the frames, in the file's own type.
    valid : (H, W) or (b, H, W) bool or None
        The mask of the detector or of these frames; None for no mask.

    Returns
    -------
    tuple of float64 array and bool array
        The values (b, H, W) float64, 0 where they are bad, and a mask (b, H, W), True where they
        are good.
    """
    good = ~bad_values(values)
    if valid is not None:
        good &= valid
    return np.where(good, values, 0).astype(np.float64), good


@dataclass(frozen=True, eq=False)
class Survey:
    """The findings of one pass over all frames about the detector, in the frames' own layout.

    Attributes
    ----------
    mean, mean_square : (H, W) float64
        Mean of the good values of each pixel, and of their squares.
    statistics : PixelStatistics
        The intensity of each pixel.
    totals : (B,) float64
        Intensity of each frame, in its good pixels.
    good_share : (B,) float64
        Which part of a frame's pixels is good.
    largest : (B,) float64
        Largest good value of each frame.
    whole_numbers : bool
        Whether all good values are whole numbers.
    """

    mean: Reals
    mean_square: Reals
    statistics: PixelStatistics
    totals: Reals
    good_share: Reals
    largest: Reals
    whole_numbers: bool


def survey(scan: MeasuredScan) -> Survey:
    """Read each frame of a scan once, and sum up what it shows.

    Raises
    ------
    FileError
        The frames cannot be read, or all of them are empty.
    """
    count, *sides = scan.frames.shape
    total, square = np.zeros(sides), np.zeros(sides)
    statistics = PixelStatistics.of_shape((sides[0], sides[1]))
    totals, share, largest = np.zeros(count), np.zeros(count), np.zeros(count)
    whole = True
    with reading(Path(scan.path), "a file with whole frames"):
        for which, raw in pieces(scan.frames):
            values, fine = usable(raw, piece_of(scan.valid, which))
            total += values.sum(axis=0)
            square += (values**2).sum(axis=0)
            light = values**2 if scan.values == "amplitude" else values
            statistics.add(light, fine)
            totals[which] = light.sum(axis=(1, 2))
            share[which] = fine.mean(axis=(1, 2))
            largest[which] = values.max(axis=(1, 2))
            whole &= raw.dtype.kind in "uib" or bool((values == np.rint(values)).all())
    if not statistics.total.any():
        raise refusal(Path(scan.path), "all frames are empty; frames with light are wanted")
    often = np.maximum(statistics.measured, 1)
    return Survey(total / often, square / often, statistics, totals, share, largest, whole)


def piece_of(valid: Bools | None, which: slice) -> Bools | None:
    """Return the part of a mask that belongs to a slice of frames.

    Parameters
    ----------
    valid : (H, W) or (B, H, W) bool or None
        The mask of the detector, or of each frame.
    which : slice

    Returns
    -------
    bool array or None
        The mask of the detector (H, W), or that of the frames in the slice (b, H, W).
    """
    return valid if valid is None or valid.ndim == 2 else valid[which]


@dataclass(frozen=True, eq=False)
class Window:
    """Which pixels of a frame make a pattern: N·bin of them on each axis, turned and in order.

    Attributes
    ----------
    rows, columns : (N·bin,) int
        Indices of the frame's pixels, -1 where the frame has none.
    transpose : bool
        Whether rows and columns are exchanged, after the pixels have been chosen.
    bin : int
        Side of the squares of pixels that are summed.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    transpose: bool
    bin: int

    def sums(self, values: Reals) -> Reals:
        """Cut patterns (..., N, N) out of frames (..., H, W); counts are added where binned."""
        cut = self._cut(values, 0)
        return cut if self.bin == 1 else self._squares(cut).sum(axis=(-3, -1))

    def good(self, good: Bools) -> Bools:
        """Cut masks (..., N, N) out of (..., H, W); a binned pixel is good if all in it are."""
        cut = self._cut(good, False)
        return cut if self.bin == 1 else np.asarray(self._squares(cut).all(axis=(-3, -1)))

    def _cut(self, values: NDArray[Any], outside: Any) -> NDArray[Any]:
        cut = values[..., self.rows[:, None], self.columns[None, :]]
        missing = (self.rows < 0)[:, None] | (self.columns < 0)[None, :]
        if missing.any():
            cut[..., missing] = outside
        return np.swapaxes(cut, -1, -2) if self.transpose else cut

    def _squares(self, cut: NDArray[Any]) -> NDArray[Any]:
        side = cut.shape[-1] // self.bin
        return cut.reshape(*cut.shape[:-2], side, self.bin, side, self.bin)
