"""Draw quality against cost, and the front."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.pictures.pareto import draw
    from ptychopareto.study.configurations import read_configurations, read_front
    from ptychopareto.study.purposes import as_records, named, read_purposes
    from ptychopareto.study.table import read_table

    draw(
        read_table(Path(job.input.table)),
        read_configurations(Path(job.input.configurations)),
        read_front(Path(job.input.front)),
        named(as_records(read_purposes(Path(job.input.purposes)))),
        job.params.axes,
        Path(job.output.png),
        Path(job.output.svg),
    )


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
