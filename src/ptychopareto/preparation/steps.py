"""The steps that the preparation of a study and of a whole scan share."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.config import MeasuredDataset
from ptychopareto.files import Dataset
from ptychopareto.physics.subpixel import split_positions
from ptychopareto.preparation import checks
from ptychopareto.preparation.first_probe import Illumination
from ptychopareto.preparation.guess import beam_diameter
from ptychopareto.preparation.overrides import apply_config
from ptychopareto.preparation.patterns import Patterns, always
from ptychopareto.preparation.record import Record
from ptychopareto.preparation.split import choose_free
from ptychopareto.preparation.survey import Surveyed, look_at
from ptychopareto.readers.measured_scan import MeasuredScan

_LEAST_COVERED = 0.75  # part of a free pattern's light to be covered: with less, R-free says little

Bools = NDArray[np.bool_]


def survey_of(scan: MeasuredScan, settings: MeasuredDataset, record: Record) -> Surveyed:
    """Survey a scan as the config describes it.

    Parameters
    ----------
    scan : MeasuredScan
        What its file says.
    settings : MeasuredDataset
        The section `dataset` of the config.
    record : Record
        Takes what was assumed and found.

    Returns
    -------
    Surveyed

    Raises
    ------
    FileError
        The scan cannot be used as it is.
    """
    return look_at(apply_config(scan, settings), settings.N, settings.bin, record)


def identity(scan: MeasuredScan) -> dict[str, Any]:
    """Return what `scan.json` says of a scan itself: its file, frames, origins and remarks."""
    return {
        "path": scan.path,
        "format": scan.format,
        "frames": list(scan.frames.shape),
        "type": str(scan.frames.dtype),
        "from": dict(scan.origins),
        "remarks": list(scan.remarks),
    }


def choose_free_patterns(
    tested: Sequence[Surveyed],
    test_of: Sequence[NDArray[np.intp]],
    light: Illumination,
    settings: MeasuredDataset,
    record: Record,
) -> Bools:
    """Choose the free patterns among the test patterns, and record them.

    Parameters
    ----------
    tested : sequence of Surveyed
        The scans that hold the test patterns.
    test_of : sequence of int array
        Indices of the test patterns' frames, for each scan.
    light : Illumination
        The probe, which tells the ground of a pattern.
    settings : MeasuredDataset
        The section `dataset` of the config, with the share `free` and the seed.
    record : Record
        Takes the check.

    Returns
    -------
    (B,) bool
        True for the free ones among the test patterns of all scans.
    """
    beam = (np.abs(light.modes) ** 2).sum(axis=0)
    flags, apart, covered = [], True, 1.0
    for number, (scan, indices) in enumerate(zip(tested, test_of, strict=True)):
        test = np.isin(scan.kept, indices)
        free = choose_free(
            scan.positions[scan.kept],
            test,
            beam,
            beam_diameter(light.modes[0]),
            settings.free,
            settings.seed + number,
        )
        flags.append(free.which[test])
        apart, covered = apart and free.apart, min(covered, free.covered)
    which = np.concatenate(flags)
    said = f"{which.sum()} of {len(which)} test patterns are free; others cover {covered:.0%} of "
    said += "the light of each, or more; " + (
        "no training pattern has light on their ground"
        if apart
        else "some of them share ground with training patterns"
    )
    figure = {"free": int(which.sum()), "covered": covered, "apart": apart}
    record.check("free patterns", covered >= _LEAST_COVERED, figure, said)
    return which


def object_shape(scans: Sequence[Surveyed]) -> tuple[int, int]:
    """Return the rows and columns [px] that hold the patches of all scans."""
    last = np.max([np.rint(scan.positions).max(axis=0) for scan in scans], axis=0)
    rows, columns = last.astype(int) + scans[0].grid.N
    return int(rows), int(columns)


def dataset_of(
    patterns: Patterns,
    scans: Sequence[Surveyed],
    frames_of: Sequence[NDArray[np.intp]],
    light: Illumination,
    free: Bools,
    shape: tuple[int, int],
    metadata: dict[str, Any],
) -> Dataset:
    """Put patterns, their positions and the probe together.

    Parameters
    ----------
    patterns : Patterns
        The patterns of all scans, one scan after the other.
    scans : sequence of Surveyed
        The scans after their survey.
    frames_of : sequence of int array
        Indices of the patterns' frames, for each scan.
    light : Illumination
        The probe.
    free : (B,) bool
        True for the free patterns.
    shape : tuple of int
        Rows and columns of each object.
    metadata : dict
        What is known of the making; values that JSON knows.

    Returns
    -------
    Dataset
        The patterns, with one object for each scan.
    """
    places = [scan.positions[frames] for scan, frames in zip(scans, frames_of, strict=True)]
    corners, fractions = split_positions(np.concatenate(places))
    modes = light.modes.astype(np.complex64)
    numbers = [np.full(len(place), number, np.int32) for number, place in enumerate(places)]
    return Dataset(
        diffraction=patterns.amplitudes,
        probe=modes[0],
        corners=corners,
        object_index=np.concatenate(numbers),
        intensity_scale=1.0,
        metadata=metadata,
        fractions=fractions,
        valid=None if always(patterns.valid).all() else patterns.valid,
        free=free,
        further_modes=modes[1:] if len(modes) > 1 else None,
        shape=shape,
    )


def say_counts(scans: Sequence[Surveyed], record: Record) -> None:
    """Check the counts of scans, and record the outcome.

    Parameters
    ----------
    scans : sequence of Surveyed
        The scans after their survey.
    record : Record
        Takes the outcome.
    """
    for scan in scans:
        found = scan.found
        checks.check_counts(scan.totals, scan.dark, found.largest, found.whole_numbers, record)
