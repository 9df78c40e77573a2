"""Check the scans of existing files and write them as this package does."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.files import read_dataset, write_dataset

    for source, target in ((job.input.train, job.output.train), (job.input.test, job.output.test)):
        write_dataset(Path(target), read_dataset(Path(source)))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
