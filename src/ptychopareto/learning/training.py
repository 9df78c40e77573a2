"""The training of one network, from its seed or its checkpoint to its result."""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from ptychopareto.config import Supervision, Training
from ptychopareto.learning.checkpoint import Checkpoint
from ptychopareto.learning.scan_data import ScanData
from ptychopareto.learning.stopping import stop_on_signals
from ptychopareto.learning.supervision import make_loss
from ptychopareto.learning.trainer import Diverged, Trainer
from ptychopareto.models.network import Network
from ptychopareto.models.registry import NetworkConfig, build


@dataclass(frozen=True)
class Trained:
    """A finished training: the network with the weights of its best epoch, and what became of it.

    Attributes
    ----------
    network : Network
        The network, in evaluation mode.
    history : list of dict of float
        A row for each epoch: epoch, train_loss, val_loss, learning_rate, seconds.
    status : str
        Ok, diverged or out_of_memory.
    error : str
        The reason, if the status is not ok.
    best_epoch : int
        The epoch whose weights are kept, from 1; 0 if none has ended.
    seconds : float
        Time of the training [s].
    patterns_seen : int
        Number of patterns seen, again in each epoch.
    """

    network: Network
    history: list[dict[str, float]]
    status: str
    error: str
    best_epoch: int
    seconds: float
    patterns_seen: int


def train(
    config: NetworkConfig,
    supervision: Supervision,
    seed: int,
    settings: Training,
    scan: ScanData,
    checkpoint_path: Path,
    checkpoint_minutes: float = 5.0,
    code: str = "",
    physics_weight: float = 0.0,
    until: int | None = None,
) -> Trained:
    """Train one network, from its checkpoint if there is one that belongs to this very training.

    A checkpoint is written at the end of each epoch, and in long ones every `checkpoint_minutes`;
    SIGTERM and SIGINT write one more. It is not removed at the end: that is for the caller, once
    the result is stored. A kill in between then costs nothing.

    Parameters
    ----------
    config : NetworkConfig
        The network.
    supervision : Supervision
        What it learns from.
    seed : int
        Seed of weights and of the order of patterns.
    settings : Training
        The settings of the training.
    scan : ScanData
        The training scan, on the device where the network is trained.
    checkpoint_path : Path
        File of the checkpoint.
    checkpoint_minutes : float, optional
        Time between two checkpoints inside an epoch [min].
    code : str, optional
        Identifies the code that trains, as config and data identify the rest.
    physics_weight : float, optional
        Weight with which the loss of the patterns is added to an object loss.
    until : int, optional
        The training pauses after so many epochs, in the middle of its schedule, and a later call
        goes on from there. If the checkpoint is beyond them already, nothing is trained.

    Returns
    -------
    Trained
        The network and its history; a numerical failure (non-finite loss, exhausted GPU memory) is
        a status.

    Raises
    ------
    Stopped
        A signal has ended the training, and its checkpoint is written.
    """
    identity = {
        "network": asdict(config),
        "supervision": supervision,
        "physics_weight": physics_weight,
        "seed": seed,
        "training": settings.model_dump(mode="json"),
        "data": scan.fingerprint(),
        "code": code,
    }
    checkpoint = Checkpoint(checkpoint_path, identity, checkpoint_minutes)
    torch.manual_seed(seed)
    network = build(config).to(scan.probe.device)
    trainer = Trainer(
        network,
        seed,
        settings,
        scan,
        make_loss(supervision, settings, scan, physics_weight),
        checkpoint,
    )
    status, error = "ok", ""
    try:
        with stop_on_signals() as stop:
            trainer.run(stop, until)
    except Diverged as failure:
        status, error = "diverged", str(failure)
    except torch.OutOfMemoryError as failure:
        status, error = "out_of_memory", str(failure).splitlines()[0]
    network.load_state_dict(trainer.state.best)
    progress = trainer.progress
    return Trained(
        network=network.eval(),
        history=progress.history,
        status=status,
        error=error,
        best_epoch=progress.best_epoch,
        seconds=progress.seconds,
        patterns_seen=trainer.patterns_seen,
    )
