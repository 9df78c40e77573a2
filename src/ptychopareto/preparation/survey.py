"""Survey the frames of a scan: where the beam lies, and which pixels and frames fail.

One pass over all frames answers it, before a pattern is cut out.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import refusal
from ptychopareto.preparation.bad_pixels import (
    BROKEN,
    PixelStatistics,
    hot,
    never_counts,
    too_dark,
)
from ptychopareto.preparation.centre import Layout
from ptychopareto.preparation.frames import Survey, Window, piece_of, pieces, survey, usable
from ptychopareto.preparation.geometry import Grid, derived_pixel, make_grid, positions_in_pixels
from ptychopareto.preparation.record import Record
from ptychopareto.preparation.zero_frequency import find_layout, unmasked
from ptychopareto.readers.measured_scan import MeasuredScan

_LEAST_FRAMES = 8
_LEAST_GOOD = 0.5  # part of all frames in which a pixel must have a good value

Bools = NDArray[np.bool_]
Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Surveyed:
    """A scan, and what a first pass over its frames told of it.

    Attributes
    ----------
    scan : MeasuredScan
        As its file and the config describe it.
    found : Survey
    grid, window : Grid and Window
        The patterns' grid, and which pixels of a frame make a pattern.
    detector : (H, W) bool
        False where a pixel is bad in all frames.
    positions : (B, 2) float64
        Positions of all frames [px], from 0.
    totals : (B,) float64
        Intensity of each frame in the pixels that are not bad in all frames.
    kept, dark : int array
        Indices of the frames that are used, and of those left out.
    """

    scan: MeasuredScan
    found: Survey
    grid: Grid
    window: Window
    detector: Bools
    positions: Reals
    totals: Reals
    kept: NDArray[np.intp]
    dark: NDArray[np.intp]

    @property
    def per_frame(self) -> bool:
        """Whether some pixels are bad in a part of the frames only."""
        varies = self.scan.valid is not None and self.scan.valid.ndim == 3
        return varies or bool(
            (self.found.statistics.measured[self.detector] < len(self.found.totals)).any()
        )


def look_at(scan: MeasuredScan, N: int | None, bin: int, record: Record) -> Surveyed:
    """Survey the frames of a scan.

    Parameters
    ----------
    scan : MeasuredScan
        As its file and the config describe it, with positions.
    N : int or None
        Side of the patterns that are wanted [px]; None for all that the frames have.
    bin : int
        Side of the squares of detector pixels that are summed.
    record : Record
        Takes what was assumed and found.

    Returns
    -------
    Surveyed

    Raises
    ------
    FileError
        The frames are damaged, too small, empty, or nearly all dark, or the positions make no
        sense.
    """
    path, shape = Path(scan.path), scan.frames.shape
    if len(shape) != 3:
        raise refusal(path, f"has frames of shape {shape}; (frames, rows, columns) is wanted")
    grid = make_grid(scan, N, bin)
    positions = positions_in_pixels(scan, grid)
    found = survey(scan)
    layout = find_layout(scan, found, grid, record)
    detector = _detector(scan, found, layout, record)
    window = layout.window((shape[1], shape[2]), grid.N, bin)
    if not window.good(detector).any():
        raise refusal(path, "no pixel of the patterns can be believed; is the mask inverted?")
    totals = _totals(scan, found, detector)
    share = found.good_share
    dark = too_dark(totals) | (share < BROKEN * np.median(share))
    kept = np.flatnonzero(~dark)
    if len(kept) < _LEAST_FRAMES:
        raise refusal(
            path, f"{len(kept)} of its {len(totals)} frames have light; at least {_LEAST_FRAMES} "
            "are wanted"
        )  # fmt: skip
    _say_grid(scan, grid, record)
    return Surveyed(
        scan, found, grid, window, detector, positions, totals, kept, np.flatnonzero(dark)
    )


def _detector(scan: MeasuredScan, found: Survey, layout: Layout, record: Record) -> Bools:
    """Return the pixels (H, W) to believe: those that the mask allows, without those found bad."""
    valid = unmasked(scan)
    seldom = valid & (found.statistics.measured < _LEAST_GOOD * len(found.totals))
    silent, hot = _standing_out(scan, found.statistics, layout)
    silent, hot = silent & valid & ~seldom, hot & valid & ~seldom
    figure = {
        "masked": int((~valid).sum()),
        "bad_values": int(seldom.sum()),
        "never_counting": int(silent.sum()),
        "hot": int(hot.sum()),
    }
    said = (
        f"bad pixels of a frame: {figure['masked']} by the mask, {figure['bad_values']} without a "
        f"value, {figure['never_counting']} that never count, {figure['hot']} hot"
    )
    found_bad = figure["bad_values"] + figure["never_counting"] + figure["hot"]
    record.check("pixels", not found_bad, figure, said)
    source = scan.origins.get("valid", "the file") if scan.valid is not None else "no mask given"
    record.assume("mask", figure, f"{source}; bad pixels found in the frames")
    return valid & ~seldom & ~silent & ~hot


def _standing_out(
    scan: MeasuredScan, statistics: PixelStatistics, layout: Layout
) -> tuple[Bools, Bools]:
    """Find pixels (H, W) that never count, and hot ones."""
    images = ("total", "brightest", "darkest", "measured")
    height, width = statistics.total.shape
    middle = (height // 2, width // 2)
    zero = (0, 0) if layout.corner else middle
    shift = [m - z - off for m, z, off in zip(middle, zero, layout.offset, strict=True)]
    centred = replace(
        statistics, **{name: np.roll(getattr(statistics, name), shift, (0, 1)) for name in images}
    )
    back = [-step for step in shift]
    silent, hot_ones = never_counts(centred, scan.probe), hot(centred, scan.probe)
    return np.roll(silent, back, (0, 1)), np.roll(hot_ones, back, (0, 1))


def _totals(scan: MeasuredScan, found: Survey, detector: Bools) -> Reals:
    """Sum each frame without the bad pixels; the frames are read again only if it matters."""
    bad = np.where(detector, 0, found.mean).sum()
    if bad < 1e-3 * found.mean.sum():
        return found.totals
    totals = np.empty(len(found.totals))
    for which, raw in pieces(scan.frames):
        values = usable(raw, piece_of(scan.valid, which))[0][:, detector]
        totals[which] = (values**2 if scan.values == "amplitude" else values).sum(axis=1)
    return totals


def _say_grid(scan: MeasuredScan, grid: Grid, record: Record) -> None:
    height, width = grid.sides
    source = f"frames of {height} × {width} px"
    if (height, width) != (grid.N * grid.bin,) * 2:
        source += (
            f", cropped around the beam to {grid.N * grid.bin} px: an object pixel grows by "
            f"{1 / grid.scale[0]:.3g} (rows) and {1 / grid.scale[1]:.3g} (columns)"
        )
    if grid.bin > 1:
        source += f", squares of {grid.bin} × {grid.bin} px summed: the window shrinks as much"
    record.assume("N", grid.N, source)
    record.assume("object pixel [m]", grid.pixel, _origin_of_pixel(scan))
    record.assume("positions", scan.position_unit, scan.origins.get("positions", "the file"))
    derived = derived_pixel(scan)
    if derived is not None and scan.object_pixel is not None:
        ratio = float(scan.object_pixel[0] / derived[0])
        said = f"the file's object pixel is {ratio:.3f} of λz/(N·p)"
        record.check("pixel size", abs(ratio - 1) <= 0.02, ratio, said)


def _origin_of_pixel(scan: MeasuredScan) -> str:
    if derived_pixel(scan) is None:
        return "the file" if scan.object_pixel is not None else "not known; positions are pixels"
    names = ("wavelength", "distance", "detector_pixel")
    return "λz/(N·p), " + ", ".join(f"{n}: {scan.origins.get(n, 'the file')}" for n in names)
