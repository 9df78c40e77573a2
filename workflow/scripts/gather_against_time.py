"""Gather quality against time: rPIE alone, and rPIE after each network."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from joblog import run_job

if TYPE_CHECKING:
    from pandas import DataFrame

    from ptychopareto.study.results import Results


def tables_against_time(results: "Results") -> tuple["DataFrame", "DataFrame"]:
    """rPIE alone, and after the networks."""
    from ptychopareto.study.against_time import classical_table, refinement_table

    timing = results.timing()
    scores = results.of_runs("refinement.json")
    return (
        classical_table(results.classical_steps(), timing),
        refinement_table(results.runs, scores, timing),
    )


def main(job: Any) -> None:
    from ptychopareto.files import write_csv
    from ptychopareto.study.results import Results
    from ptychopareto.study.runs import Run

    results = Results(Path("results"), tuple(Run(**run) for run in job.params.runs))
    classical, refinement = tables_against_time(results)
    write_csv(Path(job.output.classical), classical)
    write_csv(Path(job.output.refinement), refinement)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
