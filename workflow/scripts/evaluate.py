"""Reconstruct the test scan with the network of one run, score it, refine it and draw it."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from device import prepare
    from ptychopareto.assessment.classical import scores
    from ptychopareto.assessment.evaluation import evaluate_run
    from ptychopareto.assessment.refinement import refined
    from ptychopareto.config import Refine
    from ptychopareto.files import read_dataset, read_reconstruction, write_json, write_npz

    # Snakemake has recorded the training by now, so nobody will ask for its last state again.
    Path(job.input.model).with_name("checkpoint.pt").unlink(missing_ok=True)
    test = read_dataset(Path(job.input.test))
    reference = next((read_reconstruction(Path(file)) for file in job.input.reference), None)
    metrics, reconstruction, wholes = evaluate_run(
        Path(job.input.model), test, prepare(job), reference
    )
    write_npz(Path(job.output.reconstruction), object=reconstruction)
    write_json(Path(job.output.metrics), metrics)

    refine = Refine.model_validate(job.params.refine)
    steps = refined(wholes, test, sorted(refine.epochs), refine.alpha)
    write_json(Path(job.output.refinement), {"steps": scores(steps, test, reference)})

    # Not before: what it imports would count as memory of the evaluation.
    from ptychopareto.pictures.reconstruction import draw

    truth, name = (test.truth, "truth") if reference is None else (reference, "classical")
    picture, region = Path(job.output.picture), test.covered()
    draw(reconstruction, truth, metrics, job.wildcards.run, picture, region, name)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
