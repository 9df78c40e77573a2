"""Gather the results of all runs into the tables of runs and of configurations."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from joblog import run_job

if TYPE_CHECKING:
    from pandas import DataFrame

    from ptychopareto.study.results import Results

log = logging.getLogger("ptychopareto.gather")  # below the library's logger: it reaches the screen


def table_of_runs(results: "Results", settings: Mapping[str, str] | None = None) -> "DataFrame":
    """The metrics of all runs, or of those with these settings, with the timing job's latencies."""
    from ptychopareto.study.against_time import with_latencies
    from ptychopareto.study.table import gather

    table = gather(results.runs, results.of_runs("metrics.json"), settings)
    return with_latencies(table, results.timing())


def table_of_refinement(results: "Results") -> "DataFrame":
    """rPIE after the networks of all runs, against time."""
    from ptychopareto.study.against_time import refinement_table

    return refinement_table(results.runs, results.of_runs("refinement.json"), results.timing())


def failures(table: "DataFrame") -> str:
    """One line that counts the runs that failed and names them; empty if none did."""
    counts = table["status"].value_counts(sort=False)
    named = [
        f"{counts[status]} {status}: {', '.join(table['run'][table['status'] == status])}"
        for status in counts.index
        if status != "ok"
    ]
    return "; ".join(
        [f"{counts.get('ok', 0)} of {len(table)} runs are ok", *named] if named else []
    )


def main(job: Any) -> None:
    from ptychopareto.files import write_csv
    from ptychopareto.study.configurations import configurations
    from ptychopareto.study.results import Results
    from ptychopareto.study.runs import Run

    results = Results(Path("results"), tuple(Run(**run) for run in job.params.runs))
    table = table_of_runs(results)
    write_csv(Path(job.output.table), table)
    write_csv(Path(job.output.configurations), configurations(table))
    write_csv(Path(job.output.refinement), table_of_refinement(results))
    if failed := failures(table):
        log.warning("%s", failed)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
