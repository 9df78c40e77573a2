"""Change the test scan as one scenario says."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.config import parse_study
    from ptychopareto.files import read_dataset, write_dataset
    from ptychopareto.physics.scenarios import changed_scan

    scenarios = {change.name: change for change in parse_study(job.config).scenarios}
    change = scenarios[job.wildcards.scenario]
    changed = changed_scan(read_dataset(Path(job.input.test)), change, job.params.seed)
    write_dataset(Path(job.output.test), changed)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
