"""Time the networks of a search before they are trained: what they cost decides who goes on."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from joblog import run_job

ROUNDS = 2


def main(job: Any) -> None:
    from device import prepare
    from one_training import network_of
    from ptychopareto.assessment.evaluation import device_name
    from ptychopareto.assessment.timing import time_models
    from ptychopareto.config import parse_study
    from ptychopareto.files import read_dataset, write_json
    from ptychopareto.models.registry import build, save_model
    from ptychopareto.reconstruction.reconstruct import Predictions
    from ptychopareto.study.runs import expand

    runs = expand(parse_study(job.config))
    device = prepare(job)
    test = read_dataset(Path(job.input.test))
    used = test if test.free is None else test.part(~test.free)
    scan = Predictions(used, job.params.gridsize, device)
    with TemporaryDirectory(dir=Path(job.output.timing).parent) as folder:
        models = {name: Path(folder, run) for name, run in job.params.runs.items()}
        for name, run in job.params.runs.items():
            network = network_of(runs[run], test, job)
            save_model(models[name], build(network), network, {"status": "ok"})
        scanned = (scan.diffraction, scan.probe, scan.groups)
        timings = time_models(models, *scanned, ROUNDS, with_onnx=False)
    times = {name: timing.inference_time_s for name, timing in timings.items()}
    record = {"machine": {"device": device_name(device)}, "inference_time_s": times}
    write_json(Path(job.output.timing), record)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
