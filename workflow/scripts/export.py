"""Lay out the recommended network for use: weights, study, and the network as an ONNX file."""

import logging
from pathlib import Path
from typing import Any

from joblog import run_job

log = logging.getLogger("ptychopareto.export")  # below the library's logger: it reaches the screen


def main(job: Any) -> None:
    from hashlib import sha256

    from ptychopareto.export.onnx_file import ExportError, write_onnx
    from ptychopareto.files import read_json
    from ptychopareto.models.registry import load_model
    from ptychopareto.study.recommended import lay_out
    from ptychopareto.study.results import Results
    from ptychopareto.study.runs import Run

    results = Results(Path("results"), tuple(Run(**run) for run in job.params.runs))
    folder, chosen = Path(job.output.recommended), read_json(Path(job.input.recommendation))
    weights = lay_out(results, chosen["run"], job.params.study, folder)
    if weights is None:
        return
    network, config, training = load_model(weights)
    digest = sha256(weights.read_bytes()).hexdigest()
    try:
        write_onnx(folder / "model.onnx", network, config, training, digest)
    except ExportError as error:
        log.warning("no recommended/model.onnx: %s", error)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
