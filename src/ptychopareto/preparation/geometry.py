"""Pixel sizes, positions in pixels, and probes on the grid of the patterns.

The far field of N pixels of pitch p, at distance z and wavelength λ, belongs to object pixels of
λz/(N·p). So a crop of the detector makes the object's pixels larger and keeps the extent of the
window, and binning keeps the pixels and makes the window smaller.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from ptychopareto.files.errors import refusal
from ptychopareto.readers.measured_scan import MeasuredScan

_SAME = 0.02  # relative difference up to which two pixel sizes are the same
LARGEST_OBJECT = 2**15  # px a side

Pair = tuple[float, float]
_Number = TypeVar("_Number", np.complex128, np.float64)


@dataclass(frozen=True)
class Grid:
    """The grid of the patterns, and how it comes from that of the file.

    Attributes
    ----------
    N : int
        Side of a pattern [px].
    bin : int
        Side of the squares of detector pixels that are summed.
    sides : tuple of int
        Rows and columns of a frame, once it is turned.
    native_pixel : tuple of float or None
        (row, column) [m] of an object under a whole frame; None if it is not known.
    """

    N: int
    bin: int
    sides: tuple[int, int]
    native_pixel: Pair | None

    @property
    def scale(self) -> NDArray[np.float64]:
        """Pixels of this grid in one native object pixel, (2,) for rows and columns."""
        return np.array([self.N * self.bin / side for side in self.sides])

    @property
    def pixel(self) -> Pair | None:
        """Object pixel (row, column) [m]."""
        if self.native_pixel is None:
            return None
        rows, columns = np.array(self.native_pixel) / self.scale
        return float(rows), float(columns)


def make_grid(scan: MeasuredScan, N: int | None, bin: int) -> Grid:
    """Choose the grid of the patterns.

    Parameters
    ----------
    scan : MeasuredScan
        Gives the size of the frames and their geometry.
    N : int or None
        Side of the patterns [px]; None for the largest even side that the frames have.
    bin : int
        Side of the squares of pixels that are summed.

    Returns
    -------
    Grid

    Raises
    ------
    FileError
        The frames are smaller than the patterns that are wanted.
    """
    height, width = scan.frames.shape[1:]
    transpose = scan.orientation[0]
    sides = (width, height) if transpose else (height, width)
    most = min(sides) // bin // 2 * 2
    if most < 8 or (N or 0) > most:
        wanted = f"N of at most {most}" if most >= 8 else "a smaller bin"
        raise refusal(
            Path(scan.path),
            f"has frames of {height} × {width} px; N = {N or most} with bin = {bin} does not fit, "
            f"{wanted} is wanted",
        )
    native = derived_pixel(scan) or scan.object_pixel
    return Grid(N or most, bin, sides, native)


def derived_pixel(scan: MeasuredScan) -> Pair | None:
    """Object pixel λz/(side·p) (row, column) [m] of a whole frame, once it is turned."""
    if scan.wavelength is None or scan.distance is None or scan.detector_pixel is None:
        return None
    height, width = scan.frames.shape[1:]
    extent = scan.wavelength * scan.distance
    rows, columns = (
        extent / (height * scan.detector_pixel[0]),
        extent / (width * scan.detector_pixel[1]),
    )
    return (columns, rows) if scan.orientation[0] else (rows, columns)


def positions_in_pixels(scan: MeasuredScan, grid: Grid) -> NDArray[np.float64]:
    """Convert positions to pixels of the patterns' grid, from 0.

    Parameters
    ----------
    scan : MeasuredScan
        Gives positions in metres or native pixels.
    grid : Grid
        The grid of the patterns.

    Returns
    -------
    (B, 2) float64
        (row, column) of each position [px]; the smallest of each axis is 0.

    Raises
    ------
    FileError
        The positions are metres and the size of a pixel is not known, or they span too much or
        nothing.
    """
    path = Path(scan.path)
    positions = positions_on_grid(scan, grid)
    positions = positions - positions.min(axis=0)
    span = positions.max(axis=0)
    if span.max() > LARGEST_OBJECT or (len(positions) > 1 and span.max() < 1):
        raise refusal(
            path,
            f"its positions span {span[0]:.3g} × {span[1]:.3g} px; 1 to {LARGEST_OBJECT} px are "
            "wanted: is dataset.positions.unit right?",
        )
    return positions


def positions_on_grid(scan: MeasuredScan, grid: Grid) -> NDArray[np.float64]:
    """Convert positions to pixels of the patterns' grid, from where the file counts them.

    Parameters
    ----------
    scan : MeasuredScan
        Gives positions in metres or native pixels.
    grid : Grid
        The grid of the patterns.

    Returns
    -------
    (B, 2) float64
        (row, column) of each position [px].

    Raises
    ------
    FileError
        The positions are metres and the size of a pixel is not known.
    """
    assert scan.positions is not None
    if scan.position_unit != "m":
        return scan.positions * grid.scale
    if grid.pixel is None:
        raise refusal(
            Path(scan.path),
            "has positions in metres, and nothing says how large a pixel is; dataset.energy, "
            "dataset.distance and dataset.pixel_size are wanted",
        )
    return scan.positions / np.array(grid.pixel)


def probe_on_grid(scan: MeasuredScan, grid: Grid) -> NDArray[np.complex128] | None:
    """Bring the file's probe to the grid of the patterns.

    Parameters
    ----------
    scan : MeasuredScan
        Gives the probe, its pixel size and the geometry.
    grid : Grid
        The grid of the patterns.

    Returns
    -------
    (modes, N, N) complex128 or None
        The probe; None if the file has none.
    """
    if scan.probe is None:
        return None
    probe = np.asarray(scan.probe, np.complex128)
    sides = probe.shape[1:]
    derived = derived_pixel(scan)
    if scan.object_pixel is not None and derived is not None:
        if grid.pixel is not None and _same(scan.object_pixel, grid.pixel):
            return centred(probe, (grid.N, grid.N))
        if not _same(scan.object_pixel, derived):
            probe = _resampled(probe, np.array(derived) / np.array(scan.object_pixel))
    elif sides == (grid.N, grid.N) and grid.sides != sides:
        return probe  # it has the size of the patterns that are wanted already
    probe = centred(probe, grid.sides)
    window = grid.N * grid.bin
    if grid.sides != (window, window):
        probe = fewer_frequencies(probe, window)
    return centred(probe, (grid.N, grid.N))


def _same(one: Pair, other: Pair) -> bool:
    return bool(np.allclose(one, other, rtol=_SAME, atol=0))


def centred(fields: NDArray[_Number], sides: tuple[int, int]) -> NDArray[_Number]:
    """Crop fields, or surround them with zeros, so that the middle pixel stays the middle.

    Parameters
    ----------
    fields : (..., h, w) complex or real
    sides : tuple of int
        The wanted rows and columns.

    Returns
    -------
    (..., rows, columns) complex or real
        Pixel h // 2 has come to rows // 2.
    """
    out = np.zeros((*fields.shape[:-2], *sides), fields.dtype)
    source, target = [], []
    for have, want in zip(fields.shape[-2:], sides, strict=True):
        first = want // 2 - have // 2
        target.append(slice(max(first, 0), min(first + have, want)))
        source.append(
            slice(max(-first, 0), max(-first, 0) + min(first + have, want) - max(first, 0))
        )
    out[..., target[0], target[1]] = fields[..., source[0], source[1]]
    return out


def fewer_frequencies(fields: NDArray[np.complex128], side: int) -> NDArray[np.complex128]:
    """Crop the far field of fields.

    Parameters
    ----------
    fields : (..., h, w) complex128
        Fields at the sample, their middle at pixel h // 2.
    side : int
        Side of the cropped far field [px].

    Returns
    -------
    (..., side, side) complex128
        The fields on the larger pixels that belong to the cropped far field.
    """
    axes = (-2, -1)
    far = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(fields, axes=axes), norm="ortho"), axes=axes)
    far = centred(far, (side, side))
    return np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(far, axes=axes), norm="ortho"), axes=axes)


def _resampled(
    fields: NDArray[np.complex128], factor: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Resample fields to pixels `factor` times as large; their centre stays the centre."""
    sides = [max(1, round(side / f)) for side, f in zip(fields.shape[-2:], factor, strict=True)]
    axes = [
        (np.arange(side) - side // 2) * f + have // 2
        for side, f, have in zip(sides, factor, fields.shape[-2:], strict=True)
    ]
    where = np.stack(np.meshgrid(*axes, indexing="ij"))
    parts = [
        map_coordinates(field.real, where, order=3)
        + 1j * map_coordinates(field.imag, where, order=3)
        for field in fields
    ]
    return np.stack(parts)
