"""Arguments that say how scans are read, for all subcommands that read them."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptychopareto.command.subcommand import CommandError

if TYPE_CHECKING:
    from ptychopareto.config import MeasuredDataset

# Options of one number or word that have the name of their key in a study.
_PLAIN: dict[str, tuple[type, str, str]] = {
    "format": (str, "NAME", "the files' format; see `ptycho-pareto formats`"),
    "N": (int, "PX", "crop patterns around the beam to so many pixels a side"),
    "bin": (int, "PX", "sum squares of so many detector pixels a side"),
    "energy": (float, "KEV", "energy of the photons [keV]"),
    "wavelength": (float, "M", "wavelength [m], instead of the energy"),
    "distance": (float, "M", "from the sample to the detector [m]"),
    "pixel_size": (float, "M", "pitch of the detector's pixels [m]"),
    "counts": (str, "WHAT", "what a pixel holds: intensity (counts) or amplitude (their root)"),
    "mask": (Path, "FILE", "mask of the detector (.npz, .npy), nonzero where good"),
    "reconstruction": (
        Path,
        "FILE",
        "finished reconstruction (ptypy, ptychodus, cdtools, pty-chi) whose probe is used",
    ),
}


def add_scan_options(parser: ArgumentParser) -> None:
    """Add the arguments that say of a scan what its file does not, or says wrongly."""
    group = parser.add_argument_group(
        "the scan", "what its file does not say, or says wrongly (docs/formats.md)"
    )
    group.add_argument(
        "--study",
        type=Path,
        metavar="YAML",
        help="take all that its `dataset:` section says of a measured scan; options count more",
    )
    group.add_argument(
        "--key",
        action="append",
        type=_pair,
        default=[],
        metavar="NAME=ARRAY",
        help="which array of the file holds what, such as diffraction=/entry/data; may be repeated",
    )
    group.add_argument(
        "--probe",
        type=Path,
        metavar="NPZ",
        help="the probe (key probeGuess) instead of the scan's own; a study's "
        "results/dataset/test.npz has one, with all modes",
    )
    for name, (kind, unit, text) in _PLAIN.items():
        option = f"--{name.replace('_', '-')}"
        group.add_argument(option, dest=f"scan_{name}", type=kind, metavar=unit, help=text)


def _pair(text: str) -> tuple[str, str]:
    name, equals, array = text.partition("=")
    if not (name and equals and array):
        raise ArgumentTypeError(f"{text!r} is not of the form NAME=ARRAY")
    return name, array


def settings_of(options: Namespace, path: Path, N: int | None = None) -> "MeasuredDataset":
    """Turn the arguments into the section of a study that they stand for.

    Parameters
    ----------
    options : Namespace
        The arguments.
    path : Path
        The scan.
    N : int, optional
        Side of the patterns that are wanted, where the options do not say it; None is the file's.

    Returns
    -------
    MeasuredDataset
        What a study would say of the scan.

    Raises
    ------
    CommandError, ConfigError
        An option or a key of the study has a value that is not allowed.
    """
    from pydantic import ValidationError

    from ptychopareto.config import MeasuredDataset
    from ptychopareto.config.mistakes import explain

    given = _section(options.study) if options.study is not None else {}
    own = {name: getattr(options, f"scan_{name}") for name in _PLAIN}
    given |= {name: value for name, value in own.items() if value is not None}
    if own["energy"] is not None or own["wavelength"] is not None:
        for name in ("energy", "wavelength"):
            if own[name] is None:
                given.pop(name, None)
    if options.key:
        given["keys"] = {**(given.get("keys") or {}), **dict(options.key)}
    if options.probe is not None:
        given["probe"] = {"kind": "npz", "path": str(options.probe)}
    given.setdefault("N", N)
    given["scan"] = str(path)
    try:
        return MeasuredDataset.model_validate(given)
    except ValidationError as error:
        raise CommandError(f"the scan: {explain(error)}") from error


def _section(path: Path) -> dict[str, Any]:
    """Read the section `dataset` of a study, as far as it is about reading a measured scan."""
    import yaml

    from ptychopareto.files.errors import reading, refusal

    with reading(path, "a study in YAML"):
        try:
            study = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise refusal(path, f"is no YAML ({error})") from error
    section = study.get("dataset") if isinstance(study, dict) else None
    if not isinstance(section, dict) or "scan" not in section:
        raise refusal(path, "has no section `dataset` with a measured `scan`; that is wanted")
    return {key: value for key, value in section.items() if key not in ("scan", "test", "free")}
