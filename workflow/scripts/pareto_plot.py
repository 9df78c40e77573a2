"""Find the Pareto front and draw it."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.files import write_csv
    from ptychopareto.pictures.pareto import draw
    from ptychopareto.study.pareto import pareto_front
    from ptychopareto.study.table import read_table

    table = read_table(Path(job.input.table))
    cost, quality = job.params.axes["cost"], job.params.axes["quality"]
    write_csv(Path(job.output.front), pareto_front(table, cost, quality))
    draw(table, cost, quality, Path(job.output.png), Path(job.output.svg))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
