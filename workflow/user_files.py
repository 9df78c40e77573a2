"""The files that a study names: which there must be, and what they must fit."""

from pathlib import Path

from ptychopareto.config import (
    ConfigError,
    ExistingDataset,
    MeasuredDataset,
    NpzObject,
    ProbeNpz,
    StudyConfig,
    check_pattern_size,
)
from ptychopareto.files import FileError, read_pattern_size


def check_existence(study: StudyConfig) -> None:
    """Check that each file that a study names is there.

    Parameters
    ----------
    study : StudyConfig

    Raises
    ------
    ConfigError
        A file is missing; the line names its key.
    """
    measured = isinstance(study.dataset, MeasuredDataset)
    wanted = "file" if measured else ".npz"
    for key, path in named_files(study).items():
        # A scan may be a folder with a file for each pattern.
        is_scan = measured and key.startswith(("dataset.scan", "dataset.test.scan"))
        if not (path.is_file() or (is_scan and path.is_dir())):
            raise ConfigError(
                f"{key}: there is no file {str(path)!r}; the path of an existing {wanted} is wanted"
            )


def check_fit(study: StudyConfig) -> None:
    """Check what the config alone does not tell: the format of a scan, the size of its patterns.

    Parameters
    ----------
    study : StudyConfig

    Raises
    ------
    ConfigError
        There is no reader for the format, or a network cannot take patterns of this size.
    """
    dataset = study.dataset
    if isinstance(dataset, MeasuredDataset) and dataset.format is not None:
        from ptychopareto.readers.registry import FORMATS  # slow to import

        if dataset.format not in FORMATS:
            allowed = ", ".join(FORMATS)
            raise ConfigError(
                f"dataset.format: {dataset.format!r} is not known; allowed are {allowed}"
            )
    if isinstance(dataset, ExistingDataset):
        try:
            sizes = [read_pattern_size(path) for path in (dataset.train_npz, dataset.test_npz)]
        except FileError:  # the job that brings the scan in says what is wrong with it
            return
        check_pattern_size(study, min(sizes))


def named_files(study: StudyConfig) -> dict[str, Path]:
    """Return the files that a study names.

    Parameters
    ----------
    study : StudyConfig

    Returns
    -------
    dict of Path
        The path of each file by its key in the config.
    """
    dataset = study.dataset
    files: dict[str, Path | None] = {}
    if isinstance(dataset, ExistingDataset):
        files = {"dataset.train_npz": dataset.train_npz, "dataset.test_npz": dataset.test_npz}
    elif isinstance(dataset, MeasuredDataset):
        files = {f"dataset.scan[{number}]": path for number, path in enumerate(dataset.scan)}
        files |= {"dataset.test.scan": dataset.test.scan, "dataset.mask": dataset.mask}
        files["dataset.reconstruction"] = dataset.reconstruction
    elif isinstance(dataset.object, NpzObject):
        files["dataset.object.path"] = dataset.object.path
        files["dataset.object.test_path"] = dataset.object.test_path
    if not isinstance(dataset, ExistingDataset) and isinstance(dataset.probe, ProbeNpz):
        files["dataset.probe.path"] = dataset.probe.path
    for number, change in enumerate(study.scenarios):
        if isinstance(change.object, NpzObject):
            files[f"scenarios[{number}].object.test_path"] = change.object.test_path
    return {key: path for key, path in files.items() if path is not None}
