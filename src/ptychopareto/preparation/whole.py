"""Prepare a measured scan that is to be reconstructed as a whole: no part of it is trained on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.config import MeasuredDataset
from ptychopareto.files import Dataset
from ptychopareto.preparation.finished_part import with_reconstruction
from ptychopareto.preparation.first_probe import Illumination, first_probe, values_of
from ptychopareto.preparation.patterns import gather_patterns
from ptychopareto.preparation.prepare import Prepared
from ptychopareto.preparation.record import Record
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


@dataclass(frozen=True, eq=False)
class Whole:
    """A measured scan, prepared to be reconstructed.

    Attributes
    ----------
    dataset : Dataset
        All its patterns, some of which are free.
    surveyed : Surveyed
        What was found in its frames; with it `read_patterns` prepares further ones.
    values : str
        What a pixel of a frame holds, intensity or amplitude.
    light : Illumination
        The first guess of the probe.
    record : dict
        The content of `scan.json`.
    """

    dataset: Dataset
    surveyed: Surveyed
    values: str
    light: Illumination
    record: dict[str, Any]

    @property
    def frames(self) -> NDArray[np.intp]:
        """Number in its file of each pattern's frame."""
        return self.surveyed.kept

    def as_prepared(self) -> Prepared:
        """Return it as the picture of a scan takes it: one part, which is both."""
        return Prepared(
            self.dataset,
            self.dataset,
            self.record,
            self.frames,
            self.frames,
            self.surveyed.totals,
            self.surveyed.dark,
            self.surveyed.grid.pixel,
        )


def prepare_whole(
    scan: MeasuredScan, settings: MeasuredDataset, free: float, folder: Path | None = None
) -> Whole:
    """Prepare a measured scan to be reconstructed.

    Parameters
    ----------
    scan : MeasuredScan
        What its file says.
    settings : MeasuredDataset
        What the user says; the parts of the scan and `free` have no meaning here.
    free : float
        Part of the patterns that no reconstruction may use; 0 for none. They are seen by the scale
        of the probe alone, and by its guess where nothing says the probe.
    folder : Path, optional
        Takes the patterns of a large scan while they are used; by default the system's own.

    Returns
    -------
    Whole
        The scan, ready to be reconstructed.

    Raises
    ------
    FileError
        The scan cannot be used as it is; the line says why, and what would mend it.
    """
    if settings.reconstruction is not None:
        scan = with_reconstruction(scan, read_reconstruction_of(settings.reconstruction))
    record = Record()
    record.facts["scans"] = [identity(scan)]
    surveyed = survey_of(scan, settings, record)
    values = values_of(surveyed, record)
    kept = surveyed.kept
    patterns = gather_patterns([surveyed], [kept], values, folder)
    say_counts([surveyed], record)
    light = first_probe(surveyed, patterns, kept, settings, record)
    which = np.zeros(len(kept), bool)
    if free:
        chosen = settings.model_copy(update={"free": free})
        which = choose_free_patterns([surveyed], [kept], light, chosen, record)
    record.facts["patterns"] = {"used": int((~which).sum()), "free": int(which.sum())}
    metadata = {"scans": [scan.path], "object_pixel": surveyed.grid.pixel}
    shape = object_shape([surveyed])
    dataset = dataset_of(patterns, [surveyed], [kept], light, which, shape, metadata)
    return Whole(dataset, surveyed, values, light, record.as_dict())
