"""Count the scans after which each training has paid."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.files import read_dataset, write_csv
    from ptychopareto.study.against_time import read_classical, read_refinement
    from ptychopareto.study.break_even import break_even, teacher_seconds
    from ptychopareto.study.results import read_timing
    from ptychopareto.study.table import read_table

    train, test = (read_dataset(Path(file)) for file in (job.input.train, job.input.test))
    timing = read_timing(Path(job.input.timing))
    table = break_even(
        read_table(Path(job.input.table)),
        read_refinement(Path(job.input.refinement)),
        read_classical(Path(job.input.classical)),
        job.params.axes["quality"],
        teacher_seconds(job.params.teacher_epochs, train, test, timing),
    )
    write_csv(Path(job.output.table), table)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
