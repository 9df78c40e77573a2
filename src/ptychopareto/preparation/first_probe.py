"""The first guess of the probe, checked together with positions and patterns."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ptychopareto.config import MeasuredDataset, Probe, ProbeNpz
from ptychopareto.files import read_further_modes, read_probe
from ptychopareto.files.errors import refusal
from ptychopareto.physics.probe import make_probe
from ptychopareto.preparation import checks
from ptychopareto.preparation.centre import centre_of_light, tolerance
from ptychopareto.preparation.geometry import probe_on_grid
from ptychopareto.preparation.guess import (
    ORIENTATIONS,
    as_bright,
    beam_diameter,
    defocused,
    far_intensity,
    find_curvature,
    orthogonal_modes,
    turned,
    twin,
)
from ptychopareto.preparation.patterns import Patterns, ever, mean_intensity
from ptychopareto.preparation.record import Record
from ptychopareto.preparation.shadows import follow
from ptychopareto.preparation.survey import Surveyed
from ptychopareto.preparation.trial import Sample, joint_rpie, take_sample

_PATTERNS = 100  # number of patterns in the trial
_EPOCHS = 2

Complex = NDArray[np.complex128]
Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Illumination:
    """The probe as it was found.

    Attributes
    ----------
    modes : (modes, N, N) complex128
        The strongest mode first; Σ|P|² is the mean counts of a pattern.
    """

    modes: Complex


def first_probe(
    surveyed: Surveyed,
    train: Patterns,
    train_frames: NDArray[np.intp],
    settings: MeasuredDataset,
    record: Record,
) -> Illumination:
    """Take the probe of the config or the file, or guess one, and check that it explains patterns.

    Only training patterns are looked at.

    Parameters
    ----------
    surveyed : Surveyed
        The first scan.
    train : Patterns
        Training patterns of all scans.
    train_frames : int array
        Indices of the frames of this scan, whose patterns stand first in `train`.
    settings : MeasuredDataset
        The section `dataset` of the config.
    record : Record
        Takes the assumptions and the checks of orientation, regime, scale and overlap.

    Returns
    -------
    Illumination
        Orthogonal modes, as bright as the mean training pattern.

    Raises
    ------
    FileError
        The positions fit the patterns better when they are turned, or a far-field model explains
        the patterns no better than with a flat object.
    """
    count = len(train_frames)
    positions = surveyed.positions[train_frames]
    own = train.first(count)
    sample = take_sample(own.amplitudes, own.valid, positions, _PATTERNS)
    mean = mean_intensity(train)
    modes = _known(surveyed, settings, record)
    path = Path(surveyed.scan.path)
    counts = surveyed.found.whole_numbers
    if modes is not None:
        modes = _centred_far_field(modes, record)
        try:
            modes = _check(path, sample, modes, counts, record)
        except checks.NotFarField as failure:
            modes = _instead(path, sample, mean, counts, record, failure)
    else:
        modes = _guessed(path, sample, mean, counts, record)
    everywhere = ever(train.valid)
    modes, before = as_bright(orthogonal_modes(modes), mean, everywhere)
    said = (
        f"Σ|P|² was {before:.3g} of the mean counts {mean[everywhere].sum():.4g}; it is set to it"
    )
    record.check("scale", True, {"before": before, "counts": float(mean[everywhere].sum())}, said)
    if len(modes) > 1:
        shares = (np.abs(modes) ** 2).sum(axis=(1, 2))
        source = "the file" if settings.probe is None else "the config"
        record.assume("modes of the probe", (shares / shares.sum()).tolist(), source)
    checks.check_overlap(surveyed.positions[surveyed.kept], beam_diameter(modes[0]), record)
    return Illumination(modes)


def _known(surveyed: Surveyed, settings: MeasuredDataset, record: Record) -> Complex | None:
    """Return the probe (modes, N, N) of the config or else of the file; None if neither has one."""
    N, scan = surveyed.grid.N, surveyed.scan
    if settings.probe is not None:
        record.assume("probe", settings.probe.kind, "the config")
        strongest = make_probe(settings.probe, N).astype(np.complex128)
        return np.stack([strongest, *_further_modes(settings.probe, strongest, record)])
    probe = probe_on_grid(scan, surveyed.grid)
    if probe is None:
        return None
    if not (np.isfinite(probe).all() and np.abs(probe).any()):
        raise refusal(Path(scan.path), "its probe is dark, NaN or infinite; light is wanted")
    record.assume("probe", list(probe.shape), scan.origins.get("probe", "the file"))
    if surveyed.scan.orientation != (False, False, False):
        said = "frames were turned to agree with the probe; the probe is as in the file"
        record.assume("orientation of the probe", None, said)
    return probe


def _further_modes(config: Probe, strongest: Complex, record: Record) -> list[Complex]:
    """Return the other modes of the config's file, in the file's ratio to the strongest (N, N)."""
    if not isinstance(config, ProbeNpz):
        return []
    further = read_further_modes(config.path)
    if further is None:
        return []
    if config.smooth > 0 or config.mask_radius is not None or further.shape[1:] != strongest.shape:
        said = "smooth, mask_radius and resize take the strongest mode; the others are left out"
        record.check("modes of the probe", False, len(further) + 1, said)
        return []
    as_stored = np.abs(read_probe(config.path).astype(np.complex128))
    return list(further * (np.abs(strongest).sum() / as_stored.sum()))


def _centred_far_field(modes: Complex, record: Record) -> Complex:
    """Let the far field of the probe lie where the patterns were moved to, and say so."""
    N = modes.shape[-1]
    light = centre_of_light(far_intensity(modes))
    away = np.array(light.place) - N // 2
    figure = {"row": light.place[0], "column": light.place[1]}
    if not light.is_clear or np.abs(away).max() <= tolerance(N):
        record.check("zero frequency of the probe", True, figure, "|F P|² lies at N // 2")
        return modes
    axis = (np.arange(N) - N // 2) / N
    rows, columns = np.rint(away)
    ramp = np.exp(-2j * np.pi * (rows * axis[:, None] + columns * axis))
    said = f"|F P|² lay {rows:+.0f} rows and {columns:+.0f} columns off; the probe was tilted back"
    record.check("zero frequency of the probe", True, figure, said)
    return modes * ramp


def _check(path: Path, sample: Sample, modes: Complex, counts: bool, record: Record) -> Complex:
    """Check orientation of the positions and regime, with the strongest mode of a probe.

    The result is the modes (M, N, N), or their twin where that is the one which fits the positions.
    """
    probe = sample.probe(orthogonal_modes(modes)[0])
    positions = turned(sample.positions)
    probes = np.repeat(probe[None], len(positions), axis=0)
    factors = joint_rpie(sample, probes, positions, _EPOCHS)[-1]
    checks.check_orientation(path, factors, follow(sample), record)
    as_they_are, reversed_signs = factors[0], factors[ORIENTATIONS.index((False, -1, -1))]
    if as_they_are - reversed_signs > checks.CLEAR * as_they_are:
        said = (
            f"the probe fits positions with both signs reversed (R-factor {reversed_signs:.3f}, as "
            f"they are {as_they_are:.3f}); the signs are believed, and the probe's rotated "
            "conjugate is used"
        )
        record.check("twin", False, [float(as_they_are), float(reversed_signs)], said)
        modes, probe = twin(modes), twin(probe)
    checks.check_regime(path, sample, probe, counts, record)
    return modes


def _guessed(path: Path, sample: Sample, mean: Reals, counts: bool, record: Record) -> Complex:
    """Make a probe (1, N, N) from the mean pattern, with the defocus that fits best."""
    found = find_curvature(sample, _EPOCHS)
    modes = defocused(np.sqrt(mean), found.curvature)[None]
    checks.check_orientation(path, found.r_factors, follow(sample), record)
    checks.check_regime(path, sample, sample.probe(modes[0]), counts, record)
    diameter = beam_diameter(modes[0])
    source = (
        f"no file says it: the root of the mean pattern, with the defocus that explains the "
        f"patterns best (beam of {diameter:.0f} px). The rotated conjugate twin explains them as "
        "well; which of the two is right, only a probe can tell"
    )
    record.assume("probe", {"curvature": found.curvature, "diameter": diameter}, source)
    return modes


def _instead(
    path: Path,
    sample: Sample,
    mean: Reals,
    counts: bool,
    record: Record,
    failure: checks.NotFarField,
) -> Complex:
    """Guess a probe from the mean pattern, where the probe that was given explains nothing."""
    kept = len(record.checks)
    began = next(n for n, c in enumerate(record.checks) if c["name"] == "orientation")
    try:
        modes = _guessed(path, sample, mean, counts, record)
    except checks.NotFarField:
        raise failure from None
    del record.checks[began:kept]  # the checks that this probe could not decide
    said = f"the probe that was given does not explain the patterns ({failure.figures}); the guess "
    record.check("probe", False, None, said + "from the mean pattern does, and is used")
    return modes


def values_of(surveyed: Surveyed, record: Record) -> str:
    """Tell what a pixel of a frame holds, intensity or amplitude.

    The config or the format says so. Without them, whole numbers are counts; for other numbers, the
    mean pattern is compared with that of the file's probe, once as intensity and once as amplitude.

    Parameters
    ----------
    surveyed : Surveyed
        A scan after its survey.
    record : Record
        Takes the assumption.

    Returns
    -------
    str
        "intensity" or "amplitude".
    """
    scan, found = surveyed.scan, surveyed.found
    if scan.values is not None:
        record.assume("values", scan.values, scan.origins.get("values", "the format"))
        whole = found.whole_numbers and found.largest.max() > 1
        if scan.values == "amplitude" and whole:
            said = "the frames hold whole numbers, and are taken as amplitudes"
            record.check("values", False, None, said)
        return scan.values
    if found.whole_numbers:
        record.assume("values", "intensity", "whole numbers, so counts")
        return "intensity"
    probe = probe_on_grid(scan, surveyed.grid)
    if probe is None:
        record.assume("values", "intensity", "not known; dataset.counts says otherwise")
        record.check("values", None, None, "nothing says whether pixels hold counts or their root")
        return "intensity"
    misfits = {
        "intensity": _distance(np.sqrt(surveyed.window.sums(found.mean)), probe),
        "amplitude": _distance(np.sqrt(surveyed.window.sums(found.mean_square)), probe),
    }
    values = min(misfits, key=misfits.__getitem__)
    source = "the mean pattern, compared with the probe's: misfit " + ", ".join(
        f"{misfit:.3f} as {name}" for name, misfit in misfits.items()
    )
    record.assume("values", values, source)
    return values


def _distance(mean: Reals, probe: Complex) -> float:
    """Return the relative misfit of a mean amplitude and the probe's, at the best scale."""
    model = np.sqrt(far_intensity(probe))
    model = model * (mean * model).sum() / (model**2).sum()
    return float(np.abs(model - mean).sum() / mean.sum())
