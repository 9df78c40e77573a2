"""Put all results on one interactive page."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.page.study import write_page
    from ptychopareto.study.break_even import read_break_even
    from ptychopareto.study.configurations import read_configurations, read_front
    from ptychopareto.study.results import Results
    from ptychopareto.study.runs import Run
    from ptychopareto.study.table import read_table

    results = Results(Path("results"), tuple(Run(**run) for run in job.params.runs))
    write_page(
        results,
        read_table(Path(job.input.table)),
        read_configurations(Path(job.input.configurations)),
        read_front(Path(job.input.front)),
        job.params.axes,
        Path(job.input.recommendation),
        read_break_even(Path(job.input.break_even)),
        [Path(file) for file in job.input.pictures],
        Path(job.output.page),
    )


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
