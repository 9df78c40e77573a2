"""Gather quality against time of rPIE from a flat start."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.files import write_csv
    from ptychopareto.study.against_time import classical_table
    from ptychopareto.study.results import read_best_epochs, read_steps, read_timing

    scores, timing = Path(job.input.scores), read_timing(Path(job.input.timing))
    table = classical_table(read_steps(scores), timing, read_best_epochs(scores))
    write_csv(Path(job.output.table), table)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
