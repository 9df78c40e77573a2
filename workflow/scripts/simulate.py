"""Simulate the training and the test scan."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.config import SimulatedDataset, parse_study
    from ptychopareto.files import write_dataset
    from ptychopareto.physics.simulation import simulate

    dataset = parse_study(job.config).dataset
    assert isinstance(dataset, SimulatedDataset)  # else there is another rule
    train, test = simulate(dataset)
    write_dataset(Path(job.output.train), train)
    write_dataset(Path(job.output.test), test)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
