"""Draw truth, the classical reconstruction, and those of the front."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.pictures.gallery import draw_study
    from ptychopareto.study.against_time import read_classical
    from ptychopareto.study.configurations import read_front
    from ptychopareto.study.results import Results
    from ptychopareto.study.runs import Run
    from ptychopareto.study.table import read_table

    results = Results(Path("results"), tuple(Run(**run) for run in job.params.runs))
    draw_study(
        results,
        read_table(Path(job.input.table)),
        read_front(Path(job.input.front)),
        read_classical(Path(job.input.classical)),
        job.params.axes["quality"],
        Path(job.output.picture),
    )


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
