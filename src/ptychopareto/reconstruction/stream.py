"""Turn patterns into an object, a chunk at a time: neither patterns nor patches fill the memory."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.physics.groups import group
from ptychopareto.reconstruction.predictor import Predictor, predict_each
from ptychopareto.reconstruction.stitch import Stitcher

CHUNK_BYTES = 2**24  # size of the patterns that are read at once


class Patterns(Protocol):
    """The patterns of a scan, read only where they are asked for; an array is one."""

    def __len__(self) -> int:
        """Return the number B of patterns."""

    def __getitem__(self, which: slice | NDArray[np.intp]) -> NDArray[np.float32]:
        """Read the amplitudes √I (b, N, N) of a slice or of indices in rising order."""


class ObjectStream:
    """An object that grows as the patterns of a scan are predicted and stitched into it.

    Parameters
    ----------
    predictor : Predictor
        The network.
    probe : (N, N) complex64, or (M, N, N) of M modes
    shape : tuple of int
        Rows and columns of the object.
    """

    def __init__(
        self, predictor: Predictor, probe: NDArray[np.complex64], shape: tuple[int, int]
    ) -> None:
        self.predictor = predictor
        self._probe = torch.from_numpy(probe).to(predictor.device)
        self.stitcher = Stitcher(self._probe, shape)

    def object(self) -> NDArray[np.complex64]:
        """Return the object (rows, columns) so far; 0 where no light reached it."""
        return self.stitcher.object().cpu().numpy()

    def add(
        self,
        amplitudes: NDArray[np.float32],
        corners: NDArray[np.int64],
        fractions: NDArray[np.float32] | None = None,
    ) -> None:
        """Add patterns that have just come; networks with groups find them among these patterns.

        Parameters
        ----------
        amplitudes : (b, N, N) float32
            √I, DC at pixel N // 2.
        corners : (b, 2) int64
            Whole corners [px].
        fractions : (b, 2) float32, optional
            How far the patches lie beyond their corners [px]; None for nothing.
        """
        for _ in self.add_scan(amplitudes, corners, fractions):
            pass

    def add_scan(
        self,
        patterns: Patterns,
        corners: NDArray[np.int64],
        fractions: NDArray[np.float32] | None = None,
        which: NDArray[np.intp] | None = None,
    ) -> Iterator[int]:
        """Add the patterns of a scan, a chunk at a time.

        Parameters
        ----------
        patterns : Patterns
            √I, DC at pixel N // 2.
        corners : (B, 2) int64
            Whole corners [px].
        fractions : (B, 2) float32, optional
            How far the patches lie beyond their corners [px]; None for nothing.
        which : (b,) int, optional
            Indices of the patterns that are used, in rising order; None for all.

        Yields
        ------
        int
            After each batch, the number of groups of patterns that are predicted so far.
        """
        used = np.arange(len(corners)) if which is None else which
        corners, fractions = corners[used], None if fractions is None else fractions[used]
        predictor, N = self.predictor, self.predictor.N
        one_object = np.zeros(len(used), np.int32)
        groups = group(corners, one_object, N, predictor.gridsize, predictor.device, fractions)
        members = groups.members.cpu().numpy()
        bounds = [*range(0, len(members), predictor.batch), len(members)]
        batches = self._batches(patterns, used[members])
        for patches, (first, last) in zip(
            predict_each(predictor, batches), pairwise(bounds), strict=True
        ):
            numbers = torch.arange(first, last, device=predictor.device)
            inside = members[first:last].ravel()
            beyond = None if fractions is None else fractions[inside]
            merged = groups.merge(patches, self._probe, numbers)
            self.stitcher.add(merged.flatten(0, 1), corners[inside], beyond)
            yield last

    def _batches(self, patterns: Patterns, members: NDArray[np.intp]) -> Iterator[Tensor]:
        """Read a chunk of the patterns `members` (G, C) at a time, and yield it in batches."""
        predictor = self.predictor
        size = _groups_at_once(predictor)
        for first in range(0, len(members), size):
            amplitudes = _read(patterns, members[first : first + size])
            yield from torch.from_numpy(amplitudes).to(predictor.device).split(predictor.batch)


def _groups_at_once(predictor: Predictor) -> int:
    """Return the number of groups that are read at once: whole batches of some megabytes."""
    group_bytes = 4 * (predictor.gridsize * predictor.N) ** 2
    return max(1, CHUNK_BYTES // group_bytes // predictor.batch) * predictor.batch


def _read(patterns: Patterns, members: NDArray[np.intp]) -> NDArray[np.float32]:
    """Read the amplitudes (g, C, N, N) of the patterns `members` (g, C), each once."""
    indices, place = np.unique(members, return_inverse=True)
    first, last = int(indices[0]), int(indices[-1]) + 1
    # A slice is a view of memory, and one read of a file.
    consecutive = last - first == len(indices)
    amplitudes = patterns[first:last] if consecutive else patterns[indices]
    if not np.array_equal(members.ravel(), indices):
        amplitudes = amplitudes[place.ravel()]
    # torch takes no memory that it may not write to, as that of a file can be.
    return np.require(amplitudes, requirements=["C", "W"]).reshape(
        *members.shape, *amplitudes.shape[1:]
    )
