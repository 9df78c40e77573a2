"""Check the scans of existing files and write them as this package does."""

from pathlib import Path
from typing import Any

from joblog import run_job


def main(job: Any) -> None:
    from ptychopareto.config import ExistingDataset, parse_study
    from ptychopareto.config.sections import SMALLEST_SCORED
    from ptychopareto.files import FileError, write_dataset
    from ptychopareto.preparation.sound_patterns import read_sound_dataset

    dataset = parse_study(job.config).dataset
    assert isinstance(dataset, ExistingDataset)  # else there is another rule
    paths = (dataset.train_npz, dataset.test_npz)
    train, test = (read_sound_dataset(path, patches=True) for path in paths)
    if train.N != test.N:
        wanted = f"the {train.N} px of the training scan are wanted"
        raise FileError(f"{dataset.test_npz}: has patterns of {test.N} px; {wanted}")
    # Both are scored: networks on the test scan, the teacher on the training scan.
    for path, scan in zip(paths, (train, test), strict=True):
        rows, columns = scan.scored_region()
        if min(rows.stop - rows.start, columns.stop - columns.start) < SMALLEST_SCORED:
            wanted = f"at least {SMALLEST_SCORED} px on each axis are wanted"
            raise FileError(f"{path}: its positions span too little to be scored; {wanted}")
    write_dataset(Path(job.output.train), train)
    write_dataset(Path(job.output.test), test)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
