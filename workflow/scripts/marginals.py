"""Draw what each hyperparameter does to quality and cost."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.pictures.marginals import draw
    from ptychopareto.study.table import read_table

    table, axes = read_table(Path(job.input.table)), job.params.axes
    draw(table, axes["quality"], axes["cost"], Path(job.output.picture))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
