"""Draw quality against cost, and the front."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.pictures.pareto import draw
    from ptychopareto.study.table import read_table

    table = read_table(Path(job.input.table))
    axes = job.params.axes
    draw(table, axes["cost"], axes["quality"], Path(job.output.png), Path(job.output.svg))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
