"""Give the values of `--config` the types that a config file would give them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import yaml


def typed(entries: Iterable[str], read: Mapping[str, object]) -> dict[str, Any]:
    """Read the entries of `--config` as JSON or YAML.

    Snakemake takes everything but a number for text, also inside of a value: from
    `training={"epochs": 2}` it makes `{"training": {"epochs": "2"}}`. A study file says 2 where a
    number is wanted, and so may the command line.

    Parameters
    ----------
    entries : iterable of str
        The texts `key=value` that follow `--config`.
    read : dict
        What Snakemake made of them; its numbers and truth values stay.

    Returns
    -------
    dict
        The value of each key.
    """
    values = (entry.partition("=") for entry in entries)
    return {
        key: _value(text) if isinstance(read.get(key), str | list | dict) else read.get(key)
        for key, _, text in values
    }


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError:
        pass
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:  # neither: a text, as Snakemake has it
        return text


def _refuse(constant: str) -> NoReturn:
    """Leave NaN and Infinity to YAML, for which they are texts."""
    raise ValueError(constant)
