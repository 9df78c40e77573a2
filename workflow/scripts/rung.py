"""Train the network of one run up to a rung of the search."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from one_training import train_run
    from ptychopareto.assessment.cost import count_parameters
    from ptychopareto.files import write_json

    rung = job.params.rung
    _, trained, record = train_run(job, rung)
    rows = trained.history[:rung]  # the checkpoint may be of a later rung
    plain, real = count_parameters(trained.network)
    reached = {
        **record,
        "run": job.wildcards.run,
        "made_from": job.params.made_from,
        "train_time_s": sum(row["seconds"] for row in rows),
        "patterns_trained": trained.patterns_seen * len(rows) // max(1, len(trained.history)),
        "val_loss": [row["val_loss"] for row in rows],
        "model_params": plain,
        "model_params_real": real,
    }
    # The checkpoint stays: whether this training goes on from it is decided when all are here.
    write_json(Path(job.output.reached), reached)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
