"""Draw quality against time: rPIE alone, and after the networks on the front."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.pictures.names import settings_of
    from ptychopareto.pictures.quality_vs_time import draw
    from ptychopareto.study.against_time import read_classical, read_refinement
    from ptychopareto.study.configurations import read_front

    classical = read_classical(Path(job.input.classical))
    refinement = read_refinement(Path(job.input.refinement))
    front, quality = read_front(Path(job.input.front)), job.params.axes["quality"]
    draw(classical, refinement, settings_of(front), quality, Path(job.output.picture))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
