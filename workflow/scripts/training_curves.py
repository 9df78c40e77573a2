"""Draw how the validation loss of all runs fell."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from joblog import run_job

if TYPE_CHECKING:
    from pandas import DataFrame

    from ptychopareto.study.results import Results


def draw_training_curves(results: "Results", table: "DataFrame", path: Path) -> None:
    """The histories of all runs that have one."""
    import pandas as pd

    from ptychopareto.pictures.training_curves import draw

    files = results.of_runs("history.csv")
    histories = {run: pd.read_csv(file) for run, file in files.items() if file.exists()}
    draw(histories, table, path)


def main(job: Any) -> None:
    from ptychopareto.study.results import Results
    from ptychopareto.study.runs import Run
    from ptychopareto.study.table import read_table

    results = Results(Path("results"), tuple(Run(**run) for run in job.params.runs))
    draw_training_curves(results, read_table(Path(job.input.table)), Path(job.output.picture))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
