"""Draw truth, the classical reconstruction, and those of the front."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from joblog import run_job

if TYPE_CHECKING:
    from pandas import DataFrame

    from ptychopareto.study.results import Results


def draw_gallery(
    results: "Results",
    table: "DataFrame",
    classical: "DataFrame",
    axes: Mapping[str, str],
    path: Path,
) -> None:
    """Truth, the longest classical reconstruction, and a run of each configuration of the front."""
    from ptychopareto.files import read_objects, read_reconstruction
    from ptychopareto.pictures.gallery import draw
    from ptychopareto.study.pareto import pareto_front
    from ptychopareto.study.recommendation import median_run

    items, measures, by_run = [], [], table.set_index("run")
    if len(classical):
        step = classical.iloc[-1]
        objects = read_objects(results.folder / "classical.npz")
        items.append((f"rPIE, {step['epochs']:.0f} epochs", objects[-1]))
        measures.append({str(name): value for name, value in step.items()})
    for _, configuration in pareto_front(table, axes["cost"], axes["quality"]).iterrows():
        run = median_run(table, configuration, axes["quality"])
        items.append((run, read_reconstruction(results.of_runs("reconstruction.npz")[run])))
        measures.append({str(name): value for name, value in by_run.loc[run].items()})
    test = results.test_scan()
    draw(items, None if test is None else test.truth, measures, path, axes["quality"])


def main(job: Any) -> None:
    import pandas as pd

    from ptychopareto.study.results import Results
    from ptychopareto.study.runs import Run
    from ptychopareto.study.table import read_table

    results = Results(Path("results"), tuple(Run(**run) for run in job.params.runs))
    table = read_table(Path(job.input.table))
    classical = pd.read_csv(job.input.classical)
    draw_gallery(results, table, classical, job.params.axes, Path(job.output.picture))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
