"""Recommend one configuration of the front, and lay out its network for use."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.study.against_time import read_classical, read_refinement
    from ptychopareto.study.configurations import read_front
    from ptychopareto.study.recommended import write_recommendation
    from ptychopareto.study.results import Results
    from ptychopareto.study.robustness import read_scenarios
    from ptychopareto.study.runs import Run
    from ptychopareto.study.table import read_table

    results = Results(Path("results"), tuple(Run(**run) for run in job.params.runs))
    table, front = read_table(Path(job.input.table)), read_front(Path(job.input.front))
    folder = Path(job.output.recommendation).parent
    scenarios = next((read_scenarios(Path(file)) for file in job.input.scenarios), None)
    refinement = read_refinement(Path(job.input.refinement))
    classical = next((read_classical(Path(file)) for file in job.input.classical), None)
    axes, study = job.params.axes, job.params.study
    write_recommendation(
        results, table, front, axes, study, folder, scenarios, refinement, classical
    )


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
