"""How the networks of a study hold up when the test data change."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import create_model

from ptychopareto.config import AS_TRAINED
from ptychopareto.config.columns import QUALITIES, sign
from ptychopareto.files import FileError, read_csv
from ptychopareto.files.records import Record, read_record
from ptychopareto.study.configurations import half_width
from ptychopareto.study.runs import Run
from ptychopareto.study.table import Status

RPIE = "rpie"  # in the place of a run and of a configuration
COLUMNS = (
    *("scenario", "run", "configuration", "seed", "rpie_epochs", "status", *QUALITIES),
    *("at_best", "alpha"),
)
TYPES = {
    **dict.fromkeys(("scenario", "run", "configuration", "status"), "string"),
    **dict.fromkeys(("seed", "rpie_epochs"), "Int64"),
    **dict.fromkeys(QUALITIES, "float64"),
    **{"at_best": "boolean", "alpha": "float64"},
}
MISSING: dict[str, Any] = {"status": "missing"}

_Measures: dict[str, Any] = dict.fromkeys(QUALITIES, (float | None, None))
_Network = create_model("_Network", __base__=Record, status=(Status, ...), **_Measures)
_Longest = create_model("_Longest", __base__=Record, epochs=(int, ...), **_Measures)
_Chosen: dict[str, Any] = {"epochs": (int | None, None), "alpha": (float | None, None)}
_Refined = create_model("_Refined", __base__=Record, status=(Status, ...), **_Chosen, **_Measures)
_Stopped = create_model(
    "_Stopped", __base__=Record, epochs=(int, ...), alpha=(float, ...), **_Measures
)


class _Scores(Record):
    networks: dict[str, _Network]  # type: ignore[valid-type]
    classical: _Longest  # type: ignore[valid-type]


class _AtBest(Record):
    networks: dict[str, _Refined]  # type: ignore[valid-type]
    classical: _Stopped  # type: ignore[valid-type]


def scenario_table(
    runs: Iterable[Run],
    table: pd.DataFrame,
    classical: Iterable[Mapping[str, Any]],
    scores: Mapping[str, Path],
    at_best: Mapping[str, Path] | None = None,
) -> pd.DataFrame:
    """Tabulate all networks, and rPIE from a flat start, on the test scan and in each scenario.

    Parameters
    ----------
    runs : iterable of Run
        Those of the study, in grid order.
    table : DataFrame
        The runs, as `table.gather` returns them: their scores on the scan as it is.
    classical : iterable of dict
        The steps of rPIE on it, of which the longest counts.
    scores : dict of Path
        The ``scores.json`` of each scenario by its name; what is not there is left out.
    at_best : dict of Path, optional
        The ``at_best.json`` of each scenario, and of the scan as it is, by its name.

    Returns
    -------
    DataFrame
        One row per scenario and run, and one for rPIE (`run` and `configuration` are ``rpie``, and
        it has its number of epochs), with the columns `COLUMNS`. The scan as it is comes first,
        under the name ``as_trained``. Without measures: a run that is not ok. Behind the rows of a
        scenario, and with `at_best` true, follow those of rPIE stopped by free patterns, after the
        networks of the front and from a flat start: `rpie_epochs` and `alpha` are what they chose.

    Raises
    ------
    FileError
        A file is damaged, or a value is of another type.
    """
    runs = list(runs)
    nominal = {
        str(row["run"]): {str(name): value for name, value in row.items()}
        for row in table[["run", "status", *QUALITIES]].to_dict("records")
    }
    own = (step for step in classical if (step.get("engine") or RPIE) == RPIE)
    longest = max(own, key=lambda step: step["epochs"], default=None)
    at_best = at_best or {}
    rows = _rows(AS_TRAINED, runs, nominal, longest) + _rows_at_best(AS_TRAINED, runs, at_best)
    for name, path in scores.items():
        if path.exists():
            networks, reference = read_scores(path)
            rows += _rows(name, runs, networks, reference) + _rows_at_best(name, runs, at_best)
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)


def read_scenarios(path: Path) -> pd.DataFrame:
    """Read a ``scenarios.csv``, in which only an empty field is a missing value.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    DataFrame
        The table as `scenario_table` returns it. A scenario may be called ``nan`` or ``null``.

    Raises
    ------
    FileError
        The file is damaged, a column is missing, or a value is of another type.
    """
    table = read_csv(path, TYPES)
    if table[["scenario", "at_best"]].isna().any(axis=None):
        raise FileError(f"{path}: scenario or at_best is empty in a row; both are wanted")
    return table[list(COLUMNS)]


def _rows(
    scenario: str,
    runs: Iterable[Run],
    networks: Mapping[str, Mapping[str, Any]],
    classical: Mapping[str, Any] | None,
) -> list[dict[str, Any]]:
    rows = [
        {
            **networks.get(run.id, MISSING),
            "scenario": scenario,
            "run": run.id,
            "configuration": run.configuration,
            "seed": run.seed,
            "at_best": False,
        }
        for run in runs
    ]
    if classical is None:
        return rows
    name: dict[str, Any] = {"scenario": scenario, "run": RPIE, "configuration": RPIE}
    name["status"] = "ok"
    name |= {"rpie_epochs": classical["epochs"], "at_best": False}
    return [*rows, {**classical, **name}]


def _rows_at_best(
    scenario: str, runs: Iterable[Run], at_best: Mapping[str, Path]
) -> list[dict[str, Any]]:
    """Return the rows of rPIE stopped by free patterns; none where it was not asked for."""
    path = at_best.get(scenario)
    if path is None or not path.exists():
        return []
    content = read_record(path, _AtBest)
    networks = content["networks"]
    names = [
        (networks[run.id], {"run": run.id, "configuration": run.configuration, "seed": run.seed})
        for run in runs
        if run.id in networks
    ]
    names.append((content["classical"], {"run": RPIE, "configuration": RPIE, "status": "ok"}))
    return [
        {
            **scored,
            **name,
            "scenario": scenario,
            "at_best": True,
            "rpie_epochs": scored.get("epochs"),
        }
        for scored, name in names
    ]


def read_scores(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Read a ``scores.json``: the measures of the networks by their names, and those of rPIE.

    Raises
    ------
    FileError
        The file is damaged, a status is unknown, or a measure is no number.
    """
    content = read_record(path, _Scores)
    return content["networks"], content["classical"]


def by_scenario(scenarios: pd.DataFrame, quality: str, at_best: bool = False) -> pd.DataFrame:
    """Average a measure over the seeds of each configuration in each scenario.

    Parameters
    ----------
    scenarios : DataFrame
        As `scenario_table` returns it.
    quality : str
        The column.
    at_best : bool, optional
        Whether rPIE stopped by free patterns is wanted, from a flat start and after networks,
        instead of networks alone and rPIE after a fixed number of passes.

    Returns
    -------
    DataFrame
        Columns `scenario` and `configuration`, in the order of the table; the `mean` over the runs
        that are ok and have the measure, NaN where there is none; and `ci95`, half the width of its
        95 % interval (Student t), NaN for one run.
    """
    scenarios = scenarios[scenarios["at_best"].astype(bool) == at_best]
    ok = scenarios["status"] == "ok"
    values = scenarios[["scenario", "configuration"]].assign(
        value=scenarios[quality].astype("float64").where(ok)
    )
    groups = values.groupby(["scenario", "configuration"], sort=False)["value"]
    mean, std, n = (groups.agg([name]) for name in ("mean", "std", "count"))
    interval = half_width(std.set_axis(["ci95"], axis=1), n.set_axis(["ci95"], axis=1))
    return mean.join(interval).reset_index()


def robustness(scenarios: pd.DataFrame, configuration: str, quality: str) -> list[dict[str, Any]]:
    """Say how one configuration holds up: a record for each scenario, in order.

    Parameters
    ----------
    scenarios : DataFrame
        As `scenario_table` returns it.
    configuration : str
        Its name.
    quality : str
        The column.

    Returns
    -------
    list of dict
        `scenario`; `quality`, the mean over the seeds; `change`, that much more (or less, below 0)
        than on the scan as it is; `rpie`, what rPIE from a flat start reaches after a fixed number
        of passes; `rpie_at_best` and `refined_at_best`, what rPIE stopped by free patterns reaches
        from a flat start and after this network. None where a value is missing.
    """
    own, rpie = _values(scenarios, (configuration, RPIE), quality, at_best=False)
    refined, stopped = _values(scenarios, (configuration, RPIE), quality, at_best=True)
    nominal, nothing = own.get(AS_TRAINED, float("nan")), float("nan")
    names = [name for name in scenarios["scenario"].unique() if name != AS_TRAINED]
    rows = [
        {
            "scenario": name,
            "quality": own.get(name, nothing),
            "change": own.get(name, nothing) - nominal,
            "rpie": rpie.get(name, nothing),
            "rpie_at_best": stopped.get(name, nothing),
            "refined_at_best": refined.get(name, nothing),
        }
        for name in names
    ]
    return [{key: None if value != value else value for key, value in row.items()} for row in rows]


def _values(
    scenarios: pd.DataFrame, configurations: Iterable[str], quality: str, at_best: bool
) -> list[dict[str, float]]:
    """Return the mean in each scenario, for each of some configurations."""
    summary = by_scenario(scenarios, quality, at_best)
    means = summary.set_index(["configuration", "scenario"])["mean"]
    return [
        {str(name): float(value) for name, value in means[key].items()} if key in means else {}
        for key in configurations
    ]


def in_words(records: Iterable[Mapping[str, Any]], quality: str) -> str:
    """Say in a sentence in which scenario a configuration loses most.

    Parameters
    ----------
    records : iterable of dict
        The records, as `robustness` returns them.
    quality : str
        The column.

    Returns
    -------
    str
        The sentence; empty if no change is known.
    """
    known = [record for record in records if record["change"] is not None]
    if not known:
        return ""
    worst = min(known, key=lambda record: sign(quality) * float(record["change"]))
    if sign(quality) * worst["change"] >= 0:
        return "It loses nothing in any scenario."
    rpie = worst["rpie"] if worst.get("rpie_at_best") is None else worst["rpie_at_best"]
    beside = "" if rpie is None else f"; rPIE from a flat start reaches {rpie:.3g}"
    if worst.get("rpie_at_best") is not None:
        beside += ", stopped by free patterns"
    return (
        f"Its largest loss in {len(known)} scenario{'' if len(known) == 1 else 's'} is in "
        f"{worst['scenario']}: {quality} {worst['quality']:.3g}, {abs(worst['change']):.2g} "
        f"{'less' if worst['change'] < 0 else 'more'} than "
        f"on the scan as it is{beside}."
    )
