"""The building blocks of a config: closed, strict sections that refuse in plain words."""

from collections.abc import Hashable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ptychopareto.config.words import shown


class ConfigError(ValueError):
    """A study that cannot be run: one line with the key, the value and what is allowed."""


def refusal(reason: str, *at: str | int) -> PydanticCustomError:
    """Make the error that refuses the value being validated.

    Parameters
    ----------
    reason : str
        What is wrong, and what is allowed.
    *at : str or int
        The keys of the part that is refused, if it is not the value itself.

    Returns
    -------
    PydanticCustomError
        The error, to be raised inside a validator.
    """
    return PydanticCustomError("refused", "{reason}", {"reason": reason, "at": at})


class Section(BaseModel):
    """A closed, strict and immutable group of keys."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_default=True
    )

    @model_validator(mode="before")
    @classmethod
    def _names_are_right(cls, given: Any) -> Any:
        """Name a misspelt key first: the missing key in its place is only a consequence."""
        if isinstance(given, dict):
            for name in given:
                if name not in cls.model_fields:
                    raise refusal(f"unknown key; {_guess(name, list(cls.model_fields))}", name)
            for name, field in cls.model_fields.items():
                if field.is_required() and name not in given:
                    raise refusal(f"missing; {field.description} is wanted", name)
        return given


def _guess(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"allowed are {', '.join(known)}"


_Value = TypeVar("_Value", bound=Hashable)


def _each_once(values: tuple[_Value, ...]) -> tuple[_Value, ...]:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise refusal(f"{shown(value)} stands twice; each value is allowed once", index)
    return values


# YAML knows lists only; as a tuple the value cannot change later. Its elements stay strict.
Axis = Annotated[
    tuple[_Value, ...],
    Field(strict=False, min_length=1, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_each_once),
]


def _is_npz(path: Path) -> Path:
    if path.suffix != ".npz" or not str(path).isprintable():
        raise refusal(f"{shown(str(path))} is not allowed; the path of a .npz file is wanted")
    if not {"{", "}"}.isdisjoint(str(path)):  # Snakemake's wildcards, and it knows no escape
        raise refusal(f"{shown(str(path))} is not allowed; a path without braces is wanted")
    return path


NpzPath = Annotated[
    Path, Field(strict=False, json_schema_extra={"pattern": r"\.npz$"}), AfterValidator(_is_npz)
]
SSIM_WINDOW = 7  # px
SMALLEST_SCORED = SSIM_WINDOW  # px a side of the scored region
Seed = Annotated[int, Field(ge=0, lt=2**32)]
