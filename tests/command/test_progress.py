"""The line of progress: on a terminal only, and gone at the end."""

from io import StringIO

import pytest

from ptychopareto.command import progress
from ptychopareto.command.progress import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SECONDS", -1.0)
    screen = Terminal()
    done = Progress(False, screen).counting([5, 10], 10, "scan.h5", "patterns")
    assert list(done) == [5, 10]
    lines = screen.getvalue().split("\r")
    assert lines[1].startswith("scan.h5: 5 of 10 patterns, ")
    assert "/s, " in lines[1]
    assert lines[1].rstrip().endswith(" s left")
    assert lines[-2].strip() == ""
    assert lines[-1] == ""


@pytest.mark.parametrize(("quiet", "stream"), [(True, Terminal()), (False, StringIO())])
def test_nobody_else_is_told(
    monkeypatch: pytest.MonkeyPatch, quiet: bool, stream: StringIO
) -> None:
    monkeypatch.setattr(progress, "_SECONDS", -1.0)
    assert list(Progress(quiet, stream).counting([1, 2], 2, "scan.h5", "patterns")) == [1, 2]
    assert stream.getvalue() == ""
