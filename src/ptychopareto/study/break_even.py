"""After how many scans a training has paid, against rPIE from a flat start.

A network costs its training once, and each scan then costs less time than rPIE takes to the same
quality.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ptychopareto.config.columns import BREAK_EVEN
from ptychopareto.files import Dataset, FileError, read_csv
from ptychopareto.study.configurations import names_of
from ptychopareto.study.per_scan import networks_alone, networks_refined
from ptychopareto.study.time_to_reach import time_to_reach

SCANS = "break_even_scans"
TYPES: dict[str, str] = {
    **{"configuration": "string", "refine_epochs": "int64", "quality": "float64"},
    **{name: column.kind for name, column in BREAK_EVEN.items()},
}


def break_even(
    table: pd.DataFrame,
    refinement: pd.DataFrame,
    classical: pd.DataFrame,
    quality: str,
    teacher_s: float,
) -> pd.DataFrame:
    """Count the scans after which a training has paid, for each configuration and its passes.

    Parameters
    ----------
    table : DataFrame
        The runs, as `table.gather` returns them.
    refinement : DataFrame
        RPIE after each network, as `against_time.refinement_table` returns it.
    classical : DataFrame
        The classical engines, as `against_time.classical_table` returns them; of these, rPIE.
    quality : str
        The measure in which both are to be equal.
    teacher_s : float
        What the teacher of those that learn from one takes [s].

    Returns
    -------
    DataFrame
        One row per configuration and number of passes of rPIE after it, with the columns `TYPES`:
        the mean `quality`; the seconds of a scan, `scan_s`, of rPIE from a flat start to the same
        quality, `rpie_s`, and what a scan so saves, `saved_s`; what comes before the first scan,
        `train_time_s` and `teacher_s`; and their quotient `break_even_scans`: inf where rPIE is as
        fast or faster, NaN where rPIE does not reach the quality.
    """
    alone = networks_alone(table, refinement, quality)
    refined = networks_refined(table, refinement, quality)
    rows = pd.concat([alone, refined], ignore_index=True)
    order = {name: number for number, name in enumerate(alone["configuration"])}
    rows = rows[rows["configuration"].isin(order)]
    rows = rows.sort_values(
        ["configuration", "refine_epochs"],
        key=lambda column: column.map(order) if column.name == "configuration" else column,
        ignore_index=True,
    )
    training = alone.set_index("configuration")["train_time_s"]
    curve = _rpie_curve(classical, quality)
    found = rows[["configuration", "refine_epochs", "quality"]].assign(
        scan_s=rows["seconds"],
        rpie_s=[time_to_reach(curve, level, quality) for level in rows["quality"]],
        train_time_s=rows["configuration"].map(training),
        teacher_s=np.where(rows["configuration"].isin(_taught(table)), teacher_s, 0.0),
    )
    found["saved_s"] = found["rpie_s"] - found["scan_s"]
    saved = found["saved_s"]
    scans = (found["train_time_s"] + found["teacher_s"]) / saved.where(saved > 0)
    found[SCANS] = scans.where(~(saved <= 0), np.inf)
    return found[list(TYPES)].astype(TYPES)


def read_break_even(path: Path) -> pd.DataFrame:
    """Read a ``break_even.csv`` back as `break_even` returned it.

    Raises
    ------
    FileError
        The file is damaged, or a number of scans is neither a number nor inf.
    """
    table = read_csv(path, {**TYPES, SCANS: "string"})
    try:
        scans = pd.to_numeric(table[SCANS]).astype("float64")
    except ValueError:
        raise FileError(f"{path}: {SCANS} is wrong; numbers and inf are wanted") from None
    return table.assign(**{SCANS: scans})


def teacher_seconds(
    epochs: int, train: Dataset | None, test: Dataset | None, timing: Mapping[str, Any]
) -> float:
    """Reckon the time of a teacher that is rPIE on the training scan.

    Parameters
    ----------
    epochs : int
        Its passes over the scan.
    train, test : Dataset, optional
        The two scans; None before they are there.
    timing : dict
        The content of a ``timing.json``.

    Returns
    -------
    float
        Seconds on the machine that the latencies are from; NaN before they are taken. 0 for a
        measured scan: its teacher comes from the search for the probe, without which rPIE cannot
        begin either.
    """
    if train is None or test is None:
        return float("nan")
    if test.measured:
        return 0.0
    engine = timing["engine"]  # of the patterns of the object that is scored
    patterns = len(train.corners) / np.count_nonzero(test.object_index == 0)
    return float((engine["setup_s"] + epochs * engine["epoch_s"]) * patterns)


def in_words(row: Mapping[Any, Any]) -> str:
    """Say after how many scans a training has paid.

    Parameters
    ----------
    row : dict
        A row of `break_even`.

    Returns
    -------
    str
        A number of scans, ``never``, or why there is none.
    """
    scans = row[SCANS]
    if scans == float("inf"):
        return "never"
    if pd.isna(row["scan_s"]):
        return "not timed"
    if pd.isna(scans):
        return "rPIE is never as good"
    whole = int(np.ceil(scans - 1e-9))
    return f"{whole:,} scan{'' if whole == 1 else 's'}"


def _taught(table: pd.DataFrame) -> set[str]:
    """Return the configurations that learn from a teacher."""
    return set(names_of(table)[table["supervision"] == "teacher"])


def _rpie_curve(classical: pd.DataFrame, quality: str) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return seconds and quality (n, 2) of rPIE from a flat start, the shortest time first."""
    rows = classical[classical["engine"] == "rpie"].sort_values("seconds")
    points = rows[["seconds", quality]].to_numpy(dtype=np.float64)
    return points[np.isfinite(points).all(axis=1) & (points[:, 0] > 0)]
