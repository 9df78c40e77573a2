"""Draw how the configurations on the front hold up in the scenarios."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.config import Scenario
    from ptychopareto.pictures.names import settings_of
    from ptychopareto.pictures.robustness import draw
    from ptychopareto.study.configurations import read_front
    from ptychopareto.study.purposes import as_records, named, read_purposes
    from ptychopareto.study.scenario_table import read_scenarios

    scenarios, front = read_scenarios(Path(job.input.scenarios)), read_front(Path(job.input.front))
    changes = [Scenario.model_validate(change) for change in job.params.changes]
    purposes = named(as_records(read_purposes(Path(job.input.purposes))))
    names, quality = settings_of(front), job.params.axes["quality"]
    draw(scenarios, changes, names, purposes, quality, Path(job.output.picture))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
