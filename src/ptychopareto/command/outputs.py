"""Where results go, and what is written of them."""

import os
import platform
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from ptychopareto.command.subcommand import CommandError

if TYPE_CHECKING:
    from ptychopareto.command.networks import LoadedNetwork
    from ptychopareto.command.scans import LoadedScan
    from ptychopareto.command.work import Outcome
    from ptychopareto.writers.result import Result

SUFFIXES = (".cxi", ".h5", ".hdf5")


def output_paths(scans: Sequence[Path], output: Path, suffix: str) -> list[Path]:
    """Name the output of each scan.

    Parameters
    ----------
    scans : sequence of Path
        The scans.
    output : Path
        A file (`SUFFIXES`) for one scan, or a folder, where each output is named as its scan.
    suffix : str
        Suffix of the outputs in a folder.

    Returns
    -------
    list of Path
        The output of each scan.

    Raises
    ------
    CommandError
        Several scans would go to one file, or over themselves.
    """
    if output.suffix in SUFFIXES and not output.is_dir():
        if len(scans) > 1:
            raise CommandError(f"-o {output}: a folder is wanted for {len(scans)} scans")
        paths = [output]
    else:
        paths = [output / f"{scan.stem}{suffix}" for scan in scans]
    for number, (scan, path) in enumerate(zip(scans, paths, strict=True)):
        if path in paths[:number]:
            raise CommandError(f"-o {output}: two scans would be written to {path}")
        if path.exists() and scan.exists() and path.samefile(scan):
            raise CommandError(f"-o {output}: {path} is the scan itself; another name is wanted")
    return paths


def check_folder(path: Path) -> None:
    """Try to write beside an output, before anything is computed.

    Raises
    ------
    OSError
        The folder cannot be made or written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    trial = path.with_name(f".{uuid4().hex}")
    try:
        trial.touch(exist_ok=False)
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno or 0), str(path.parent)) from error
    trial.unlink()


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an error of the disk name the output that it hit.

    Raises
    ------
    OSError
        As it was raised inside, with the name of the output if it had none.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error


def result_of(
    loaded: "LoadedScan",
    network: "LoadedNetwork",
    outcome: "Outcome",
    pixel: tuple[float, float] | None,
    more: dict[str, str],
) -> "Result":
    """Put together what is written of a reconstruction.

    Parameters
    ----------
    loaded : LoadedScan
        The scan.
    network : LoadedNetwork
        The network.
    outcome : Outcome
        What came out.
    pixel : (row, column), optional
        Size of the object's pixels [m].
    more : dict of str
        Further lines of the provenance.

    Returns
    -------
    Result
        What the writers take.
    """
    from ptychopareto.writers.result import Result

    scan = outcome.scan
    fractions = 0 if scan.fractions is None else scan.fractions
    free = np.zeros(len(scan.corners), bool) if scan.free is None else scan.free
    return Result(
        object=outcome.image.cpu().numpy(),
        covered=_covered(outcome),
        probe=scan.modes.reshape(-1, scan.N, scan.N),
        corners=(scan.corners + fractions).astype(np.float64),
        frames=loaded.frames.astype(np.int64),
        free=free,
        pixel=pixel,
        wavelength=loaded.wavelength,
        distance=loaded.distance,
        detector_pixel=loaded.detector_pixel,
        figures=outcome.figures,
        provenance=_provenance(network, outcome) | more,
    )


def _covered(outcome: "Outcome") -> Any:
    """Which pixels are in the scored region and have light enough."""
    scan = outcome.scan
    region, covered = scan.scored_region(), scan.covered()
    which = np.zeros(tuple(outcome.image.shape), bool)
    which[region] = True if covered is None else covered
    return which


def _provenance(network: "LoadedNetwork", outcome: "Outcome") -> dict[str, str]:
    import json

    import torch

    import ptychopareto

    versions = {
        "ptychopareto": ptychopareto.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        network.runtime: sys.modules[network.runtime].__version__,
    }
    return {
        "program": "ptycho-pareto",
        "version": ptychopareto.__version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["ptycho-pareto", *sys.argv[1:]]),
        "versions": json.dumps(versions),
        "network": json.dumps(asdict(network.config)),
        "training": json.dumps(network.training),
        "network_file": str(network.path),
        "network_sha256": network.sha256,
        "runtime": network.runtime,
        "precision": network.precision,
        "refined_epochs": str(outcome.refined_epochs),
        "remarks": "\n".join(outcome.remarks),
    }


def draw_picture(
    path: Path, outcome: "Outcome", title: str, pixel: tuple[float, float] | None
) -> None:
    """Draw the object, beside the truth where there is one, as the picture of a study's run.

    Parameters
    ----------
    path : Path
        The picture.
    outcome : Outcome
        What came out.
    title : str
        What was reconstructed, and how.
    pixel : (row, column), optional
        Size of the object's pixels [m].
    """
    from ptychopareto.pictures.reconstruction import draw

    scan = outcome.scan
    image = outcome.image[scan.scored_region()].cpu().numpy()
    width = None if pixel is None else pixel[1]
    draw(image, scan.truth, outcome.figures, title, path, scan.covered(), pixel=width)
