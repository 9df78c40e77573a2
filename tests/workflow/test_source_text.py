"""What is kept of a source: it is that of its content, and nothing depends on its being there."""

import ast
import os
import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest

import source_text
from ptychopareto.files import read_json

read = source_text.read.__wrapped__  # as the next process reads it


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "source.py"
    path.write_text('"""A source."""\n\nfrom . import sheet\n\nSHEET = "a.css"\n')
    return path


def kept(source: Path) -> Path:
    return Path(cache_from_source(str(source))).with_suffix(".json")


def test_a_source_is_parsed_once(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(source)
    assert first.imports == [(1, "", ["sheet"])]
    assert first.file_names == ["a.css"]
    assert not first.empty
    monkeypatch.setattr(ast, "parse", lambda text: pytest.fail("parsed again"))
    assert read(source) == first


def test_same_size_and_time_do_not_hide_another_content(source: Path) -> None:
    first, before = read(source), source.stat()
    source.write_text(source.read_text().replace("a.css", "b.css"))
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = read(source)
    assert second.file_names == ["b.css"]
    assert second.code != first.code


def test_what_another_version_of_the_reading_kept_does_not_hold(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(source)
    key = read_json(kept(source))["key"]
    monkeypatch.setattr(source_text, "_of_this_module", lambda: b"another")
    read(source)
    assert read_json(kept(source))["key"] != key


@pytest.mark.parametrize("content", ["", "{", "3", "[]", "{}", '{"key": "another"}'])
def test_damage_only_costs_time(content: str, source: Path) -> None:
    first = read(source)
    kept(source).write_text(content)
    assert read(source) == first
    assert read_json(kept(source))["code"] == first.code


def test_where_bytecode_is_not_written_nothing_is(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    read(source)
    assert os.listdir(source.parent) == ["source.py"]


def test_where_nobody_can_write_it_is_read_all_the_same(source: Path) -> None:
    kept(source).parent.write_text("a file where the folder should be")
    assert read(source).file_names == ["a.css"]
