"""Gather the scores of all networks, and of rPIE, in all scenarios."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.files import write_csv
    from ptychopareto.study.results import read_steps
    from ptychopareto.study.runs import Run
    from ptychopareto.study.scenario_table import scenario_table
    from ptychopareto.study.table import read_table

    runs = [Run(**run) for run in job.params.runs]
    scores = dict(zip(job.params.scenarios, map(Path, job.input.scores), strict=True))
    table, classical = read_table(Path(job.input.table)), read_steps(Path(job.input.classical))
    at_best = dict(zip(job.params.at_best, map(Path, job.input.at_best), strict=True))
    write_csv(Path(job.output.table), scenario_table(runs, table, classical, scores, at_best))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
