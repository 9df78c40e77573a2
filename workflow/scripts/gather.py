"""Gather the results of all runs into the tables of runs, of configurations, and of the fronts."""

import logging
from pathlib import Path
from typing import Any

from joblog import run_job

log = logging.getLogger("ptychopareto.gather")  # below the library's logger: it reaches the screen


def main(job: Any) -> None:
    from ptychopareto.files import write_csv
    from ptychopareto.study import collapse
    from ptychopareto.study.configurations import configurations
    from ptychopareto.study.pareto import pareto_front
    from ptychopareto.study.purposes import purposes
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
    first, *others = job.params.axes
    front, refinement = pareto_front(table, **first), table_of_refinement(results)
    write_csv(Path(job.output.front), front)
    write_csv(Path(job.output.refinement), refinement)
    write_csv(Path(job.output.purposes), purposes(table, front, refinement, **first))
    chosen = front["configuration"][front["recommended"]]
    for path, axes in zip(job.output.other_fronts, others, strict=True):
        other = pareto_front(table, **axes)
        # What is recommended, the main axes decide.
        other["recommended"] = other["configuration"].isin(chosen)
        write_csv(Path(path), other)
    for words in filter(None, (failures(table), collapse.in_words(table))):
        log.warning("%s", words)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
