"""The tables that README and docs quote: those of a few studies, stored in `docs/tables/`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import yaml

from ptychopareto.config import parse_study
from ptychopareto.files import FileError
from ptychopareto.study.runs import expand

ROOT = Path(__file__).resolve().parents[1]
TABLES = ROOT / "docs" / "tables"


@dataclass(frozen=True)
class Quoted:
    """A study that pages quote: its name there, its tables, and which picture becomes which."""

    name: str
    tables: tuple[str, ...]
    pictures: Mapping[str, str]  # in docs, and the file of the results


STUDIES = {
    "config.yaml": Quoted(
        "light",
        (
            *("study_results.csv", "configurations.csv", "classical.csv", "refinement.csv"),
            *("scenarios.csv", "break_even.csv"),
        ),
        {
            "pareto_plot.png": "pareto_plot.png",
            "quality_vs_time.png": "quality_vs_time.png",
            "robustness.png": "robustness.png",
            "break_even_plot.png": "break_even_plot.png",
            "reconstruction.png": "runs/{recommended}/reconstruction.png",
        },
    ),
    "studies/siemens_star.yaml": Quoted(
        "siemens_star",
        ("configurations.csv", "classical.csv", "refinement.csv"),
        {
            "measured_pareto_plot.png": "pareto_plot.png",
            "measured_quality_vs_time.png": "quality_vs_time.png",
            "measured_gallery.png": "gallery.png",
            "measured_scan.png": "scan.png",
            "measured_probe.png": "probe.png",
        },
    ),
}


def check_study(config: Path, results: Path) -> None:
    """Refuse results of another study: their runs are not those of the config."""
    study = parse_study(yaml.safe_load(config.read_text(encoding="utf-8")))
    file = results / "study_results.csv"
    if not file.is_file():
        raise FileError(f"{file}: there is no such file; the results of {config.name} are wanted")
    found, wanted = set(pd.read_csv(file)["run"]), set(expand(study))
    if found != wanted:
        other = sorted(found ^ wanted)[0]
        raise FileError(f"{file}: not of {config.name}: they differ in the run {other}")


def is_stored(study: str) -> bool:
    """Whether the tables of a study lie here."""
    return (TABLES / study).is_dir()


@cache
def stored(study: str, table: str) -> pd.DataFrame:
    """A table of a study, with all that text may be compared with as text."""
    path = TABLES / study / f"{table}.csv"
    if not path.is_file():
        raise FileError(f"{path}: there is no such table; `python -m documentation` stores them")
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def cell(study: str, table: str, column: str, where: Mapping[str, str]) -> float:
    """The number in a column of the one row in which other columns have these values.

    Of several rows that have the same number, any one will do.
    """
    rows = stored(study, table)
    for name in (column, *where):
        if name not in rows:
            raise LookupError(f"{study}/{table} has no column {name!r}")
    for name, value in where.items():
        own = rows[name]
        rows = rows[own.astype(str) == value if own.dtype.kind in "OUTSb" else own == float(value)]
    found = rows[column].dropna().unique()
    if len(found) != 1:
        said = " ".join(f"{name}={value}" for name, value in where.items())
        raise LookupError(f"{study}/{table}: {len(found)} values of {column} where {said}")
    return float(found[0])
