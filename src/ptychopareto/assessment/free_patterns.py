"""Choose the patterns that R-free is measured on."""

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files import Dataset

FREE_PART, FREE_SEED = 0.1, 0


def free_patterns(test: Dataset) -> NDArray[np.bool_]:
    """Choose the patterns that R-free is measured on, among those of the scored object.

    A measured scan names them, and no reconstruction uses them. A simulated scan is scored against
    its truth, with all of its patterns. For R-free alone a tenth of those that do not lie at an
    edge of the scan is left out of a second reconstruction.

    Parameters
    ----------
    test : Dataset
        The scored scan.

    Returns
    -------
    (B,) bool
        True for the free patterns.
    """
    first = test.object_index == 0
    if test.free is not None:
        return np.asarray(test.free & first)
    corners = test.corners[first]
    low, high = corners.min(axis=0), corners.max(axis=0)
    inside = first & ((test.corners > low) & (test.corners < high)).all(axis=1)
    candidates = np.flatnonzero(inside)
    count = round(FREE_PART * len(candidates))
    chosen = np.random.default_rng(FREE_SEED).permutation(candidates)[:count]
    free = np.zeros(len(test.corners), bool)
    free[chosen] = True
    return free
