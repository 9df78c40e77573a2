"""Gather the results of all runs into one table."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.files import write_csv
    from ptychopareto.study.runs import Run
    from ptychopareto.study.table import gather

    runs = [Run(**run) for run in job.params.runs]
    metrics = {run.id: Path(file) for run, file in zip(runs, job.input.metrics, strict=True)}
    write_csv(Path(job.output.table), gather(runs, metrics))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
