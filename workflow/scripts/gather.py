"""Gather the results of all runs into the tables of runs, of configurations, and of the fronts."""

import logging
from pathlib import Path
from typing import Any

from joblog import run_job

log = logging.getLogger("ptychopareto.gather")  # below the library's logger: it reaches the screen


def main(job: Any) -> None:
    from ptychopareto.files import write_csv
    from ptychopareto.study.configurations import configurations
    from ptychopareto.study.pareto import pareto_front
    from ptychopareto.study.results import Results
    from ptychopareto.study.rungs import read_decision, read_untrained
    from ptychopareto.study.runs import Run
    from ptychopareto.study.tables import failures, table_of_refinement, table_of_runs

    results = Results(Path("results"), tuple(Run(**run) for run in job.params.runs))
    decisions = [read_decision(Path(file)) for file in job.input.decisions]
    untrained = next((read_untrained(Path(file)) for file in job.input.untrained), None)
    table = table_of_runs(results, decisions=decisions or None, untrained=untrained)
    write_csv(Path(job.output.table), table)
    write_csv(Path(job.output.configurations), configurations(table))
    fronts = (job.output.front, *job.output.other_fronts)
    for path, axes in zip(fronts, job.params.axes, strict=True):
        write_csv(Path(path), pareto_front(table, axes["cost"], axes["quality"]))
    write_csv(Path(job.output.refinement), table_of_refinement(results))
    if failed := failures(table):
        log.warning("%s", failed)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
