"""Draw quality against time: rPIE alone, and after the networks on the front."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.pictures.names import settings_of
    from ptychopareto.pictures.quality_vs_time import draw
    from ptychopareto.study.against_time import read_classical, read_refinement
    from ptychopareto.study.configurations import read_configurations, read_front
    from ptychopareto.study.purposes import as_records, named, read_purposes

    classical = read_classical(Path(job.input.classical))
    refinement = read_refinement(Path(job.input.refinement))
    means = read_configurations(Path(job.input.configurations))
    front = read_front(Path(job.input.front))
    purposes, quality = read_purposes(Path(job.input.purposes)), job.params.axes["quality"]
    shown = {*front["configuration"], *named(as_records(purposes))}
    settings = settings_of(means[means["configuration"].isin(shown)])
    draw(classical, refinement, settings, purposes, quality, Path(job.output.picture))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
