"""Checks of a prepared scan before anything is trained on it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.stats import poisson

from ptychopareto.files import FileError
from ptychopareto.files.errors import refusal
from ptychopareto.preparation.guess import ORIENTATIONS
from ptychopareto.preparation.record import Record
from ptychopareto.preparation.shadows import Shadows
from ptychopareto.preparation.trial import Sample, joint_rpie

_OF_NOISE = 0.15  # the same as a part of photon noise: a short reconstruction adds noise of its own
CLEAR = 0.03  # relative difference of R-factors from which on one orientation is the right one
_FLAT = 0.85  # a model with a larger part of a flat object's misfit beyond noise explains nothing
_UNDER_NOISE = 0.02  # a flat object's misfit beyond noise below which there is no object to see
_LONGER = 8  # passes of rPIE for the regime
_EVERY = 6  # a pattern of so many is held out: where nothing overlaps, any pattern can be fitted
_LEAST_OVERLAP = 0.5  # step of the beam's diameter beyond which neighbours share too little
_DRIFT = 0.2  # relative change of the counts over the scan
_SATURATED = 0.02  # part of the frames that hold the very largest value
_LEAST_SATURATED = 100  # counts; a weaker pattern reaches its largest value often by chance

Complex = NDArray[np.complex128]
Reals = NDArray[np.float64]
PAIRS = ("as they are", "with one sign reversed", "transposed", "transposed, one sign reversed")


def _pair(orientation: tuple[bool, int, int]) -> int:
    """Return the number of an orientation's pair in `PAIRS`; both signs reversed fit alike."""
    transpose, rows, columns = orientation
    return 2 * transpose + (rows != columns)


@dataclass(frozen=True)
class Verdict:
    """Which orientation of the positions fits best, and how clearly.

    Attributes
    ----------
    best : int
        Its number in `PAIRS`.
    clear : bool
        Whether its R-factor is smaller than the second by more than `CLEAR`.
    shares : tuple of float
        R-factors of the four `PAIRS`.
    """

    best: int
    clear: bool
    shares: tuple[float, ...]


def judge(r_factors: Reals) -> Verdict:
    """Compare the R-factors (8,) of all `ORIENTATIONS`."""
    pairs = np.full(4, np.inf)
    for orientation, value in zip(ORIENTATIONS, r_factors, strict=True):
        pairs[_pair(orientation)] = min(pairs[_pair(orientation)], value)
    best, second = np.argsort(pairs)[:2]
    clear = pairs[second] - pairs[best] > CLEAR * pairs[second]
    return Verdict(int(best), bool(clear), tuple(float(value) for value in pairs))


def check_orientation(path: Path, r_factors: Reals, shadows: Shadows, record: Record) -> None:
    """Refuse a scan whose positions clearly fit the patterns better when they are turned.

    Parameters
    ----------
    path : Path
        File of the scan, for the message.
    r_factors : (8,) float64
        After a short joint rPIE in each of the `ORIENTATIONS`.
    shadows : Shadows
        The motion of shadow images, which decides where the R-factors do not.
    record : Record
        Takes both figures.

    Raises
    ------
    FileError
        Another orientation than the file's wins clearly.
    """
    verdict = judge(r_factors)
    figures = ", ".join(
        f"{value:.3f} {name}" for name, value in zip(PAIRS, verdict.shares, strict=True)
    )
    best = verdict.best if verdict.clear else shadows.best
    moved = ", ".join(
        f"{value:.0%} {name}" for name, value in zip(PAIRS, shadows.explained, strict=True)
    )
    if best not in (None, 0):
        shares = (verdict.shares[best], verdict.shares[0])
        motion = (shadows.explained[best], shadows.explained[0])
        raise refusal(
            path,
            f"the positions fit {PAIRS[best]} (R-factor {shares[0]:.3f}, as they are "
            f"{shares[1]:.3f}; motion of shadow images {motion[0]:.0%}, {motion[1]:.0%}); "
            f"{_REMEDIES[best]} is wanted",
        )
    figure = dict(zip(PAIRS, verdict.shares, strict=True))
    said = f"R-factor of the positions {figures}"
    if not verdict.clear:
        said = f"no orientation of the positions fits clearly better (R-factor {figures})"
    record.check("orientation", True if verdict.clear else None, figure, said)
    figure = dict(zip(PAIRS, shadows.explained, strict=True))
    said = f"motion of the patterns' shadow images that positions explain: {moved}"
    record.check("shadow images", {None: None, 0: True}.get(shadows.best, False), figure, said)


_REMEDIES = (
    "",
    "dataset.positions: {sign: [row]} (or [column], the mirror image), or "
    "dataset.orientation: {flip_rows: true}",
    "dataset.positions: {order: x_y}, or dataset.orientation: {transpose: true}",
    "dataset.positions: {order: x_y, sign: [row]} (or [column]), or "
    "dataset.orientation: {transpose: true, flip_rows: true}",
)


class NotFarField(FileError):
    """Patterns that a far-field model does not explain; `figures` are the R-factors."""

    def __init__(self, path: Path, figures: str, reason: str) -> None:
        super().__init__(str(refusal(path, reason)))
        self.figures = figures


def check_regime(path: Path, sample: Sample, probe: Complex, counts: bool, record: Record) -> None:
    """Refuse patterns that a far-field model explains no better than with a flat object.

    Parameters
    ----------
    path : Path
        File of the scan, for the message.
    sample : Sample
        Neighbouring patterns of the training part.
    probe : (n, n) complex128
        The strongest mode, on the grid of the sample.
    counts : bool
        Whether amplitudes are roots of counts, so that photon noise is known.
    record : Record
        Takes the R-factors.

    Raises
    ------
    NotFarField
        The R-factor stays near that of a flat object.

    Notes
    -----
    R-factors of held-out patterns are compared, beyond that of photon noise: after a few passes of
    joint rPIE over the other patterns, and with their mean pattern in place of the model, which is
    what the best probe would give with a flat object.
    """
    held = np.arange(len(sample.amplitudes)) % _EVERY == 0
    history = joint_rpie(sample, probe[None], sample.positions[None], _LONGER, held)
    found = float(history.min())
    flat = flat_factor(sample, held)
    noise = noise_factor(sample) if counts else 0.0
    figure = {"r_factor": found, "flat_object": flat, "noise": noise}
    figures = f"R-factor {found:.3f} of held-out patterns, of a flat object {flat:.3f}"
    figures += f", of photon noise {noise:.3f}" if counts else ""
    if flat - noise < max(_UNDER_NOISE, _OF_NOISE * noise):
        said = f"the patterns differ by hardly more than their noise ({figures})"
        record.check("regime", None, figure, said)
        return
    share = (found - noise) / (flat - noise)
    if share > _FLAT:
        raise NotFarField(
            path,
            figures,
            f"is not far-field diffraction as described ({figures}); it may be near field, its "
            "neighbours may overlap too little, or the distance, the unit of the positions or the "
            "probe is wrong",
        )
    record.check("regime", True, figure, f"far field: {figures}")


def flat_factor(sample: Sample, held: NDArray[np.bool_]) -> float:
    """Return the R-factor of the mean pattern in place of each pattern that is held out.

    Parameters
    ----------
    sample : Sample
        Neighbouring patterns.
    held : (b,) bool
        The patterns that are held out; the mean is over the others.

    Returns
    -------
    float
        Σ|mean − √I| / Σ√I of the valid pixels.
    """
    amplitudes, valid = sample.amplitudes.astype(np.float64), sample.valid
    weight = np.broadcast_to(valid, amplitudes.shape)
    others = weight[~held]
    mean = (amplitudes[~held] * others).sum(axis=0) / np.maximum(others.sum(axis=0), 1)
    misfit = (np.abs(amplitudes[held] - mean) * weight[held]).sum()
    return float(misfit / (amplitudes[held] * weight[held]).sum())


def noise_factor(sample: Sample) -> float:
    """Return the R-factor that photon noise leaves to the truth, the mean pattern being expected.

    Notes
    -----
    Σ E|√n − √λ| / Σ E√n with n Poisson distributed around λ; from a table for λ < 30, beyond it
    E|√n − √λ| = 1/√(2π), that of a normal distribution with variance 1/4.
    """
    mean = (sample.amplitudes.astype(np.float64) ** 2).mean(axis=0)[sample.valid.all(axis=0)]
    levels = np.concatenate([[0], np.geomspace(1e-4, 30, 80)])
    counts = np.arange(120)
    chances = poisson.pmf(counts, levels[:, None])
    misfits = (chances * np.abs(np.sqrt(counts) - np.sqrt(levels[:, None]))).sum(axis=1)
    roots = (chances * np.sqrt(counts)).sum(axis=1)
    misfit = np.where(mean < 30, np.interp(mean, levels, misfits), 1 / np.sqrt(2 * np.pi))
    root = np.where(mean < 30, np.interp(mean, levels, roots), np.sqrt(mean))
    return float(misfit.sum() / root.sum())


def check_overlap(positions: Reals, diameter: float, record: Record) -> None:
    """Compare the distance of neighbours with the beam's diameter, and look for islands.

    Parameters
    ----------
    positions : (B, 2) float64
        Positions of the patterns [px].
    diameter : float
        Diameter of the beam at the sample [px].
    record : Record
        Takes the outcome.
    """
    if len(positions) < 2:
        record.check("overlap", False, None, "there is one position only; nothing overlaps")
        return
    tree = cKDTree(positions)
    step = float(np.median(tree.query(positions, k=2)[0][:, 1]))
    pairs = tree.query_pairs(diameter, output_type="ndarray")
    links = coo_array(
        (np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(positions),) * 2
    )
    islands, label = connected_components(links, directed=False)
    largest = int(np.bincount(label).max())
    figure = {"step": step, "diameter": diameter, "islands": int(islands), "largest": largest}
    said = (
        f"neighbours lie {step:.1f} px apart (median), {step / diameter:.0%} of the beam's "
        f"diameter of {diameter:.1f} px"
    )
    if islands > 1:
        said += f"; {len(positions) - largest} of {len(positions)} positions lie apart in "
        said += f"{islands - 1} islands"
    record.check("overlap", step <= _LEAST_OVERLAP * diameter and islands == 1, figure, said)


def check_counts(
    totals: Reals, dark: NDArray[np.intp], largest: Reals, whole: bool, record: Record
) -> None:
    """Check whether frames hold whole counts, saturate, are dark, or drift.

    Parameters
    ----------
    totals : (B,) float64
        Sum of each frame.
    dark : int array
        Indices of the frames that were left out.
    largest : (B,) float64
        Largest value of each frame.
    whole : bool
        Whether all values are whole numbers.
    record : Record
        Takes the outcome.
    """
    count = len(totals)
    said = "whole numbers" if whole else "no whole numbers: photon noise is not known"
    record.check("counts", True if whole else None, {"whole_numbers": whole}, said)
    named = ", ".join(map(str, dark[:10])) + (", …" if len(dark) > 10 else "")
    dark_said = f"{len(dark)} of {count} frames are dark or empty and left out: {named}"
    figure = {"frames": count, "left_out": dark.tolist()}
    record.check(
        "dark frames", not len(dark), figure, dark_said if len(dark) else "no frame is dark"
    )
    lit = np.setdiff1d(np.arange(count), dark)
    top = largest[lit].max()
    share = float((largest[lit] == top).mean())
    saturated = (
        whole and top >= _LEAST_SATURATED and share > _SATURATED and (largest[lit] == top).sum() > 2
    )
    said = f"{share:.1%} of the frames reach the largest value, {top:g}"
    record.check("saturation", not saturated, {"largest": float(top), "share": share}, said)
    fifth = max(1, len(lit) // 5)
    first, last = np.median(totals[lit[:fifth]]), np.median(totals[lit[-fifth:]])
    drift = float(last / first - 1)
    said = f"the last fifth of the frames has {drift:+.1%} counts of the first (medians)"
    record.check("drift", abs(drift) <= _DRIFT, {"relative": drift}, said)
