"""Draw the scans after which training has paid."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.pictures.break_even import draw
    from ptychopareto.pictures.names import settings_of
    from ptychopareto.study.break_even import read_break_even
    from ptychopareto.study.configurations import read_configurations, read_front
    from ptychopareto.study.purposes import as_records, named, read_purposes

    means = read_configurations(Path(job.input.configurations))
    front = read_front(Path(job.input.front))
    purposes = named(as_records(read_purposes(Path(job.input.purposes))))
    shown = means["configuration"].isin({*front["configuration"], *purposes})
    table, quality = read_break_even(Path(job.input.table)), job.params.axes["quality"]
    draw(table, settings_of(means[shown]), purposes, quality, Path(job.output.picture))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
