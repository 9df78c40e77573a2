"""Draw truth, reconstruction and error of one run."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.files import read_dataset, read_reconstruction
    from ptychopareto.pictures.reconstruction import draw
    from ptychopareto.study.table import read_metrics

    reconstruction = read_reconstruction(Path(job.input.reconstruction))
    truth = read_dataset(Path(job.input.test)).truth
    measures = read_metrics(Path(job.input.metrics))
    draw(reconstruction, truth, measures, job.wildcards.run, Path(job.output.picture))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
