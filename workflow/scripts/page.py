"""Put all results on one interactive page."""

import platform
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from joblog import run_job

if TYPE_CHECKING:
    from pandas import DataFrame

    from ptychopareto.study.results import Results


def write_page(
    results: "Results",
    table: "DataFrame",
    axes: Mapping[str, str],
    recommendation: Path,
    pictures: Iterable[Path],
    path: Path,
) -> None:
    """Write the page of a study, finished or not; `recommendation` is its JSON file."""
    from ptychopareto.files import read_json
    from ptychopareto.page.document import build, write
    from ptychopareto.study.configurations import configurations
    from ptychopareto.study.pareto import pareto_front

    page = build(
        table=table,
        configurations=configurations(table),
        front=pareto_front(table, axes["cost"], axes["quality"]),
        recommendation=read_json(recommendation),
        pictures={picture.stem.replace("_", " "): picture for picture in pictures},
        thumbnails=results.of_runs("reconstruction.npz"),
        provenance=provenance(results, table),
        axes=axes,
    )
    write(path, page)


def provenance(results: "Results", table: "DataFrame") -> dict[str, str]:
    """Versions, commit, devices and data, in words."""
    from ptychopareto import __version__

    test, timing = results.test_scan(), results.timing()
    made = {} if test is None else test.metadata
    versions = {**made.get("versions", {}), "ptychopareto": __version__}
    versions["python"] = platform.python_version()
    devices = table["device"].dropna().unique()
    return {
        "versions": ", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
        "git commit": _commit(),
        "trained and evaluated on": ", ".join(devices) or "nothing yet",
        "latencies measured on": timing["machine"].get("device", "nothing yet"),
        "SHA-256 of the test patterns": made.get("sha256", {}).get("diffraction", "unknown"),
    }


def _commit() -> str:
    """The commit of this checkout, with a star if files differ from it."""
    describe = ["describe", "--always", "--abbrev=12", "--dirty=*", "--exclude=*"]
    try:
        done = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), *describe], capture_output=True, text=True
        )
    except FileNotFoundError:  # git is not installed
        return "unknown"
    return done.stdout.strip() or "not in a git repository"


def main(job: Any) -> None:
    from ptychopareto.study.results import Results
    from ptychopareto.study.runs import Run
    from ptychopareto.study.table import read_table

    results = Results(Path("results"), tuple(Run(**run) for run in job.params.runs))
    table = read_table(Path(job.input.table))
    pictures = [Path(file) for file in job.input.pictures]
    recommendation = Path(job.input.recommendation)
    write_page(results, table, job.params.axes, recommendation, pictures, Path(job.output.page))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
