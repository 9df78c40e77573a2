"""Draw the rungs of a search: who was tried, who went on, and what that cost."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.pictures.rungs import draw
    from ptychopareto.study.rungs import read_decision
    from ptychopareto.study.table import read_table

    decisions = [read_decision(Path(file)) for file in job.input.decisions]
    table = read_table(Path(job.input.table))
    draw(decisions, table, job.params.axes, Path(job.output.picture))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
