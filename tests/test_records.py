"""Records are checked before anything is done with them; the first mistake is said in one line."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from ptychopareto.files import FileError
from ptychopareto.files.records import Line, Record, read_record


class Inner(Record):
    """A section of a record."""

    number: float


class Outer(Record):
    """A record with a section and a list of sections."""

    word: Line | None = None
    count: int = 0
    section: Inner
    several: list[Inner] = Field(default_factory=list)


GOOD: dict[str, Any] = {"word": "a", "count": 3, "section": {"number": 1}, "more": [None]}


def stored(folder: Path, record: object) -> Path:
    path = folder / "record.json"
    path.write_text(json.dumps(record))
    return path


def test_a_record_comes_back_as_it_stands(tmp_path: Path) -> None:
    assert read_record(stored(tmp_path, GOOD), Outer) == GOOD
    number = read_record(stored(tmp_path, GOOD), Outer)["section"]["number"]
    assert isinstance(number, int)  # what is written is not converted


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"word": "two\nlines"}, "word is 'two\\nlines'; one line of text is wanted"),
        ({"word": 3}, "word is 3; one line of text is wanted"),
        ({"count": "3"}, "count is '3'; a whole number is wanted"),
        ({"count": 3.0}, "count is 3.0; a whole number is wanted"),
        ({"count": True}, "count is True; a whole number is wanted"),
        ({"section": {}}, "section.number is missing"),
        ({"section": None}, "section is None; a section is wanted"),
        ({"section": {"number": True}}, "section.number is True; a number is wanted"),
        ({"several": {}}, "several is {}; a list is wanted"),
        (
            {"several": [{"number": 1}, {"number": "x" * 1000}]},
            "several[1].number is 'xxxxxxxxxxxx...xxxxxxxxxxxxx'; a number is wanted",
        ),
    ],
)
def test_the_first_mistake_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = stored(tmp_path, GOOD | change)
    with pytest.raises(FileError) as caught:
        read_record(path, Outer)
    assert str(caught.value) == f"{path}: {said}"


def test_what_is_no_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="holds a list; a JSON mapping is wanted"):
        read_record(stored(tmp_path, []), Outer)
