"""The tables of the page: the runs, how to filter them, and the front."""

from collections.abc import Mapping

import pandas as pd

from ptychopareto.config import AXES
from ptychopareto.page import columns
from ptychopareto.page.columns import Row, is_empty, mean
from ptychopareto.study.configurations import CONFIGURATION, name_of
from ptychopareto.study.table import IDENTITY

FILTERED = [*CONFIGURATION, "seed", "status"]  # columns with a choice of their values


def _shown(table: pd.DataFrame, axes: Mapping[str, str]) -> list[str]:
    """List all columns, the most looked for first; `error` only if there is one."""
    reasons = ["error"] if table["error"].notna().any() else []
    first = ["run", "status", *reasons, axes["quality"], axes["cost"]]
    others = (name for name in table.columns if name not in (*first, "error"))
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
            "more": name not in (*IDENTITY, "status", "error", *axes.values()),  # not on paper
        }
        for name in _shown(table, axes)
    ]


def rows(table: pd.DataFrame, front: pd.DataFrame, axes: Mapping[str, str]) -> list[Row]:
    """Return the rows of the table of runs, cell by cell.

    Parameters
    ----------
    table : DataFrame
        The runs.
    front : DataFrame
        The configurations on the front.
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
    chosen = set(front.loc[front["recommended"].astype(bool), "configuration"]) if best else set()
    return [
        {
            "run": row["run"],
            "status": row["status"],
            "on_front": name_of(row["run"], row["seed"]) in best,
            "recommended": name_of(row["run"], row["seed"]) in chosen,
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


def front_rows(front: pd.DataFrame, axes: Mapping[str, str]) -> list[Row]:
    """Return the rows of the table of the front.

    Parameters
    ----------
    front : DataFrame
        The configurations on the front.
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
            "recommended": bool(row["recommended"]),
            "cost": mean(row, axes["cost"]),
            "quality": mean(row, axes["quality"]),
            "p_front": "" if pd.isna(row["p_front"]) else f"{100 * row['p_front']:.0f} %",
        }
        for row in front.to_dict("records")
    ]
