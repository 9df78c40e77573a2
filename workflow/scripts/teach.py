"""Reconstruct the training scan classically, for networks to learn from, and score the result."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from device import prepare
    from ptychopareto.assessment.metrics import evaluate
    from ptychopareto.config import Teacher
    from ptychopareto.files import read_dataset, write_json, write_npz
    from ptychopareto.reconstruction.teacher import teach

    scan = read_dataset(Path(job.input.train))
    teacher = Teacher.model_validate(job.params.teacher)
    objects = teach(scan, teacher, prepare(job))
    write_npz(Path(job.output.objects), objects=objects)
    truth = scan.truth
    score = {} if truth is None else evaluate(objects[0][scan.scored_region()], truth)
    write_json(Path(job.output.score), score)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
