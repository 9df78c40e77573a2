"""Score the networks of all runs, and rPIE, on the changed test scan of one scenario."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from device import prepare
    from ptychopareto.assessment.changed_scan import evaluate_all
    from ptychopareto.files import read_dataset, write_json

    device = prepare(job)
    test = read_dataset(Path(job.input.test))
    models = {run: Path(file) for run, file in zip(job.params.runs, job.input.models, strict=True)}
    scores = evaluate_all(models, test, job.params.epochs, job.params.alpha, device)
    write_json(Path(job.output.scores), scores)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
