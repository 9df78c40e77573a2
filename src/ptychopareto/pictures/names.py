"""Name configurations shortly, for labels and headings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ptychopareto.config import AXES, GridAxis


def short_names(
    settings: Sequence[Mapping[str, Any]],
    among: Sequence[Mapping[str, Any]] = (),
    always: Sequence[str] = (),
) -> list[str]:
    """Name configurations shortly, such as ``sqrt m8``, without what is the same for all of them.

    Parameters
    ----------
    settings : sequence of dict
        The values of the axes of each configuration.
    among : sequence of dict, optional
        Those of other configurations from which the names must differ too.
    always : sequence of str, optional
        Axes to be named even if they are the same for all.

    Returns
    -------
    list of str
        A name for each of `settings`.
    """
    every = words([*settings, *among])
    varying = [axis for axis in AXES if len({one[axis] for one in every}) > 1]
    named = [axis for axis in AXES if axis in varying or axis in always]
    axes = named if varying else list(AXES)
    return [joined(one, axes) for one in every[: len(settings)]]


def words(settings: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the words for the axes of configurations; "" for a value that is not worth a word.

    Such values are missing ones, values that leave no trace in names, the depth that is the
    architecture's own, and settings of `training:` that are the same for all.
    """
    said = [
        {name: _word(axis, one.get(name), one) for name, axis in AXES.items()} for one in settings
    ]
    for name, axis in AXES.items():
        of_training = axis.in_default and axis.decided_by == "training"
        if of_training and len({one[name] for one in said} - {""}) < 2:
            said = [{**one, name: ""} for one in said]
    return said


def _word(axis: GridAxis, value: Any, settings: Mapping[str, Any]) -> str:
    if pd.isna(value):
        return ""
    if axis.decided_by == "architecture":
        value = None if value == axis.default_of(settings["architecture"], None) else value
    word = axis.word(value)
    return str(value) if word and axis.column == "string" else word


def settings_of(configurations: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the axes' values of each configuration by its name, from a table such as the front."""
    return dict(zip(configurations["configuration"], rows_of(configurations), strict=True))


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the axes' values in each row of a table, as `words` takes them."""
    present = [name for name in AXES if name in table]
    rows = table[present].astype(object).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def joined(words: Mapping[str, str], axes: Iterable[str]) -> str:
    """Join the words for some axes; if all are defaults, name the architecture.

    Parameters
    ----------
    words : dict of str
        The word for each axis, as `words` returns them.
    axes : iterable of str
        The axes to name, in order.

    Returns
    -------
    str
    """
    return " ".join(words[axis] for axis in axes if words[axis]) or words["architecture"]
