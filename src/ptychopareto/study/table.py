"""The table of a study: one row per configured run, whatever became of it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from ptychopareto.files import FileError, read_json
from ptychopareto.study.runs import Run

IDENTITY: dict[str, str] = {
    "run": "string",
    "architecture": "string",
    "input_transform": "string",
    "modes": "int64",
    "width": "int64",
    "supervision": "string",
    "seed": "int64",
}
MEASURES: dict[str, str] = {
    "ssim_phase": "float64",
    "ssim_phase_floor": "float64",
    "psnr_phase": "float64",
    "mae_phase": "float64",
    "ssim_amp": "float64",
    "ssim_amp_floor": "float64",
    "psnr_amp": "float64",
    "mae_amp": "float64",
    "frc50_phase": "float64",
    "frc50_amp": "float64",
    "model_params": "Int64",  # the nullable integer: a run that is missing has none
    "model_params_real": "Int64",
    "inference_time_s": "float64",
    "patterns_per_s": "float64",
    "inference_iqr_s": "float64",
    "single_pattern_s": "float64",
    "peak_memory_mb": "float64",
    "train_time_s": "float64",
    "patterns_trained": "Int64",
}
TYPES: dict[str, str] = {
    **IDENTITY,
    "epochs": "Int64",
    "status": "string",
    "error": "string",
    **MEASURES,
    "device": "string",
}
COLUMNS = tuple(TYPES)
STATUSES = ("ok", "diverged", "out_of_memory", "missing")


def gather(
    runs: Iterable[Run], metrics: Mapping[str, Path], settings: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Collect the results of the runs into one table.

    Args:
        runs: the configured runs, in grid order.
        metrics: the ``metrics.json`` of each run by its id. A run that is not named, or whose file
            is not there, has the status ``missing``.
        settings: the fingerprint of the settings of each run by its id. Results of other settings,
            from before a change of the config, count as missing too. None: take what is there.

    Returns:
        One row per run, in the order given, with the columns `COLUMNS`. What a run does not know
        is missing (NaN, NA); keys that are no columns are ignored.

    Raises:
        FileError: a file is not readable, or its status is none of `STATUSES`.
    """
    rows = []
    for run in runs:
        results = _results(metrics.get(run.id))
        if settings is not None and results.get("settings") != settings[run.id]:
            results = {"status": "missing"}
        rows.append({**results, **asdict(run), "run": run.id})
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)


def read_table(path: Path) -> pd.DataFrame:
    """Read a ``study_results.csv`` back as `gather` returned it.

    Raises:
        FileError: a column is missing, or its values are of another type.
    """
    try:
        table = pd.read_csv(path, dtype=TYPES, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise FileError(f"{path}: cannot be read ({reason}); a table of runs is wanted") from error
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise FileError(f"{path}: has no column {missing[0]}; {', '.join(COLUMNS)} are wanted")
    return table[list(COLUMNS)]


def _results(path: Path | None) -> dict[str, object]:
    if path is None or not path.exists():
        return {"status": "missing"}
    results = read_json(path)
    if results.get("status") not in STATUSES:
        raise FileError(
            f"{path}: status is {results.get('status')!r}; one of {', '.join(STATUSES)} is wanted"
        )
    return results
