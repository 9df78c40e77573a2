"""Reconstruct the test scan by rPIE from a flat start, and score it along the way."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    import numpy as np

    from device import prepare
    from ptychopareto.assessment.classical import classical, scores
    from ptychopareto.config import Classical
    from ptychopareto.files import read_dataset, write_json, write_npz

    settings = Classical.model_validate(job.params.classical)
    test = read_dataset(Path(job.input.test))
    device = prepare(job)
    steps = classical(test, sorted(settings.epochs), settings.alpha, device)
    objects = np.stack([step.image for step in steps])
    write_npz(
        Path(job.output.objects), objects=objects, epochs=np.array([step.epochs for step in steps])
    )
    write_json(Path(job.output.scores), {"steps": scores(steps, test)})


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
