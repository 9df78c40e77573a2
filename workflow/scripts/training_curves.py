"""Draw how the validation loss of all runs fell."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.pictures.training_curves import draw_study
    from ptychopareto.study.results import Results
    from ptychopareto.study.runs import Run
    from ptychopareto.study.table import read_table

    results = Results(Path("results"), tuple(Run(**run) for run in job.params.runs))
    draw_study(results, read_table(Path(job.input.table)), Path(job.output.picture))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
