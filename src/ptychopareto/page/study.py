"""Make the page of a study from the files that its runs left."""

import platform
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from pandas import DataFrame

from ptychopareto import __version__
from ptychopareto.files import read_json
from ptychopareto.page.document import build, write
from ptychopareto.study.results import Results

REFERENCES = {
    "truth": "the truth",
    "classical": "the classical reconstruction of the whole scan, for want of a truth",
}


def write_page(
    results: Results,
    table: DataFrame,
    configurations: DataFrame,
    front: DataFrame,
    axes: Mapping[str, str],
    recommendation: Path,
    break_even: DataFrame,
    pictures: Iterable[Path],
    path: Path,
) -> None:
    """Write the page of a study, finished or not.

    Parameters
    ----------
    results : Results
        The results of the study.
    table : DataFrame
        The runs, as `tables.table_of_runs` returns them.
    configurations : DataFrame
        Their means, as `configurations.configurations` returns them.
    front : DataFrame
        The configurations on the front, as `pareto.pareto_front` returns them.
    axes : dict of str
        The columns of the front: `cost` and `quality`.
    recommendation : Path
        The `recommendation.json` of the study.
    break_even : DataFrame
        After how many scans training pays, as `break_even.break_even` returns it.
    pictures : iterable of Path
        The pictures to show, in order; the name of the file is the heading.
    path : Path
        Where to write the page.

    Raises
    ------
    FileError
        A file is damaged.
    """
    test = results.test_scan()
    page = build(
        table=table,
        configurations=configurations,
        front=front,
        recommendation=read_json(recommendation),
        break_even=break_even,
        pictures={picture.stem.replace("_", " "): picture for picture in pictures},
        thumbnails=results.of_runs("reconstruction.npz"),
        provenance=provenance(results, table),
        axes=axes,
        region=None if test is None else test.covered(),
    )
    write(path, page)


def provenance(results: Results, table: DataFrame) -> dict[str, str]:
    """Say where the results of a study come from: versions, commit, devices and data.

    Parameters
    ----------
    results : Results
        The results of the study, finished or not.
    table : DataFrame
        The runs, as `tables.table_of_runs` returns them.

    Returns
    -------
    dict
        What each entry is, and the entry, both in words.
    """
    test, timing = results.test_scan(), results.timing()
    made = {} if test is None else test.metadata
    versions = {**made.get("versions", {}), "ptychopareto": __version__}
    versions["python"] = platform.python_version()
    devices = table["device"].dropna().unique()
    hashes = made.get("sha256", {})
    references = table["reference"].dropna().unique()
    compared = (
        {"similarity is measured against": REFERENCES.get(references[0], references[0])}
        if len(references)
        else {}
    )
    return compared | {
        "versions": ", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
        "git commit": _commit(),
        "trained and evaluated on": ", ".join(devices) or "nothing yet",
        "latencies measured on": timing["machine"].get("device", "nothing yet"),
        "SHA-256 of the test patterns": hashes.get("diffraction")
        or hashes.get("counts", "unknown"),
    }


def _commit() -> str:
    """Return the commit of this library's checkout, with a star if files differ from it."""
    describe = ["describe", "--always", "--abbrev=12", "--dirty=*", "--exclude=*"]
    try:
        done = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), *describe], capture_output=True, text=True
        )
    except FileNotFoundError:  # git is not installed
        return "unknown"
    return done.stdout.strip() or "not in a git repository"
