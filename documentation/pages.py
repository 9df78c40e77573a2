"""Numbers in pages that come from tables: filled in, or held to what they say.

Two marks in the pages, which a reader does not see, say where numbers come from.

A table made from stored tables stands between the marks of its name:

    <!-- siemens star: made by `make pages` -->
    ...
    <!-- end of siemens star -->

A number in prose is named in a comment after its paragraph, with the table, the column and the row
that it is from; `%` after the number says that the table has a hundredth of it:

    <!-- holds: 0.996 = light/refinement ssim_phase configuration=fno_… refine_epochs=1 -->
"""

import re
from collections.abc import Iterator
from pathlib import Path

from documentation.stored import ROOT, cell, is_stored
from documentation.tables import BLOCKS

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_BLOCK = re.compile(
    r"(<!-- (?P<name>[^:>]+): made by `make pages` -->\n)(.*?)(<!-- end of (?P=name) -->\n)",
    re.DOTALL,
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CLAIM = re.compile(r"<!-- holds: (.*?) -->", re.DOTALL)
_PARTS = re.compile(r"(−?[\d.,]+)( ?%)? = (\w+)/(\w+) (\w+)((?: \w+=\S+)*)")


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """The names of the tables that are made in a page, and what stands there."""
    for match in _BLOCK.finditer(text):
        yield match["name"], match[3]


def filled(text: str) -> str:
    """A page with its tables made anew; those of studies that are not stored stay."""

    def made(match: re.Match[str]) -> str:
        block = BLOCKS.get(match["name"])
        if block is None:
            raise LookupError(f"there is no table {match['name']!r}; allowed are {list(BLOCKS)}")
        return f"{match[1]}\n{block.make()}\n{match[4]}" if is_stored(block.study) else match[0]

    return _BLOCK.sub(made, text)


def claims(text: str) -> Iterator[tuple[str, str]]:
    """What a page claims of numbers, and the paragraph before each."""
    for match in _CLAIM.finditer(text):
        before = _COMMENT.sub("", text[: match.start()]).rstrip()
        paragraph = before.rsplit("\n\n", 1)[-1]
        for line in match[1].splitlines():
            if line.strip():
                yield " ".join(line.split()), paragraph


def wrong_numbers(text: str) -> Iterator[str]:
    """One line for each number of a page that does not hold."""
    for claim, paragraph in claims(text):
        parts = _PARTS.fullmatch(claim)
        if parts is None:
            yield f"{claim!r} is not of the form 'NUMBER = STUDY/TABLE COLUMN KEY=VALUE …'"
            continue
        written, percent, study, table, column, rest = parts.groups()
        if not is_stored(study):
            continue
        where = dict(pair.split("=", 1) for pair in rest.split())
        value = cell(study, table, column, where) * (100 if percent else 1)
        as_written = rounded(value, written)
        if as_written != written:
            yield f"{claim}: the table says {as_written}"
        elif written not in re.findall(r"−?\d[\d.,]*\d|−?\d", paragraph):
            yield f"{claim}: the paragraph before it does not say so"


def rounded(value: float, like: str) -> str:
    """A number with as many decimals as another one is written with, and its commas."""
    decimals = len(like.partition(".")[2])
    separator = "," if "," in like else ""
    return f"{value:{separator}.{decimals}f}".replace("-", "−")


def page_names() -> list[Path]:
    """The pages, relative to the project."""
    return [page.relative_to(ROOT) for page in PAGES]
