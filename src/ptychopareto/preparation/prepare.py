"""From measured scans to a training and a test scan, with what was assumed and checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.config import MeasuredDataset
from ptychopareto.files import Dataset
from ptychopareto.files.errors import refusal
from ptychopareto.physics.subpixel import split_positions
from ptychopareto.preparation import checks
from ptychopareto.preparation.finished_part import with_reconstruction
from ptychopareto.preparation.first_probe import Illumination, first_probe, values_of
from ptychopareto.preparation.guess import beam_diameter
from ptychopareto.preparation.overrides import apply_config
from ptychopareto.preparation.patterns import (
    Patterns,
    always,
    gather_patterns,
    mean_intensity,
)
from ptychopareto.preparation.record import Record
from ptychopareto.preparation.split import choose_free, last_part, slow_axis
from ptychopareto.preparation.survey import Surveyed, look_at
from ptychopareto.readers.finished import read_reconstruction_of
from ptychopareto.readers.measured_scan import MeasuredScan

_LEAST_PATTERNS = 4  # in each part
_SAME_LIGHT = 0.1  # relative difference of the mean counts of two scans with one probe
_LEAST_COVERED = 0.75  # part of a free pattern's light to be covered: with less, R-free says little

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Prepared:
    """The data that a study begins with, prepared from a measurement.

    Attributes
    ----------
    train, test : Dataset
        The two parts; where they are parts of one scan, they share its coordinates.
    record : dict
        The content of `scan.json`.
    train_frames, test_frames : int array
        Index in its file of each pattern's frame.
    totals : float64 array
        Counts of each frame of the first scan, in the order of the file.
    dark : int array
        Indices of its frames that were left out.
    pixel : tuple of float or None
        (row, column) [m] of the object, where it is known.
    """

    train: Dataset
    test: Dataset
    record: dict[str, Any]
    train_frames: NDArray[np.intp]
    test_frames: NDArray[np.intp]
    totals: NDArray[np.float64]
    dark: NDArray[np.intp]
    pixel: tuple[float, float] | None


def prepare(
    scans: Sequence[MeasuredScan],
    settings: MeasuredDataset,
    scored: MeasuredScan | None = None,
    folder: Path | None = None,
) -> Prepared:
    """Prepare scans for a study.

    Parameters
    ----------
    scans : sequence of MeasuredScan
        What their files say, one object each.
    settings : MeasuredDataset
        What the config says.
    scored : MeasuredScan, optional
        The scan of `dataset.test.scan`, where another one is scored.
    folder : Path, optional
        Takes the patterns of a large scan until they are written; by default the system's own.

    Returns
    -------
    Prepared
        Training patterns of all scans; test patterns of the same scans, or of `scored`.

    Raises
    ------
    FileError
        A scan cannot be used as it is; the line says why, and what would mend it.
    """
    if settings.reconstruction is not None:
        found = read_reconstruction_of(settings.reconstruction)
        scans = [with_reconstruction(scans[0], found), *scans[1:]]
    record = Record()
    record.facts["scans"] = [identity(scan) for scan in scans]
    looked = [survey_of(scan, settings, record) for scan in scans]
    values = values_of(looked[0], record)
    parts = [_test_part(scan, settings.test_part, record) for scan in looked]
    train_of = [scan.kept[~test] for scan, test in zip(looked, parts, strict=True)]
    for other in looked[1:]:
        _compare(looked[0], other)
    train = gather_patterns(looked, train_of, values, folder)
    say_counts(looked, record)
    light = first_probe(looked[0], train, train_of[0], settings, record)
    if scored is None:
        tested, test_of = looked, [s.kept[t] for s, t in zip(looked, parts, strict=True)]
    else:
        record.facts["scored_scan"] = identity(scored)
        tested = [survey_of(scored, settings, record)]
        test_of = [tested[0].kept]
        _compare(looked[0], tested[0])
    test = gather_patterns(tested, test_of, values, folder)
    if scored is not None:
        _compare_light(train, test, record)
    free = choose_free_patterns(tested, test_of, light, settings, record)
    none_free = np.zeros(len(train.amplitudes), bool)
    shape = object_shape(looked)
    test_shape = shape if scored is None else object_shape(tested)
    _say_parts(train_of, test_of, free, record)
    metadata = {"scans": [scan.path for scan in scans], "object_pixel": looked[0].grid.pixel}
    return Prepared(
        dataset_of(train, looked, train_of, light, none_free, shape, metadata),
        dataset_of(test, tested, test_of, light, free, test_shape, metadata),
        record.as_dict(),
        np.concatenate(train_of),
        np.concatenate(test_of),
        looked[0].totals,
        looked[0].dark,
        looked[0].grid.pixel,
    )


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


def _test_part(scan: Surveyed, part: float | None, record: Record) -> Bools:
    """Tell which of the kept patterns are scored; none where another scan is."""
    positions = scan.positions[scan.kept]
    if part is None:
        return np.zeros(len(positions), bool)
    test = last_part(positions, part)
    if min(test.sum(), (~test).sum()) < _LEAST_PATTERNS:
        raise refusal(
            Path(scan.scan.path),
            f"dataset.test.part = {part:g} leaves {(~test).sum()} patterns to train on and "
            f"{test.sum()} to score; at least {_LEAST_PATTERNS} each are wanted",
        )
    axis = ("rows", "columns")[slow_axis(positions)]
    record.assume("test part", part, f"the last {part:.0%} of the scan along its {axis}")
    return test


def _compare(train: Surveyed, test: Surveyed) -> None:
    """Refuse two scans whose patterns, or whose object pixels, have different sizes."""
    path = Path(test.scan.path)
    if train.grid.N != test.grid.N:
        raise refusal(
            path, f"has patterns of {test.grid.N} px; those of the training scan have "
            f"{train.grid.N}, dataset.N makes them equal"
        )  # fmt: skip
    one, other = train.grid.pixel, test.grid.pixel
    if one is not None and other is not None and not np.allclose(one, other, rtol=0.02, atol=0):
        raise refusal(
            path, f"has object pixels of {other[0]:.3g} m; those of the training scan have "
            f"{one[0]:.3g} m, the same is wanted"
        )  # fmt: skip


def _compare_light(train: Patterns, test: Patterns, record: Record) -> None:
    """Record how bright the patterns of another scan are: both are taken with one probe."""
    one, other = (float(mean_intensity(part).sum()) for part in (train, test))
    said = f"the scored scan has {other / one:.3g} of the mean counts of the training scan"
    record.check("brightness", abs(other / one - 1) <= _SAME_LIGHT, other / one, said)


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


def _say_parts(
    train_of: Sequence[NDArray[np.intp]],
    test_of: Sequence[NDArray[np.intp]],
    free: Bools,
    record: Record,
) -> None:
    record.facts["patterns"] = {
        "train": sum(map(len, train_of)),
        "test": sum(map(len, test_of)),
        "free": int(free.sum()),
    }
