"""When a reconstruction that is made pass by pass reaches a quality."""

import numpy as np
from numpy.typing import NDArray

from ptychopareto.config.columns import MEASURES, sign
from ptychopareto.config.ssim_scale import stretched

Array = NDArray[np.float64]


def time_to_reach(points: Array, level: float, quality: str) -> float:
    """Return the seconds at which a reconstruction first reaches a quality.

    Parameters
    ----------
    points : (n, 2) float64
        Seconds and quality after some numbers of passes, the shortest time first.
    level : float
        The quality to be reached.
    quality : str
        The measure, which says which end is the better one.

    Returns
    -------
    float
        Interpolated between two points in the logarithm of the time, and in the quality as it is
        drawn (`config.ssim_scale`). Before the first point nothing is known: its time is taken. NaN
        if no point is as good.
    """
    reached = np.flatnonzero(sign(quality) * (points[:, 1] - level) >= 0)
    if len(reached) == 0:
        return float("nan")
    index = int(reached[0])
    if index == 0:
        return float(points[0, 0])
    heights = np.array([*points[index - 1 : index + 1, 1], level])
    if MEASURES[quality].scale == "ssim":
        heights = stretched(heights)
    before, after, wanted = heights
    part = (wanted - before) / (after - before) if after != before else 1.0
    earlier, later = points[index - 1 : index + 1, 0]
    return float(earlier * (later / earlier) ** part)
