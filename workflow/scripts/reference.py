"""Reconstruct a whole measured scan classically, but for its free patterns."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from device import prepare
    from ptychopareto.assessment.reference import reconstruct_reference
    from ptychopareto.config import Joint
    from ptychopareto.files import read_dataset, write_json, write_npz

    train, test = (read_dataset(Path(file)) for file in (job.input.train, job.input.test))
    joint = Joint.model_validate(job.params.joint)
    image, steps = reconstruct_reference(
        train if job.params.one_scan else None, test, joint, job.params.epochs, prepare(job)
    )
    write_npz(Path(job.output.object), object=image)
    write_json(Path(job.output.steps), {"steps": steps})


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
