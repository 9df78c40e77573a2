"""What a network's file says of the scan that it was trained on, to compare other scans with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import Field

from ptychopareto.files.records import Record

KEY = "trained_on"  # of the record of a training


class TrainedOnRecord(Record):
    """What stands under `KEY`."""

    counts: Annotated[float, Field(gt=0)] | None = None
    shadow: float | None = None


@dataclass(frozen=True)
class TrainedOn:
    """The light and the beam of a training scan.

    Attributes
    ----------
    counts : float or None
        Mean counts of a pattern; None where they are not known: the file of the scan has no
        `intensity_scale`, or that of the network is older than this record.
    shadow : float or None
        Magnification of the shadow image in its patterns, s in `docs/science.md`, whether or not
        the network resamples by it; 1 without a shadow, None where it is not known.
    """

    counts: float | None = None
    shadow: float | None = None

    @classmethod
    def in_record(cls, training: Mapping[str, Any]) -> "TrainedOn":
        """Take it from the record of a training, as `registry.read_header` returns it."""
        said = TrainedOnRecord.model_validate(training.get(KEY) or {})
        return cls(said.counts, said.shadow)

    def record(self) -> dict[str, dict[str, float | None]]:
        """Return what the record of a training has of it."""
        return {KEY: asdict(self)}


def counts_of(light: float, intensity_scale: float | None) -> float | None:
    """Turn the mean Σ I of patterns, in the units of their scan, into counts.

    Parameters
    ----------
    light : float
        Mean over the patterns of the sum of their squared amplitudes.
    intensity_scale : float or None
        √counts per unit of amplitude.

    Returns
    -------
    float or None
        None where the scale is not known, or nothing was counted.
    """
    counts = light * (intensity_scale or 0.0) ** 2
    return counts if counts > 0 else None
