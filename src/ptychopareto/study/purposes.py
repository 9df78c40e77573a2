"""Which network for which purpose: the one place that decides it.

A network alone, one to be refined by rPIE, the fastest and the smallest that are still good. The
recommendation, the pictures and the page take their answers from here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ptychopareto.config.columns import FLOORS, sign
from ptychopareto.files import FileError, read_csv
from ptychopareto.study.configurations import median_run, names_of
from ptychopareto.study.gain import floor_of, kept_of_the_best
from ptychopareto.study.pareto import front as on_front
from ptychopareto.study.pareto import knee
from ptychopareto.study.per_scan import networks_alone, networks_refined

ALONE, REFINED, FASTEST, SMALLEST = PURPOSES = ("alone", "refined", "fastest", "smallest")
SHARE = 0.9  # of the best network's gain over a constant that the fastest and the smallest keep

RULES = {
    ALONE: "The network without rPIE at the knee of the front of {quality} and {cost}, or the best "
    "one where the front has no knee.",
    REFINED: "The network and the passes of rPIE after it at the knee of the front of {quality} "
    "and time, or the best where it has no knee, among those that rPIE surely improves and that "
    "are better than the network of the purpose alone.",
    FASTEST: "The network of the shortest time for a scan among those that keep {share} of the "
    "best one's gain over {what}, no run collapsed.",
    SMALLEST: "The network of the fewest parameters among those that keep {share} of the best "
    "one's gain over {what}, no run collapsed.",
}
TYPES = {
    **dict.fromkeys(("purpose", "configuration", "run"), "string"),
    "refine_epochs": "Int64",
    **dict.fromkeys(("quality", "quality_ci95", "seconds", "model_params"), "float64"),
    **dict.fromkeys(("rule", "why_not"), "string"),
}


def purposes(
    table: pd.DataFrame, front: pd.DataFrame, refinement: pd.DataFrame, cost: str, quality: str
) -> pd.DataFrame:
    """Choose one configuration for each purpose.

    Parameters
    ----------
    table : DataFrame
        The runs, as `table.gather` returns them.
    front : DataFrame
        The configurations on the front of cost and quality, as `pareto.pareto_front` returns them.
    refinement : DataFrame
        RPIE after each network, as `against_time.refinement_table` returns it.
    cost, quality : str
        The columns of the front.

    Returns
    -------
    DataFrame
        One row per purpose, with the columns `TYPES`: the configuration, its run of median quality,
        the passes of rPIE after it, the mean of the quality over the seeds and half the width of
        its 95 % interval, the seconds for a scan (network, stitching and rPIE), the parameters, and
        the rule. Where no configuration meets the rule, `why_not` says so.
    """
    alone = networks_alone(table, refinement, quality)
    good, what = _good(alone, table, quality)
    chosen = {
        ALONE: alone[alone["configuration"].isin(front["configuration"][front["recommended"]])],
        FASTEST: _least(good, "seconds", quality),
        SMALLEST: _least(good, "model_params", quality),
    }
    chosen[REFINED] = _refined(table, refinement, chosen[ALONE], alone, quality)
    words = {"quality": quality, "cost": cost, "share": f"{100 * SHARE:.0f} %", "what": what}
    rows = []
    for name in PURPOSES:
        row: dict[str, Any] = {"purpose": name, "rule": RULES[name].format(**words)}
        if len(chosen[name]):
            own = chosen[name].iloc[0]
            row |= {key: own[key] for key in own.index if key in TYPES}
            row["run"] = median_run(table, str(own["configuration"]), quality)
        else:
            row["why_not"] = _why_not(name, alone, refinement)
        rows.append(row)
    return pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES)


def read_purposes(path: Path) -> pd.DataFrame:
    """Read a ``purposes.csv`` back as `purposes` returned it.

    Raises
    ------
    FileError
        The file is damaged, or it does not hold one row for each purpose.
    """
    table = read_csv(path, TYPES)
    if table["purpose"].tolist() != list(PURPOSES):
        raise FileError(f"{path}: one row for each of {', '.join(PURPOSES)} is wanted, in order")
    return table


def named(answers: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the purposes of each configuration that has any, such as ``alone, smallest``.

    Parameters
    ----------
    answers : dict of dict
        The answer for each purpose, as `as_records` returns them.
    """
    found: dict[str, list[str]] = {}
    for purpose, answer in answers.items():
        if answer["configuration"] is not None:
            found.setdefault(answer["configuration"], []).append(purpose)
    return {name: ", ".join(words) for name, words in found.items()}


def as_records(purposes: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the purposes as JSON knows them: a mapping for each, by its name; None for no value.

    Parameters
    ----------
    purposes : DataFrame
        As `purposes` returns them.
    """
    answers = {}
    for row in purposes.to_dict("records"):
        known: dict[str, Any] = {
            str(key): None if pd.isna(value) else value for key, value in row.items()
        }
        for name in ("refine_epochs", "model_params"):
            known[name] = None if known[name] is None else int(known[name])
        answers[str(known.pop("purpose"))] = known
    return answers


def in_words(purposes: pd.DataFrame, quality: str) -> list[str]:
    """Say in a line for each purpose which network it has, with its numbers.

    Parameters
    ----------
    purposes : DataFrame
        As `purposes` returns them.
    quality : str
        The column on the quality axis.

    Returns
    -------
    list of str
    """
    return [_line(row, quality) for row in purposes.to_dict("records")]


def _line(row: dict[Any, Any], quality: str) -> str:
    if pd.isna(row["configuration"]):
        return f"{row['purpose']}: no network. {row['why_not']}"
    epochs = int(row["refine_epochs"])
    after = f" + {epochs} pass{'' if epochs == 1 else 'es'} of rPIE" if epochs else ""
    interval = "" if pd.isna(row["quality_ci95"]) else f" ± {row['quality_ci95']:.2g}"
    seconds = "" if pd.isna(row["seconds"]) else f", {row['seconds']:.3g} s for a scan"
    return (
        f"{row['purpose']}: {row['configuration']}{after}, {quality} {row['quality']:.4g}{interval}"
        f"{seconds}, {row['model_params']:,.0f} parameters"
    )


def _good(alone: pd.DataFrame, table: pd.DataFrame, quality: str) -> tuple[pd.DataFrame, str]:
    """Select the networks that keep most of the best one's gain; say what a gain is over."""
    ok = table[(table["status"] == "ok") & table[quality].notna()]
    floor = floor_of(ok, quality) if quality in FLOORS else None
    constant = float("nan") if floor is None else floor.constant
    kept = kept_of_the_best(alone["quality"], quality, constant)
    what = f"a {floor.what}" if floor is not None else "nothing"
    best = alone[kept == 1]
    own = ok[names_of(ok).isin(best["configuration"])]
    learned = floor_of(own, quality)
    if learned is not None and learned.nothing_learned:
        return alone.iloc[:0], what
    return alone[(kept >= SHARE - 1e-9) & alone["sound"]], what


def _least(good: pd.DataFrame, column: str, quality: str) -> pd.DataFrame:
    """Return the row of the least value; of equals the best."""
    rows = good.assign(badness=-sign(quality) * good["quality"])
    known = rows[rows[column].notna()]
    return known.sort_values([column, "badness"], kind="stable").iloc[:1]


def _refined(
    table: pd.DataFrame,
    refinement: pd.DataFrame,
    chosen: pd.DataFrame,
    alone: pd.DataFrame,
    quality: str,
) -> pd.DataFrame:
    """Return the row of the network, and the passes of rPIE after it, to be refined."""
    if chosen.empty:
        return chosen
    better, level = sign(quality), float(chosen["quality"].iloc[0])
    after = networks_refined(table, refinement, quality)
    helps = (better * after["change"] > 0) & ~(after["change"].abs() <= after["change_ci95"])
    helps &= after["configuration"].isin(alone["configuration"][alone["sound"]])
    after = after[helps & (better * (after["quality"] - level) > 0) & (after["seconds"] > 0)]
    after = after.sort_values("seconds", kind="stable")
    after = after.loc[on_front(after["seconds"], better * after["quality"])]
    if after.empty:
        return after
    index = knee(after["seconds"], better * after["quality"])
    row = after.iloc[[len(after) - 1 if index is None else index]]
    return row.merge(alone[["configuration", "model_params"]], on="configuration")


def _why_not(name: str, alone: pd.DataFrame, refinement: pd.DataFrame) -> str:
    """Say why a purpose has no network."""
    if alone.empty:
        return "No run has a result on these axes."
    if name == REFINED:
        if not (refinement["refine_epochs"] > 0).any():
            return "No network has been refined (refine.epochs)."
        return "rPIE makes no sound network surely better than the network of alone."
    if name == FASTEST and alone["seconds"].isna().all():
        return "No network has been timed yet."
    return "No network is better than a constant in all of its runs."
