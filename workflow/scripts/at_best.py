"""Score rPIE stopped by free patterns on one scan: from a flat start, and after the front."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from device import prepare
    from ptychopareto.assessment.at_best import evaluate_at_best
    from ptychopareto.config import AtBest
    from ptychopareto.files import read_dataset, write_json
    from ptychopareto.study.configurations import read_front
    from ptychopareto.study.runs import Run

    device = prepare(job)
    front = set(read_front(Path(job.input.front))["configuration"])
    models = {run: Path(file) for run, file in zip(job.params.runs, job.input.models, strict=True)}
    own = {run.id for run in (Run(**run) for run in job.params.grid) if run.configuration in front}
    shown = {run: file for run, file in models.items() if run in own}
    settings, test = AtBest.model_validate(job.params.at_best), read_dataset(Path(job.input.test))
    write_json(Path(job.output.scores), evaluate_at_best(shown, test, settings, device))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
