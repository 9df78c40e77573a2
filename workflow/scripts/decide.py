"""Decide which configurations of a search go on at a rung."""

import logging
from pathlib import Path
from typing import Any

from joblog import run_job

log = logging.getLogger("ptychopareto.decide")  # below the library's logger: it reaches the screen


def main(job: Any) -> None:
    from ptychopareto.files import write_json
    from ptychopareto.study.rung_decision import decided
    from ptychopareto.study.rungs import read_reached, read_untrained

    names = job.params.configurations
    reached = [read_reached(Path(file)) for file in job.input.reached]
    reached = [{**record, "configuration": names[record["run"]]} for record in reached]
    inference = next((read_untrained(Path(file)) for file in job.input.timing), None)
    settings = job.params
    decision = decided(
        settings.rung, settings.part, reached, settings.groups, settings.cost, inference
    )
    write_json(Path(job.output.decision), decision)
    ones = decision["configurations"]
    going_on = [one["configuration"] for one in ones if one["goes_on"]]
    log.info(
        "after %d epochs %d of %d configurations go on: %s",
        settings.rung,
        len(going_on),
        len(ones),
        ", ".join(going_on) or "all have failed",
    )


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
