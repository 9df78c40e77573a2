"""An object that grows with the scan that is being measured."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ptychopareto.config import MeasuredDataset
from ptychopareto.files.errors import refusal
from ptychopareto.files.npz import largest_content
from ptychopareto.following.sample import Sample
from ptychopareto.physics.on_device import on_device
from ptychopareto.physics.subpixel import split_positions
from ptychopareto.preparation.bad_pixels import DARK
from ptychopareto.preparation.geometry import LARGEST_OBJECT, positions_on_grid
from ptychopareto.preparation.overrides import apply_config
from ptychopareto.preparation.patterns import Patterns, read_patterns
from ptychopareto.preparation.whole import Whole
from ptychopareto.readers.frames import patterns_between
from ptychopareto.readers.measured_scan import MeasuredScan
from ptychopareto.reconstruction.predictor import Predictor, predict_each
from ptychopareto.reconstruction.r_factor import r_factor
from ptychopareto.reconstruction.stitch import Stitcher

_READ_BYTES = 2**23  # size of the frames that are read at once, as float64
_PREPARED_BYTES = 2**21  # and of those that become patterns at once, while others are predicted
_TAIL = 16  # frames at the end of what is there, one of which has light if those before are written
_MARGIN = 0.25  # part of a side that the object grows by, so that few patterns make it be copied
_BYTES_OF_A_PIXEL = 3 * 12  # sums of the object and of the light, while they are copied, and a view


def _has_light(scan: MeasuredScan, first: int, last: int) -> bool:
    return first < last and bool(scan.frames[first:last].any())


@dataclass(frozen=True, eq=False)
class _Block:
    """Patterns that enter the network together: frames, (b, N, N) amplitudes, masks, (b, 2) px."""

    numbers: NDArray[np.int64]
    patterns: Patterns
    positions: NDArray[np.float64]


class LiveObject:
    """Patterns of a growing scan, predicted and stitched in the order of the scan.

    Networks get whole blocks of `predictor.batch` frames of the file, whenever these came. So two
    runs over one file end with the same bits, one of which was killed and begun again.

    Parameters
    ----------
    first : Whole
        The first patterns of the scan, prepared: they say how its frames become patterns, and give
        the probe.
    settings : MeasuredDataset
        What the user says of the scan, as `first` was prepared with.
    predictor : Predictor
        The network, of single patterns, adapted to the scan.

    Attributes
    ----------
    done : int
        How many frames have been taken, dark ones among them.
    """

    def __init__(self, first: Whole, settings: MeasuredDataset, predictor: Predictor) -> None:
        if predictor.gridsize > 1:
            raise ValueError("a network of groups wants all patterns at once")
        self.first = first
        self.done = 0
        self._settings = settings
        self._block = predictor.batch
        surveyed, N = first.surveyed, predictor.N
        self._origin = positions_on_grid(surveyed.scan, surveyed.grid).min(axis=0)
        light = (np.asarray(first.dataset.diffraction, np.float64) ** 2).sum(axis=(1, 2))
        self._darkest = DARK * float(np.median(light))
        self._N = N
        self._shape = np.array([N, N])
        self._before = np.zeros(2, np.int64)  # what was put before the first row and column
        self._predictor = predictor
        self._probe = torch.from_numpy(first.dataset.modes).to(predictor.device)
        self._stitcher = Stitcher(self._probe, (N, N))
        self._empty: list[NDArray[np.int64]] = []  # frames that were zeros
        self._frames: list[NDArray[np.int64]] = []
        self._positions: list[NDArray[np.float64]] = []
        self._sample = Sample()
        self._latest: tuple[Patterns, NDArray[np.float64]] | None = None

    def take(self, scan: MeasuredScan, *, ended: bool) -> int:
        """Add some of the patterns that have come since the last call.

        Parameters
        ----------
        scan : MeasuredScan
            What there is of the scan now.
        ended : bool
            Whether no more will come: then the last block need not be full, and frames that are
            zeros are dark. Before, they may not be written yet.

        Returns
        -------
        int
            How many frames were taken; 0 if those that are there must wait for others.

        Raises
        ------
        FileError
            A frame cannot be read, or the scan extends beyond all bounds.
        """
        count = scan.frames.shape[0]
        last = min(count, self.done + self._at_once(scan))
        if not ended and last - self.done < self._block:
            return 0
        part = self._in_memory(patterns_between(scan, self.done, last))
        taken = last - self.done
        if not ended and not _has_light(scan, max(last, count - _TAIL), count):
            lit = np.flatnonzero(part.frames[:].any(axis=(1, 2)))
            taken = (int(lit[-1]) + 1 if len(lit) else 0) // self._block * self._block
        self._add(part, np.arange(taken) + self.done)
        self.done += taken
        return taken

    def take_late(self, scan: MeasuredScan) -> int:
        """Add frames of the whole scan that were zeros when they were read, and are not any more.

        A writer that makes place for many frames at once may fill it in any order.

        Returns
        -------
        int
            How many there were.
        """
        empty = np.concatenate([np.empty(0, np.int64), *self._empty])
        self._empty = []
        late = 0
        for number in empty.tolist():
            part = self._in_memory(patterns_between(scan, number, number + 1))
            if part.frames[:].any():
                self._add(part, np.array([number]))
                late += 1
        return late

    def _in_memory(self, part: MeasuredScan) -> MeasuredScan:
        """Read the frames of a part of the scan, and put in place what the user says of it."""
        frames = np.asarray(part.frames[0 : part.frames.shape[0]])
        return apply_config(replace(part, frames=frames), self._settings)

    def _at_once(self, scan: MeasuredScan, size: int = _READ_BYTES) -> int:
        """Return how many frames take `size` bytes as float64: whole blocks."""
        frame = 8 * int(np.prod(scan.frames.shape[1:]))
        return max(1, size // (frame * self._block)) * self._block

    def _add(self, part: MeasuredScan, numbers: NDArray[np.int64]) -> None:
        """Predict and stitch the first frames of a part, which have these numbers."""
        blocks: list[_Block] = []

        def batches() -> Iterator[torch.Tensor]:
            for block in self._blocks(part, numbers):
                blocks.append(block)
                amplitudes = np.asarray(block.patterns.amplitudes)
                yield torch.from_numpy(amplitudes[:, None]).to(self._predictor.device)

        for patches in predict_each(self._predictor, batches()):
            block = blocks.pop(0)
            corners, fractions = split_positions(block.positions)
            self._make_room(part, corners)
            self._stitcher.add(patches.flatten(0, 1), corners + self._before, fractions)
            self._frames.append(block.numbers)
            self._positions.append(block.positions)
            self._latest = block.patterns, block.positions
            self._sample.add(*self._latest)

    def _blocks(self, part: MeasuredScan, numbers: NDArray[np.int64]) -> Iterator[_Block]:
        """Turn frames into patterns, and yield those of each block that are not dark."""
        at_once = self._at_once(part, _PREPARED_BYTES)
        for start in range(0, len(numbers), at_once):
            stop = min(start + at_once, len(numbers))
            own, some = numbers[start:stop], patterns_between(part, start, stop)
            self._empty.append(own[~some.frames[:].any(axis=(1, 2))])
            surveyed = replace(self.first.surveyed, scan=some)
            patterns = read_patterns(surveyed, np.arange(len(own)), self.first.values)
            positions = positions_on_grid(some, surveyed.grid) - self._origin
            amplitudes = np.asarray(patterns.amplitudes)
            light = (amplitudes.astype(np.float64) ** 2).sum(axis=(1, 2))
            for begin in range(0, len(own), self._block):
                inside = np.arange(begin, min(begin + self._block, len(own)))
                bright = inside[light[inside] >= self._darkest]
                if len(bright):
                    valid = patterns.valid if len(patterns.valid) == 1 else patterns.valid[bright]
                    lit = Patterns(amplitudes[bright], valid)
                    yield _Block(own[bright], lit, positions[bright])

    def _make_room(self, part: MeasuredScan, corners: NDArray[np.int64]) -> None:
        """Enlarge the object so that it holds patches at these corners."""
        least = -np.minimum(corners.min(axis=0) + self._before, 0)
        most = np.maximum(corners.max(axis=0) + self._before + self._N - self._shape, 0)
        if not least.any() and not most.any():
            return
        spare = np.maximum(self._N, np.ceil(_MARGIN * self._shape)).astype(np.int64)
        before, after = (np.where(need > 0, need + spare, 0) for need in (least, most))
        shape = self._shape + before + after
        too_large = int(shape[0]) * int(shape[1]) * _BYTES_OF_A_PIXEL > largest_content()
        if too_large or (shape > 2 * LARGEST_OBJECT).any():
            raise refusal(
                Path(part.path),
                f"its positions want an object of {shape[0]} × {shape[1]} px, up to pattern "
                f"{self.done}: is their unit right?",
            )
        self._stitcher.enlarge((int(before[0]), int(before[1])), (int(after[0]), int(after[1])))
        self._shape, self._before = shape, self._before + before

    @property
    def frames(self) -> NDArray[np.int64]:
        """The number in the file of each frame that was used, (B,)."""
        return np.concatenate([np.empty(0, np.int64), *self._frames])

    @property
    def corners(self) -> NDArray[np.float64]:
        """First pixel (row, column) [px] of each patch in `object`, (B, 2)."""
        positions = np.concatenate([np.empty((0, 2)), *self._positions])
        return np.asarray(positions + self._before - self._window()[0], np.float64)

    def object(self) -> NDArray[np.complex64]:
        """Return the object (rows, columns) so far, all of what patches lie on."""
        first, last = self._window()
        return self._stitcher.object().cpu().numpy()[first[0] : last[0], first[1] : last[1]]

    def _window(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Find the first row and column of the sums on which a patch lies, and the end."""
        corners = np.rint(np.concatenate([np.zeros((1, 2)), *self._positions])).astype(np.int64)
        corners = corners[1:] if len(corners) > 1 else corners
        corners = corners + self._before
        return corners.min(axis=0), corners.max(axis=0) + self._N

    def latest_r_factor(self) -> float:
        """Return the R-factor of the latest block of patterns; NaN before the first one."""
        return float("nan") if self._latest is None else self._r_factor(*self._latest)

    def r_factor(self) -> float:
        """Return the R-factor of patterns from all over the scan; NaN before the first one."""
        return self._r_factor(*self._sample.patterns()) if len(self._sample) else float("nan")

    def _r_factor(self, patterns: Patterns, positions: NDArray[np.float64]) -> float:
        corners, fractions = split_positions(positions)
        device = self._predictor.device
        return r_factor(
            self._stitcher.object(),
            self._probe,
            corners + self._before,
            fractions,
            on_device(patterns.amplitudes, device),
            on_device(patterns.valid, device),
        )
