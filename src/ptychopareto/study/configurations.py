"""Summarise the runs of each configuration: what their seeds agree on, and how well."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from scipy.special import stdtrit

from ptychopareto.config import AXES
from ptychopareto.config.columns import sign
from ptychopareto.files import FileError, read_csv
from ptychopareto.study.collapse import collapsed
from ptychopareto.study.table import LATE_MEASURES, MEASURES, SEARCHED

# Settings that training or the architecture decide stand behind the first measures.
_FIRST = [name for name in AXES if not AXES[name].in_default]
_LAST = [name for name in AXES if AXES[name].in_default]
CONFIGURATION = [*_FIRST, *_LAST]
CONFIDENCE = 0.95
COUNTS = ("n_ok", "n_failed", "n_missing")
COLLAPSED = "n_collapsed"  # of those that are ok


def _summaries(measures: Iterable[str]) -> dict[str, str]:
    """Return the columns of these measures: mean, standard deviation, half of the interval."""
    return {name + end: "float64" for name in measures for end in ("", "_std", "_ci95")}


TYPES: dict[str, str] = {
    "configuration": "string",
    **{name: AXES[name].column for name in _FIRST},
    **dict.fromkeys(COUNTS, "int64"),
    **_summaries(name for name in MEASURES if name not in LATE_MEASURES),
    **{name: AXES[name].column for name in _LAST},
    **_summaries(LATE_MEASURES),
    COLLAPSED: "int64",
}
OF_SEARCH = {"n_stopped": "int64"}  # what only a study with a search has, at the end


def configurations(table: pd.DataFrame) -> pd.DataFrame:
    """Summarise the runs of each configuration, which differ in nothing but the seed.

    Parameters
    ----------
    table : DataFrame
        The runs, as `table.gather` returns them.

    Returns
    -------
    DataFrame
        One row per configuration, in the order of the table: its name `configuration`, its axes,
        the numbers of runs that are ok (`n_ok`), that failed (`n_failed`), that are not there
        (`n_missing`) and, in a search, that were stopped (`n_stopped`), those of the ones that are
        ok that collapsed (`n_collapsed`), and of each measure over
        the runs that are ok and have it: the mean under its own name, the sample standard
        deviation (`_std`, n − 1), and half the width of the 95 % interval of the mean (`_ci95`,
        Student t, normal errors assumed). One run has a mean only, none has nothing. A mean of
        whole numbers stays a whole number where it is one.
    """
    table = table.reset_index(drop=True)
    status, searched = table["status"], set(SEARCHED) <= set(table.columns)
    measures = list(MEASURES)
    numbers = table[measures].astype("float64").where(status == "ok")
    failed = ~status.isin(["ok", "missing", "stopped"])
    kinds = (status == "ok", failed, status == "missing")
    counts = pd.DataFrame(dict(zip(COUNTS, kinds, strict=True))).astype("int64")
    counts[COLLAPSED] = collapsed(table).astype("int64")
    if searched:
        counts["n_stopped"] = (status == "stopped").astype("int64")
    names = names_of(table)
    groups = counts.join(numbers).groupby(names, sort=False)
    axes = table[CONFIGURATION].groupby(names, sort=False).first()  # a missing run knows less
    summary = axes.join(groups[list(counts)].sum())
    mean, std, n = (groups[measures].agg(name) for name in ("mean", "std", "count"))
    interval = half_width(std, n)
    columns = {}
    for name in measures:
        columns[name] = _whole(mean[name]) if MEASURES[name] == "Int64" else mean[name]
        columns |= {f"{name}_std": std[name], f"{name}_ci95": interval[name]}
    return summary.join(pd.DataFrame(columns)).reset_index()[
        [*TYPES, *(OF_SEARCH if searched else ())]
    ]


def names_of(table: pd.DataFrame) -> "pd.Series[str]":
    """Return the configuration of each run: its name without the seed.

    A name is all that a configuration is, and unlike its axes it is never missing.
    """
    names = [name_of(*run) for run in zip(table["run"], table["seed"], strict=True)]
    return pd.Series(names, index=table.index, dtype="string", name="configuration")


def name_of(run: str, seed: int) -> str:
    """Return the configuration of a run.

    Parameters
    ----------
    run : str
        Id of the run.
    seed : int
        Its seed.

    Returns
    -------
    str
        The id without the seed.
    """
    return str(run).removesuffix(f"_s{seed}")


def median_run(table: pd.DataFrame, configuration: str, quality: str) -> str:
    """Choose the run of median quality to stand for a configuration.

    From two runs in the middle the worse one is taken, from equal ones that of the lowest seed.

    Parameters
    ----------
    table : DataFrame
        The runs, as `table.gather` returns them.
    configuration : str
        The name of the configuration.
    quality : str
        The column on the quality axis.

    Returns
    -------
    str
        Id of the run.
    """
    own = names_of(table) == configuration
    runs = table[own & (table["status"] == "ok") & table[quality].notna()]
    worst_first = [sign(quality) > 0, True]
    runs = runs.sort_values(
        [quality, "seed"], ascending=worst_first, kind="stable", ignore_index=True
    )
    median = runs[quality].iloc[(len(runs) - 1) // 2]
    return str(runs.loc[runs[quality] == median, "run"].iloc[0])


def half_width(std: pd.DataFrame, n: pd.DataFrame) -> pd.DataFrame:
    """Return half the width of the 95 % interval of the mean of n values.

    Parameters
    ----------
    std : DataFrame
        Sample standard deviations.
    n : DataFrame
        The numbers of values, in the same rows and columns.

    Returns
    -------
    DataFrame
        t·std / √n with Student's t for n − 1 degrees of freedom; missing for n < 2.
    """
    t = stdtrit((n - 1).where(n > 1).to_numpy(), (1 + CONFIDENCE) / 2)
    return std * pd.DataFrame(t, index=n.index, columns=n.columns) * n**-0.5


def _whole(means: "pd.Series[float]") -> "pd.Series[int] | pd.Series[float]":
    return means.astype("Int64") if (means.dropna() % 1 == 0).all() else means


def read_configurations(path: Path) -> pd.DataFrame:
    """Read a ``configurations.csv`` back as `configurations` returned it.

    Raises
    ------
    FileError
        The file is damaged, or a column is missing or of another type.
    """
    return _with_whole_means(read_csv(path, TYPES, OF_SEARCH))


def read_front(path: Path) -> pd.DataFrame:
    """Read a ``pareto_front.csv`` back as `pareto.pareto_front` returned it.

    Raises
    ------
    FileError
        The file is damaged, or a column is missing or of another type.
    """
    front = read_csv(path, {**TYPES, "p_front": "float64", "recommended": "boolean"}, OF_SEARCH)
    if front["recommended"].isna().any():
        raise FileError(f"{path}: recommended is empty in a row; True or False is wanted")
    return _with_whole_means(front.astype({"recommended": "bool"}))


def _with_whole_means(table: pd.DataFrame) -> pd.DataFrame:
    whole = [name for name, kind in MEASURES.items() if kind == "Int64"]
    return table.assign(**{name: _whole(table[name]) for name in whole})
