"""Train the network of one run, to its end or up to a rung of a search."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ptychopareto.files import Dataset
    from ptychopareto.learning.training import Trained
    from ptychopareto.models.registry import NetworkConfig
    from ptychopareto.study.runs import Run


class Training(NamedTuple):
    """A training that has ended, and the record that is kept of it.

    Attributes
    ----------
    network : NetworkConfig
        The settings of the network.
    trained : Trained
        The network, its history and its status.
    record : dict
        What the header of its file says of the training; values that JSON knows.
    """

    network: "NetworkConfig"
    trained: "Trained"
    record: dict[str, Any]


def network_of(run: "Run", scan: "Dataset", job: Any) -> "NetworkConfig":
    """Configure the network of a run for a scan, before its input is scaled to the patterns.

    Parameters
    ----------
    run : Run
    scan : Dataset
        The training scan.
    job : object
        The object `snakemake`; its parameters have `gridsize` and `register_input`.

    Returns
    -------
    NetworkConfig
    """
    from ptychopareto.config import AXES
    from ptychopareto.models.registry import NetworkConfig
    from ptychopareto.physics.registration import input_magnification

    return NetworkConfig(
        **{name: getattr(run, name) for name, axis in AXES.items() if axis.owner == "network"},
        N=scan.N,
        channels=job.params.gridsize**2,
        magnification=input_magnification(scan.probe, job.params.register_input),
    )


def train_run(job: Any, until: int | None = None) -> Training:
    """Train the network of the run `job.wildcards.run`, from its checkpoint where there is one.

    The checkpoint lies in the folder of the job's first output.

    Parameters
    ----------
    job : object
        The object `snakemake`.
    until : int, optional
        The epoch to stop at; None for all epochs.

    Returns
    -------
    Training

    Raises
    ------
    ConfigError
        The training scan has no true objects, and the run learns from them; or it has fewer
        patterns than the run wants.
    FileError
        A file is damaged.
    """
    from dataclasses import replace

    from device import prepare
    from ptychopareto.config import ConfigError, parse_study
    from ptychopareto.config import Training as Settings
    from ptychopareto.files import read_dataset, read_objects
    from ptychopareto.learning.scales import input_scale, trained_on, transmission
    from ptychopareto.learning.scan_data import scan_data
    from ptychopareto.learning.smaller_scan import smaller_scan
    from ptychopareto.learning.training import train
    from ptychopareto.study.runs import expand

    study = parse_study(job.config)
    run = expand(study)[job.wildcards.run]
    settings = Settings.model_validate(job.params.training)
    # A training that was made and is done again all the same may have been planned without them.
    files = {"train": "results/dataset/train.npz", "target": "results/dataset/teacher.npz"}
    scan_file, target_file = (Path(job.input.get(name, path)) for name, path in files.items())
    scan = smaller_scan(read_dataset(scan_file), run.train_patterns)
    if run.supervision == "truth" and scan.objects is None:
        raise ConfigError(
            "sweep.supervision: 'truth' is not allowed for a training scan without YY_full; "
            "allowed are physics, teacher"
        )
    targets = {
        "physics": lambda: None,
        "teacher": lambda: read_objects(target_file, scan.object_shape),
        "truth": lambda: scan.objects,
    }
    data = scan_data(scan, targets[run.supervision](), prepare(job), job.params.gridsize)
    network = network_of(run, scan, job)
    network = replace(
        network, input_scale=input_scale(network, data), transmission=transmission(data)
    )
    trained = train(
        network,
        run.supervision,
        run.seed,
        settings,
        data,
        Path(job.output[0]).with_name("checkpoint.pt"),
        # Not a parameter of the job: how often it is saved is no reason to train again.
        study.checkpoint_minutes,
        job.params.made_from["code"],
        run.physics_weight,
        until,
    )
    record = {
        **run.settings(settings),
        "settings": job.params.made_from["settings"],
        "status": trained.status,
        "error": trained.error,
        "train_time_s": trained.seconds,
        "patterns_trained": trained.patterns_seen,
        **trained_on(scan, network.transmission).record(),
    }
    return Training(network, trained, record)
