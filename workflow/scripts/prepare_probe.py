"""Find the probe of a measured scan, and the object of its training part, from that part alone."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from device import prepare
    from ptychopareto.config import Joint
    from ptychopareto.files import read_dataset, write_dataset, write_json, write_npz
    from ptychopareto.pictures.probe import draw
    from ptychopareto.reconstruction.found_probe import (
        carried_over,
        find_probe,
        positions_of,
        with_positions,
        with_probe,
    )

    train, test = (read_dataset(Path(file)) for file in (job.input.train, job.input.test))
    joint = Joint.model_validate(job.params.joint)
    found = find_probe(train, joint, prepare(job))
    train_found = with_positions(with_probe(train, found), found.positions)
    write_dataset(Path(job.output.train), train_found)
    test_found = with_probe(test, found)
    if joint.refine_positions and job.params.one_scan:
        corrected = carried_over(positions_of(test), positions_of(train), found.positions)
        test_found = with_positions(test_found, corrected)
    write_dataset(Path(job.output.test), test_found)
    write_npz(Path(job.output.objects), objects=found.objects)
    write_json(Path(job.output.score), found.history[-1])
    write_json(Path(job.output.record), found.record())
    draw(train, found, Path(job.output.picture))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
