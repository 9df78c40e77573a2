"""Gather the results of all runs into the tables of runs and of configurations."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from joblog import run_job

if TYPE_CHECKING:
    from pandas import DataFrame

    from ptychopareto.study.results import Results


def table_of_runs(results: "Results", settings: Mapping[str, str] | None = None) -> "DataFrame":
    """The metrics of all runs, or of those with these settings, with the timing job's latencies."""
    from ptychopareto.study.against_time import with_latencies
    from ptychopareto.study.table import gather

    table = gather(results.runs, results.of_runs("metrics.json"), settings)
    return with_latencies(table, results.timing())


def main(job: Any) -> None:
    from ptychopareto.files import write_csv
    from ptychopareto.study.configurations import configurations
    from ptychopareto.study.results import Results
    from ptychopareto.study.runs import Run

    results = Results(Path("results"), tuple(Run(**run) for run in job.params.runs))
    table = table_of_runs(results)
    write_csv(Path(job.output.table), table)
    write_csv(Path(job.output.configurations), configurations(table))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
