"""Say what is wrong with a config, in one line of plain words."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ptychopareto.config.dataset import Object, Probe
from ptychopareto.config.sections import ConfigError
from ptychopareto.config.words import Keys, dotted, shown

_DEEPEST = 10  # levels of nesting; a YAML alias can make a list that contains itself
_MOST = 100_000  # values in all; nested YAML aliases can make a billion of a few lines
_LONGEST_KEY = 60  # characters
_LARGEST = 2**63  # whole numbers beyond it may fail to be printed or converted to float

_NOUNS: dict[type, str] = {
    type(None): "empty",
    bool: "a truth value",
    int: "a whole number",
    float: "a decimal number",
    str: "a string",
    list: "a list",
    dict: "a section of keys",
}

# error type of pydantic -> what is wanted instead
_WANTED_TYPES = {
    "float_type": "a number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "string_type": "a string",
    "path_type": "a file path",
    "tuple_type": "a list",
    "model_type": "a section of keys",
    "model_attributes_type": "a section of keys",
}

# error type of pydantic -> its bound, and what is allowed
_BOUNDS = {
    "greater_than": ("gt", "too small; more than {} is allowed"),
    "greater_than_equal": ("ge", "too small; at least {} is allowed"),
    "less_than": ("lt", "too large; less than {} is allowed"),
    "less_than_equal": ("le", "too large; at most {} is allowed"),
    "multiple_of": ("multiple_of", "not allowed; a multiple of {} is wanted"),
}

# The fields of more than one form: pydantic adds the name of the form to the path of an error.
_FIELDS_OF_SEVERAL_FORMS = ("dataset", "object", "probe", "pareto")
_KINDS = {
    name: [form.model_fields["kind"].default for form in get_args(get_args(forms)[0])]
    for name, forms in (("object", Object), ("probe", Probe))
}


def plain(value: Any, path: Keys, numbers: Iterator[int]) -> Any:
    """Copy a value of mappings, lists, numbers and texts, and refuse everything else.

    Parameters
    ----------
    value : object
        The value, at any depth of the config.
    path : Keys
        The keys that lead to it, for messages.
    numbers : iterator of int
        Counts all values of the config.

    Returns
    -------
    object
        The copy.

    Raises
    ------
    ConfigError
        The value has another type, is nested too deeply, is too large, or is one too many.
    """
    if next(numbers) > _MOST:
        raise ConfigError(f"{dotted(path)}: one value too many; {_MOST} in all are allowed")
    if len(path) > _DEEPEST:
        raise ConfigError(f"{dotted(path)}: nested too deeply; {_DEEPEST} levels are allowed")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or not key.isprintable() or len(key) > _LONGEST_KEY:
                raise ConfigError(
                    f"{dotted(path)}: the key {shown(key)} is not a name; "
                    "keys are words without special characters"
                )
        return {key: plain(item, (*path, key), numbers) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item, (*path, index), numbers) for index, item in enumerate(value)]
    if type(value) not in _NOUNS:
        raise ConfigError(
            f"{dotted(path)}: a {type(value).__name__} is not allowed; "
            "plain numbers, strings, lists and sections are wanted"
        )
    if isinstance(value, int) and abs(value) >= _LARGEST:
        raise ConfigError(f"{dotted(path)}: the number is too large; below 2**63 is allowed")
    return value


def explain(error: ValidationError) -> str:
    """Describe the first mistake, and give the number of further ones."""
    # A list whose elements are wrong is called too short as well: that is no mistake of its own.
    mistakes = [
        mistake
        for mistake in error.errors(include_url=False)
        if not (mistake["type"] == "too_short" and mistake["input"])
    ]
    more = len(mistakes) - 1
    return _explain_one(mistakes[0]) + (f" (and {more} more)" if more else "")


def _explain_one(mistake: ErrorDetails) -> str:
    path = tuple(
        step
        for before, step in pairwise(("", *mistake["loc"]))
        if before not in _FIELDS_OF_SEVERAL_FORMS
    )
    kind, value, context = mistake["type"], mistake["input"], mistake.get("ctx", {})
    if kind == "refused":
        return f"{dotted((*path, *context['at']))}: {context['reason']}"
    if kind.startswith("union_tag"):
        return f"{dotted((*path, 'kind'))}: {_wrong_kind(value, _KINDS[str(path[-1])])}"
    return f"{dotted(path)}: {_wrong_value(kind, value, context)}"


def _wrong_kind(section: dict[str, Any], kinds: list[str]) -> str:
    given = f"{shown(section['kind'])} is not allowed" if "kind" in section else "missing"
    return f"{given}; allowed are {', '.join(kinds)}"


def _wrong_value(kind: str, value: Any, context: dict[str, Any]) -> str:
    if kind == "literal_error":
        return f"{shown(value)} is not allowed; allowed is {context['expected']}"
    if kind == "finite_number":
        return f"{shown(value)} is not allowed; a finite number is wanted"
    if kind == "too_short":
        return f"{shown(value)} is empty; at least one value is wanted"
    if kind in _BOUNDS:
        bound, text = _BOUNDS[kind]
        return f"{shown(value)} is {text.format(f'{context[bound]:.12g}')}"
    wanted = _WANTED_TYPES.get(kind, "another value")
    return f"{shown(value)} is {_NOUNS[type(value)]}, {wanted} is wanted{_hint(wanted, value)}"


def _hint(wanted: str, value: Any) -> str:
    """Help with two ways in which a value that looks right in YAML has the wrong type."""
    if wanted == "a list":
        return f", such as [{shown(value)}]" if isinstance(value, str | int | float) else ""
    match = isinstance(value, str) and re.fullmatch(
        r"([+-]?\d+\.?\d*|[+-]?\.\d+)(?:[eE]([+-]?)(\d+))?", value
    )
    if not match or "number" not in wanted:
        return ""
    mantissa, sign, exponent = match.groups()
    if exponent is None:
        return " (write it without quotes)"
    # YAML 1.1 wants both the dot and the sign of the exponent.
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    return f" (YAML reads {value} as text; write {mantissa}e{sign or '+'}{exponent})"
