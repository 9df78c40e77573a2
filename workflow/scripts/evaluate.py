"""Reconstruct the test scan with the network of one run, and score it."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    import torch

    from device import choose_device
    from ptychopareto.assessment.evaluation import evaluate_run
    from ptychopareto.files import read_dataset, write_json, write_npz

    # Snakemake has recorded the training by now, so nobody will ask for its last state again.
    Path(job.input.model).with_name("checkpoint.pt").unlink(missing_ok=True)
    torch.set_num_threads(job.threads)
    test = read_dataset(Path(job.input.test))
    metrics, reconstruction = evaluate_run(
        Path(job.input.model),
        test,
        choose_device(job),
    )
    write_npz(Path(job.output.reconstruction), object=reconstruction)
    write_json(Path(job.output.metrics), metrics)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
