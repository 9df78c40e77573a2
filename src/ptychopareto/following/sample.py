"""Some of the patterns of a scan that grows, from all over it."""

import numpy as np
from numpy.typing import NDArray

from ptychopareto.preparation.patterns import Patterns

_MOST = 512  # patterns
_MOST_BYTES = 2**26  # of their amplitudes


class Sample:
    """Each k-th pattern of those that came; k doubles when they become too many.

    So the sample says how well an object explains a scan, when its patterns are no longer in
    memory.
    """

    def __init__(self) -> None:
        self._every = 1
        self._came = 0
        self._kept: list[tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float64]]] = []

    def __len__(self) -> int:
        """How many patterns there are."""
        return len(self._kept)

    def add(self, patterns: Patterns, positions: NDArray[np.float64]) -> None:
        """Take some of the patterns that come next.

        Parameters
        ----------
        patterns : Patterns
            The patterns, in the order of the scan.
        positions : (b, 2) float64
            Where they lie.
        """
        first = -self._came % self._every
        amplitudes, valid = np.asarray(patterns.amplitudes), np.asarray(patterns.valid)
        for number in range(first, len(amplitudes), self._every):
            own = valid[0 if len(valid) == 1 else number]
            self._kept.append((amplitudes[number].copy(), own, positions[number]))
        self._came += len(amplitudes)
        while len(self._kept) > min(_MOST, max(32, _MOST_BYTES // amplitudes[0].nbytes)):
            self._kept = self._kept[::2]
            self._every *= 2

    def patterns(self) -> tuple[Patterns, NDArray[np.float64]]:
        """Return the patterns and their positions (b, 2).

        Raises
        ------
        ValueError
            There is none yet.
        """
        amplitudes, valid, positions = (np.stack(part) for part in zip(*self._kept, strict=True))
        return Patterns(amplitudes, valid), positions
