"""docs/files.md against what a study makes: it names each file, and none that there is not."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from tiny_study import ROOT, RUNS, Project

pytestmark = pytest.mark.xdist_group("workflow_reruns")

PAGE = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")
UNFINISHED = {"runs/{}/checkpoint.pt"}  # no job declares it, and it is gone in the end


def general(path: str) -> str:
    """A path with {} for what differs between studies: runs, axes, rungs."""
    return re.sub(r"\{[\w.]*\}(_\{[\w.]*\})*", "{}", path)


def named() -> Iterator[str]:
    """The files and folders, relative to results/, that the page has a row or a heading for."""
    folder, in_files = "", False
    for line in PAGE.splitlines():
        if line.startswith("## "):
            quoted = re.findall(r"`([^`]+)`", line)
            folder = quoted[0].removeprefix("results/") if quoted and "{" in quoted[0] else ""
            cells = [name.removeprefix("results/") for name in quoted]
            yield from relative_to_first(cells)
        elif line.startswith("| file |"):
            in_files = True
        elif not line.startswith("|"):
            in_files = False
        elif in_files and not line.startswith("| --- "):
            cells = line.split("|")[1].strip().split(", ")
            yield from (folder + name for name in relative_to_first(cells))


def relative_to_first(cells: list[str]) -> list[str]:
    """Names in full: `a/x.npz, y.npz` lie in one folder, `x.png, .svg` differ at the end."""
    full: list[str] = []
    for name in cells:
        if name.startswith(".") and full:
            name = str(PurePosixPath(full[-1]).with_suffix(name))
        elif "/" not in name and full and "/" in full[0] and not full[0].endswith("/"):
            name = f"{full[0].rpartition('/')[0]}/{name}"
        full.append(name)
    return full


def declared() -> set[str]:
    """The files that the rules name, for studies of any kind."""
    rules = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    files = set(re.findall(r"results/([\w{}./]+)", rules))
    files |= {f"{name}.png" for name in re.findall(r'picture\("(\w+)"', rules)}
    return {general(file) for file in files}


def test_the_page_names_every_file_of_a_study(finished: Project) -> None:
    files = {general(name) for name in named()}
    folders = tuple(name for name in files if name.endswith("/") and "{" not in name)
    results = finished["results"]
    made = [file.relative_to(results).as_posix() for file in results.rglob("*") if file.is_file()]
    assert len(made) > 40
    for path in made:
        for run in RUNS:
            path = path.replace(f"runs/{run}/", "runs/{}/")
        assert path in files or path.startswith(folders), f"docs/files.md does not name {path}"


def test_the_page_names_every_file_that_a_rule_declares() -> None:
    """Also those of measured scans, searches and scenarios, which the tiny study does not make."""
    files = {general(name) for name in named()}
    folders = tuple(name for name in files if name.endswith("/") and "{" not in name)
    wanted = {path for path in declared() if re.search(r"\w(_\{\})?\.\w+$", path)}
    assert len(wanted) > 35
    unnamed = {path for path in wanted if path not in files and not path.startswith(folders)}
    assert unnamed == set(), "docs/files.md does not name them"


def test_every_file_of_the_page_is_made(finished: Project) -> None:
    results = finished["results"]
    made = {file.relative_to(results).as_posix() for file in results.rglob("*")}
    there = made | declared() | UNFINISHED
    there |= {f"{path}/" for path in there} | {f"{PurePosixPath(p).parent}/" for p in there}
    missing = {name for name in map(general, named()) if name not in there}
    assert missing == set(), "docs/files.md names what no job makes"
