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
from ptychopareto.preparation.finished_part import with_reconstruction
from ptychopareto.preparation.first_probe import first_probe, values_of
from ptychopareto.preparation.patterns import Patterns, gather_patterns, mean_intensity
from ptychopareto.preparation.record import Record
from ptychopareto.preparation.split import last_part, slow_axis
from ptychopareto.preparation.steps import (
    choose_free_patterns,
    dataset_of,
    identity,
    object_shape,
    say_counts,
    survey_of,
)
from ptychopareto.preparation.survey import Surveyed
from ptychopareto.readers.finished import read_reconstruction_of
from ptychopareto.readers.measured_scan import MeasuredScan

_LEAST_PATTERNS = 4  # in each part
_SAME_LIGHT = 0.1  # relative difference of the mean counts of two scans with one probe

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
