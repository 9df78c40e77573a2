"""Records, which are JSON mappings, checked against a model before anything is done with them."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from ptychopareto.files.errors import refusal, shortened
from ptychopareto.files.text import read_json

# error type of pydantic -> what is wanted instead
_WANTED = {
    "bool_type": "true or false",
    "dict_type": "a section",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than_equal": "at least {ge}",
    "int_type": "a whole number",
    "less_than": "less than {lt}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "model_type": "a section",
    "string_type": "one line of text",
}


class Record(BaseModel):
    """The fields of a record, of exactly these types; others are allowed."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("string_type", "not printable")
    return text


Line = Annotated[str, AfterValidator(_printable)]  # one printable line


def read_record(path: Path, model: type[Record]) -> dict[str, Any]:
    """Read a JSON mapping that has what a model wants.

    Parameters
    ----------
    path : Path
        The file.
    model : type
        The fields that are checked. A whole number will do where a number is wanted.

    Returns
    -------
    dict
        The mapping as it stands in the file, fields that the model does not know included.

    Raises
    ------
    FileError
        The file is missing, damaged or no mapping, or a value is missing or of another type.
    """
    record = read_json(path)
    try:
        model.model_validate(record)
    except ValidationError as error:
        raise refusal(path, first_mistake(error)) from None
    return record


def first_mistake(error: ValidationError) -> str:
    """Say in one line what pydantic found first: where, what stands there, and what is wanted."""
    mistake = error.errors(include_url=False)[0]
    place = _place(mistake)
    if mistake["type"] == "missing":
        return f"{place} is missing"
    if mistake["type"] not in _WANTED:
        return f"{place}: {mistake['msg']}"
    wanted = _WANTED[mistake["type"]].format_map(mistake.get("ctx", {}))
    return f"{place} is {shortened(mistake['input'])}; {wanted} is wanted"


def _place(mistake: ErrorDetails) -> str:
    """Name the place of a mistake, such as ``steps[3].epochs``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in mistake["loc"])
    return "".join(steps).removeprefix(".") or "the record"
