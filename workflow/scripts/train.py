"""Train the network of one run."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from dataclasses import replace

    from device import prepare
    from ptychopareto.config import AXES, ConfigError, Training, parse_study
    from ptychopareto.files import read_dataset, read_objects, write_csv
    from ptychopareto.learning.scales import input_scale, transmission
    from ptychopareto.learning.scan_data import scan_data
    from ptychopareto.learning.training import train
    from ptychopareto.models.registry import NetworkConfig, save_model
    from ptychopareto.physics.registration import input_magnification
    from ptychopareto.study.runs import expand

    study = parse_study(job.config)
    run = expand(study)[job.wildcards.run]
    settings = Training.model_validate(job.params.training)
    scan = read_dataset(Path(job.input.train))
    if run.supervision == "truth" and scan.objects is None:
        raise ConfigError(
            "sweep.supervision: 'truth' is not allowed for a training scan without YY_full; "
            "allowed are physics, teacher"
        )
    targets = {
        "physics": lambda: None,
        "teacher": lambda: read_objects(Path(job.input.target[0]), scan.object_shape),
        "truth": lambda: scan.objects,
    }
    gridsize = job.params.gridsize
    data = scan_data(scan, targets[run.supervision](), prepare(job), gridsize)
    network = NetworkConfig(
        **{name: getattr(run, name) for name, axis in AXES.items() if axis.owner == "network"},
        N=scan.N,
        channels=gridsize**2,
        magnification=input_magnification(scan.probe, job.params.register_input),
    )
    network = replace(
        network, input_scale=input_scale(network, data), transmission=transmission(data)
    )
    checkpoint = Path(job.output.model).with_name("checkpoint.pt")
    # Not a parameter of the job: how often it is saved is no reason to train again.
    minutes = study.checkpoint_minutes
    code = job.params.fingerprints["code"]
    trained = train(
        network,
        run.supervision,
        run.seed,
        settings,
        data,
        checkpoint,
        minutes,
        code,
        run.physics_weight,
    )

    import pandas as pd  # not before: a training starts 0.2 s sooner without it

    columns = ["epoch", "train_loss", "val_loss", "learning_rate", "seconds"]
    write_csv(Path(job.output.history), pd.DataFrame(trained.history, columns=columns))
    record = {
        **run.settings(settings),
        "settings": job.params.fingerprints["settings"],
        "status": trained.status,
        "error": trained.error,
        "train_time_s": trained.seconds,
        "patterns_trained": trained.patterns_seen,
    }
    save_model(Path(job.output.model), trained.network, network, record)
    # The checkpoint stays until Snakemake has recorded these files (see evaluate.py): if it is
    # killed before, it deletes them and repeats the job, which then has nothing left to train.


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
