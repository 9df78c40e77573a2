"""Gather quality against time of rPIE from a flat start."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.files import write_csv
    from ptychopareto.study.against_time import classical_table
    from ptychopareto.study.results import read_steps, read_timing

    steps, timing = read_steps(Path(job.input.scores)), read_timing(Path(job.input.timing))
    write_csv(Path(job.output.table), classical_table(steps, timing))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
