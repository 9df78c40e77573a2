"""Prepare a measured scan: a training and a test part, what was assumed, and a picture of it."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    import torch

    from ptychopareto.config import MeasuredDataset, check_pattern_size, parse_study
    from ptychopareto.files import write_dataset, write_json
    from ptychopareto.pictures.scan import draw
    from ptychopareto.preparation.prepare import prepare
    from ptychopareto.readers import read_scan

    torch.set_num_threads(job.threads)
    study = parse_study(job.config)
    settings = study.dataset
    assert isinstance(settings, MeasuredDataset)  # else there is another rule
    named = [*settings.scan] if settings.test.scan is None else [*settings.scan, settings.test.scan]
    scans = [read_scan(path, settings.format, settings.keys) for path in named]
    scored = None if settings.test.scan is None else scans.pop()
    prepared = prepare(scans, settings, scored, Path(job.output.train).parent)
    check_pattern_size(study, prepared.train.N)
    write_dataset(Path(job.output.train), prepared.train)
    write_dataset(Path(job.output.test), prepared.test)
    draw(prepared, Path(job.output.picture))
    write_json(Path(job.output.record), prepared.record)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
