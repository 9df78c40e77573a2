"""Reconstruct the test scan by rPIE from a flat start, and score it along the way."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    import numpy as np

    from device import prepare
    from ptychopareto.assessment.classical import classical, scores
    from ptychopareto.assessment.early_stopping import best_epochs
    from ptychopareto.config import Classical
    from ptychopareto.files import read_dataset, read_reconstruction, write_json, write_npz
    from ptychopareto.study.results import read_steps

    settings = Classical.model_validate(job.params.classical)
    test = read_dataset(Path(job.input.test))
    reference = next((read_reconstruction(Path(file)) for file in job.input.reference), None)
    device, epochs = prepare(job), sorted(settings.epochs)
    steps = classical(test, epochs, settings.alpha, device)
    objects = np.stack([step.image for step in steps])
    write_npz(
        Path(job.output.objects),
        objects=objects,
        epochs=np.array([step.epochs for step in steps]),
    )
    record: dict[str, Any] = {"steps": scores(steps, test, reference)}
    # For a measured scan: the epochs to stop after, and the engine that finds the probe too.
    for file in job.input.train:
        train = read_dataset(Path(file))
        record["best_epochs"], held_out = best_epochs(train, epochs, settings.alpha, device)
        record["r_held_out"] = {str(epoch): value for epoch, value in held_out.items()}
    for file in job.input.steps:
        record["steps"] += read_steps(Path(file))
    write_json(Path(job.output.scores), record)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
