"""Draw truth, reconstruction and error of one run."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.files import read_dataset, read_json, read_npz
    from ptychopareto.pictures.reconstruction import draw

    reconstruction = read_npz(Path(job.input.reconstruction))["object"]
    truth = read_dataset(Path(job.input.test)).truth
    measures = read_json(Path(job.input.metrics))
    draw(reconstruction, truth, measures, job.wildcards.run, Path(job.output.picture))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
