"""Recommend one configuration of the front."""

import logging
from pathlib import Path
from typing import Any

from joblog import run_job

log = logging.getLogger("ptychopareto.recommend")  # below the library's: it reaches the screen


def main(job: Any) -> None:
    from ptychopareto.study.against_time import read_classical, read_refinement
    from ptychopareto.study.configurations import read_front
    from ptychopareto.study.purposes import in_words as purposes_in_words
    from ptychopareto.study.purposes import read_purposes
    from ptychopareto.study.recommended import write_recommendation
    from ptychopareto.study.results import Results
    from ptychopareto.study.rungs import read_decision
    from ptychopareto.study.runs import Run
    from ptychopareto.study.scenario_table import read_scenarios
    from ptychopareto.study.spending import in_words, spending
    from ptychopareto.study.table import read_table

    results = Results(Path("results"), tuple(Run(**run) for run in job.params.runs))
    table, front = read_table(Path(job.input.table)), read_front(Path(job.input.front))
    folder = Path(job.output.recommendation).parent
    scenarios = next((read_scenarios(Path(file)) for file in job.input.scenarios), None)
    refinement = read_refinement(Path(job.input.refinement))
    decisions = [read_decision(Path(file)) for file in job.input.decisions]
    classical = next((read_classical(Path(file)) for file in job.input.classical), None)
    axes, purposes = job.params.axes, read_purposes(Path(job.input.purposes))
    write_recommendation(
        results, table, front, purposes, axes, folder, scenarios, refinement, classical, decisions
    )
    for line in purposes_in_words(purposes, axes["quality"]):
        log.info("%s", line)
    if decisions:
        log.info("%s", in_words(spending(decisions, table)))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
