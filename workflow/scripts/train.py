"""Train the network of one run."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from one_training import train_run
    from ptychopareto.files import write_csv
    from ptychopareto.models.registry import save_model

    network, trained, record = train_run(job)

    import pandas as pd  # not before: a training starts 0.2 s sooner without it

    columns = ["epoch", "train_loss", "val_loss", "learning_rate", "seconds"]
    write_csv(Path(job.output.history), pd.DataFrame(trained.history, columns=columns))
    save_model(Path(job.output.model), trained.network, network, record, job.params.made_from)
    # The checkpoint stays until Snakemake has recorded these files (see evaluate.py): if it is
    # killed before, it deletes them and repeats the job, which then has nothing left to train.


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
