"""The tables of the page: the runs, how to filter them, and the front."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ptychopareto.config import AXES
from ptychopareto.config.columns import BREAK_EVEN
from ptychopareto.page import columns
from ptychopareto.page.columns import Row, is_empty, mean
from ptychopareto.study.break_even import SCANS, in_words
from ptychopareto.study.configurations import CONFIGURATION, name_of
from ptychopareto.study.table import IDENTITY

FILTERED = [*CONFIGURATION, "seed", "status"]  # columns with a choice of their values


def _shown(table: pd.DataFrame, axes: Mapping[str, str]) -> list[str]:
    """List all columns, the most looked for first; `error` and `warning` only if there is one."""
    reasons = [name for name in ("error", "warning") if name in table and table[name].notna().any()]
    first = ["run", "status", *reasons, axes["quality"], axes["cost"]]
    others = (name for name in table.columns if name not in (*first, "error", "warning"))
    return [*first, *(name for name in others if not is_empty(table, name))]


def headings(table: pd.DataFrame, axes: Mapping[str, str]) -> list[Row]:
    """Return the heads of the columns of the table of runs.

    Parameters
    ----------
    table : DataFrame
        The runs.
    axes : dict of str
        The columns of the front: `cost` and `quality`.

    Returns
    -------
    list of Row
        For each column its name, heading, title and kind, and whether it is left out on paper.
    """
    return [
        {
            "name": name,
            "heading": columns.heading(name),
            "title": columns.label(name),
            "kind": "words" if columns.is_text(table[name]) else "number",
            "more": name
            not in (*IDENTITY, "status", "error", "warning", *axes.values()),  # not on paper
        }
        for name in _shown(table, axes)
    ]


def rows(
    table: pd.DataFrame,
    front: pd.DataFrame,
    purposes: Mapping[str, str],
    axes: Mapping[str, str],
) -> list[Row]:
    """Return the rows of the table of runs, cell by cell.

    Parameters
    ----------
    table : DataFrame
        The runs.
    front : DataFrame
        The configurations on the front.
    purposes : dict of str
        The purposes of each configuration that has any.
    axes : dict of str
        The columns of the front: `cost` and `quality`.

    Returns
    -------
    list of Row
        For each run its marks, and text and number of each cell.
    """
    names = _shown(table, axes)
    numbers = {name for name in names if not columns.is_text(table[name])}
    best = set(front.get("configuration", ()))
    return [
        {
            "run": row["run"],
            "status": row["status"],
            "on_front": name_of(row["run"], row["seed"]) in best,
            "purposes": purposes.get(name_of(row["run"], row["seed"]), ""),
            "cells": [
                {
                    "name": name,
                    "text": columns.text(row[name]).replace("_", " ")
                    if name == "status"
                    else columns.text(row[name]),
                    "number": columns.number(row[name]) if name in numbers else None,
                }
                for name in names
            ],
        }
        for row in table.to_dict("records")
    ]


def _differs(table: pd.DataFrame, name: str) -> bool:
    """Tell whether a column tells runs apart; a default that the architecture decides does not."""
    if name in AXES and AXES[name].decided_by == "architecture":
        return bool((table.groupby("architecture")[name].nunique(dropna=False) > 1).any())
    return table[name].nunique(dropna=False) > 1


def filters(table: pd.DataFrame) -> list[Row]:
    """List the columns that differ between runs, with their values as they stand in the table."""
    choices = []
    for name in FILTERED:
        values = table[name].drop_duplicates()
        if _differs(table, name):
            values = values.dropna()  # no value cannot be chosen
            ordered = values if columns.is_text(values) else values.sort_values()
            words = [columns.text(value) for value in ordered]
            if name == "status":
                words = [word.replace("_", " ") for word in words]
            choices.append({"name": name, "heading": columns.heading(name), "values": words})
    return choices


def front_rows(
    front: pd.DataFrame, purposes: Mapping[str, str], axes: Mapping[str, str]
) -> list[Row]:
    """Return the rows of the table of the front.

    Parameters
    ----------
    front : DataFrame
        The configurations on the front.
    purposes : dict of str
        The purposes of each configuration that has any.
    axes : dict of str
        The columns of the front: `cost` and `quality`.

    Returns
    -------
    list of Row
        For each configuration its cells, as text.
    """
    return [
        {
            "configuration": row["configuration"],
            "purposes": purposes.get(row["configuration"], ""),
            "cost": mean(row, axes["cost"]),
            "quality": mean(row, axes["quality"]),
            "p_front": "" if pd.isna(row["p_front"]) else f"{100 * row['p_front']:.0f} %",
        }
        for row in front.to_dict("records")
    ]


def purpose_rows(answers: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """Return the rows of the table of purposes, as text.

    Parameters
    ----------
    answers : dict of dict
        What ``recommendation.json`` holds under `purposes`.
    """
    rows = []
    for purpose, answer in answers.items():
        row: Row = {key: answer[key] for key in ("configuration", "rule", "why_not")}
        epochs = answer["refine_epochs"] or 0
        row |= {"purpose": purpose, "after": f"{epochs} pass{'' if epochs == 1 else 'es'}"}
        row["quality"] = mean(answer, "quality")
        row |= {name: columns.text(answer[name]) for name in ("seconds", "model_params")}
        rows.append(row)
    return rows


def break_even_headings(quality: str) -> list[str]:
    """Return the headings of the columns of `break_even_rows`.

    Parameters
    ----------
    quality : str
        The column on the quality axis.
    """
    numbers = [BREAK_EVEN[name].heading for name in BREAK_EVEN]
    return ["configuration", "rPIE after it", columns.heading(quality), *numbers]


def break_even_rows(
    table: pd.DataFrame, front: pd.DataFrame, purposes: Mapping[str, str]
) -> list[list[str]]:
    """Return the rows of the table of break-even, cell by cell, as text.

    Parameters
    ----------
    table : DataFrame
        As ``break_even.csv`` holds it.
    front : DataFrame
        The configurations on the front. Others are left out, unless they have a purpose.
    purposes : dict of str
        The purposes of each configuration that has any.

    Returns
    -------
    list of list of str
        The cells of each row, as many as `break_even_headings` has headings.
    """
    shown = table[table["configuration"].isin({*front["configuration"], *purposes})]
    return [
        [
            row["configuration"],
            f"{row['refine_epochs']} pass{'' if row['refine_epochs'] == 1 else 'es'}",
            columns.text(row["quality"]),
            *(columns.text(row[name]) for name in BREAK_EVEN if name != SCANS),
            in_words(row),
        ]
        for row in shown.to_dict("records")
    ]
