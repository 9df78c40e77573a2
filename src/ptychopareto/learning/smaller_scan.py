"""A smaller training scan: the patterns around the centre of a larger one."""

import numpy as np

from ptychopareto.config import ConfigError
from ptychopareto.files import Dataset


def smaller_scan(scan: Dataset, count: int | None) -> Dataset:
    """Take the patterns around the centre of a scan, as if only these had been measured.

    They overlap as they did, on less of the object: what a shorter scan of the same step gives. An
    even choice of as many patterns would see all of the object, at a step that no teacher could
    reconstruct.

    Parameters
    ----------
    scan : Dataset
        The training scan, of one object or several.
    count : int or None
        The number of patterns; None for all.

    Returns
    -------
    Dataset
        The patterns in the order of the scan. Each of several objects has its share.

    Raises
    ------
    ConfigError
        The scan has fewer patterns.

    Notes
    -----
    A pattern is as far from the centre as the larger one of its distances along rows and columns,
    each as a part of the extent of its object's scan. So the region has the shape of the scan, and
    half of the patterns lie on half of its area.
    """
    if count is None:
        return scan
    if count > len(scan.corners):
        raise ConfigError(
            f"sweep.train_patterns: {count} is too large; the training scan has "
            f"{len(scan.corners)} patterns"
        )
    places = scan.corners + (0 if scan.fractions is None else scan.fractions)
    distance = np.empty(len(places))
    for number in np.unique(scan.object_index):
        own = scan.object_index == number
        first, last = places[own].min(axis=0), places[own].max(axis=0)
        extent = np.maximum(last - first, 1)
        distance[own] = (np.abs(places[own] - (first + last) / 2) / extent).max(axis=1)
    # Stable: of patterns that are equally far the earlier ones are taken.
    nearest = np.argsort(np.round(distance, 9), kind="stable")[:count]
    return scan.part(np.sort(nearest))
