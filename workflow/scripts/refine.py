"""Continue what the network of one run reconstructs by rPIE, and score it along the way."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    import torch

    from device import choose_device
    from ptychopareto.assessment.classical import scores
    from ptychopareto.assessment.refinement import refined
    from ptychopareto.config import Refine
    from ptychopareto.files import read_dataset, write_json

    torch.set_num_threads(job.threads)
    settings = Refine.model_validate(job.params.refine)
    test = read_dataset(Path(job.input.test))
    device = choose_device(job)
    epochs = sorted(settings.epochs)
    steps = refined(Path(job.input.model), test, epochs, settings.alpha, device)
    write_json(Path(job.output.scores), {"steps": scores(steps, test.truth)})


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
