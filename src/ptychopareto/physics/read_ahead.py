"""Entries that a thread reads from a file while the processor works on those before them."""

from abc import ABC, abstractmethod
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Index = slice | NDArray[np.int64]


class ReadAhead(ABC):
    """An array whose entries are brought to a device when they are indexed, or shortly before.

    Whether entries were expected changes no bit of them.

    Parameters
    ----------
    device : torch.device
        Where the entries are wanted.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._asked = False
        self._reader: ThreadPoolExecutor | None = None
        # Those of this step, which may be asked for more than once, and those of the next one.
        self._begun: deque[tuple[NDArray[np.int64], Future[Tensor]]] = deque(maxlen=2)

    def expect(self, which: Tensor) -> None:
        """Begin to read the entries of indices (...), which will be asked for next.

        Nothing is read of an array that nobody has asked for any entries yet: a loss may not need
        it.
        """
        if not self._asked:
            return
        if self._reader is None:
            self._reader = ThreadPoolExecutor(1, thread_name_prefix="read_ahead")
        index = which.cpu().numpy()
        self._begun.append((index, self._reader.submit(self._read, index)))

    def __getitem__(self, which: Tensor | slice) -> Tensor:
        """Read entries: those of a slice, or (..., *entry) of indices (...)."""
        if isinstance(which, slice):
            return self._read(which)
        self._asked = True
        index = which.cpu().numpy()
        for expected, entries in self._begun:
            if np.array_equal(index, expected):
                return entries.result()
        return self._read(index)

    @abstractmethod
    def _read(self, index: Index) -> Tensor:
        """Read entries, in any thread."""
