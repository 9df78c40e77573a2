"""Draw quality against time: rPIE alone, and after the networks on the front."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    import pandas as pd

    from ptychopareto.pictures.labels import settings_of
    from ptychopareto.pictures.quality_vs_time import draw

    classical, refinement, front = (
        pd.read_csv(file) for file in (job.input.classical, job.input.refinement, job.input.front)
    )
    quality = job.params.axes["quality"]
    draw(classical, refinement, settings_of(front), quality, Path(job.output.picture))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
