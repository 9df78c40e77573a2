"""Time the networks of all runs, and what comes after them, in one process."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from device import prepare
    from ptychopareto.assessment.engine_timing import time_engine
    from ptychopareto.assessment.evaluation import device_name
    from ptychopareto.assessment.timing import as_record, reading_time, time_models
    from ptychopareto.files import read_dataset, write_json
    from ptychopareto.reconstruction.reconstruct import Predictions

    device = prepare(job)
    test = read_dataset(Path(job.input.test))
    models = {run: Path(file) for run, file in zip(job.params.runs, job.input.models, strict=True)}
    used = test if test.free is None else test.part(~test.free)
    scan = Predictions(used, job.params.gridsize, device)
    timings = time_models(models, scan.diffraction, scan.probe, scan.groups)
    engine = time_engine(used, job.params.alpha, device)
    read_s, n_patterns = reading_time(Path(job.input.test)), len(used.diffraction)
    record = as_record(timings, engine, device_name(device), read_s, n_patterns)
    write_json(Path(job.output.timing), record)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
