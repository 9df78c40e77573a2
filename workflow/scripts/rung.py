"""Record what the training of one run shows at a rung of the search: trained for it, or before."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.files import write_json

    result = _of_finished_training(job) or _train(job)
    # The checkpoint stays: whether this training goes on from it is decided when all are here.
    write_json(Path(job.output.reached), result)


def _of_finished_training(job: Any) -> dict[str, Any] | None:
    """Take the record from a training that has ended, of this search or of a full grid."""
    from ptychopareto.files import read_csv, read_made_from
    from ptychopareto.models.registry import load_model

    folder = Path(job.output.reached).parent
    model, history = folder / "model.safetensors", folder / "history.csv"
    if not history.exists() or read_made_from(model) != job.params.made_from:
        return None
    rows = read_csv(history, {"epoch": "int64", "val_loss": "float64", "seconds": "float64"})
    network, _, record = load_model(model)
    return _record(job, network, record, rows.to_dict("records"))


def _train(job: Any) -> dict[str, Any]:
    """Train up to the rung, from the checkpoint where there is one."""
    from one_training import train_run

    _, trained, record = train_run(job, job.params.rung)
    return _record(job, trained.network, record, trained.history)


def _record(job: Any, network: Any, record: dict[str, Any], history: list[Any]) -> dict[str, Any]:
    """Describe a training at the rung; `record` and `history` may be of a later epoch."""
    from ptychopareto.assessment.cost import count_parameters

    rung = job.params.rung
    rows = history[:rung]
    plain, real = count_parameters(network)
    # What failed after the rung had not failed there.
    well = {"status": "ok", "error": ""} if len(rows) == rung else {}
    return {
        **record,
        **well,
        "run": job.wildcards.run,
        "made_from": job.params.made_from,
        "train_time_s": sum(row["seconds"] for row in rows),
        "patterns_trained": record["patterns_trained"] * len(rows) // max(1, len(history)),
        "val_loss": [row["val_loss"] for row in rows],
        "model_params": plain,
        "model_params_real": real,
    }


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
