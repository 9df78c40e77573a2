"""The object patches that a network learns, cut out of the objects."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.files import Dataset
from ptychopareto.physics import scan
from ptychopareto.physics.read_ahead import Index, ReadAhead

Image = NDArray[np.complex64]


class Targets(ReadAhead):
    """The object patches (B, N, N) of a scan, each cut when it is indexed.

    Parameters
    ----------
    dataset : Dataset
        The scan.
    objects : (n, rows, columns) complex64
        Those of the teacher, or the true ones.
    device : torch.device
        Where the patches are wanted.
    """

    def __init__(self, dataset: Dataset, objects: Image, device: torch.device) -> None:
        super().__init__(device)
        self._side = dataset.N
        self._corners, self._fractions = dataset.corners, dataset.fractions
        self._object_index, self._objects = dataset.object_index, objects
        self._sources = [*objects]
        if dataset.fractions is not None:
            self._sources = [scan.with_margin(image) for image in objects]

    def _read(self, index: Index) -> Tensor:
        """Cut patches: those of a slice, or (..., N, N) of indices (...)."""
        index = np.arange(len(self._corners))[index]
        cut = self._cut(index.reshape(-1))
        return torch.from_numpy(cut).to(self.device).view(*index.shape, *cut.shape[1:])

    def _cut(self, index: NDArray[np.int64]) -> Image:
        numbers = self._object_index[index]
        found = np.empty((len(index), self._side, self._side), np.complex64)
        for number in np.unique(numbers):
            members = np.flatnonzero(numbers == number)
            for first in range(0, len(members), scan.CHUNK):  # lest all be in memory twice
                own = members[first : first + scan.CHUNK]
                found[own] = self._cut_from(self._sources[number], index[own])
        return found

    def _cut_from(self, image: Image, index: NDArray[np.int64]) -> Image:
        """Cut patches of one object out of its image, which has a margin if there are fractions."""
        if self._fractions is None:
            return np.asarray(scan.patches(image, self._corners[index], self._side), np.complex64)
        return scan.patches_between(image, self._corners[index], self._fractions[index], self._side)

    def made_from(self) -> Iterator[NDArray[np.generic]]:
        """Yield the arrays that decide all patches."""
        yield from (self._objects, self._corners, self._object_index)
        if self._fractions is not None:
            yield self._fractions
