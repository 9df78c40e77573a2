"""Draw the probe, the object and a few patterns of the training scan."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.files import read_dataset
    from ptychopareto.pictures.training_scan import draw

    draw(read_dataset(Path(job.input.train)), Path(job.output.picture))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
