"""The pages: links that lead somewhere, pictures that are small, numbers that still hold."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from documentation import pages, pictures, tables
from documentation.stored import ROOT, cell, is_stored
from PIL import Image
from scipy.ndimage import gaussian_filter

import ptychopareto

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("findings/*.md")])
FENCE = re.compile(r"^( *)```.*?^\1```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
names = [str(page.relative_to(ROOT)) for page in PAGES]


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """What a link may name in a page: its headings, as the code's host makes anchors of them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    words = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in words}


def links(page: Path) -> Iterator[str]:
    text = re.sub(r"`[^`\n]*`", "", prose(page))
    for target in LINK.findall(text.replace("\n", " ")):
        if "://" not in target and not target.startswith("mailto:"):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{target}: there is no such file"
        assert there.is_relative_to(ROOT), f"{target}: leaves the project"
        if anchor:
            assert anchor in anchors(there), f"{target}: no heading is called so"


def test_links_are_found() -> None:
    assert sum(1 for page in PAGES for _ in links(page)) > 100
    assert "the-ten-usual-changes" in anchors(ROOT / "CONTRIBUTING.md")


@pytest.mark.parametrize("picture", sorted((ROOT / "docs").glob("*.png")), ids=lambda p: p.name)
def test_pictures_are_small(picture: Path) -> None:
    """If this fails: make pages, which copies and compresses them."""
    assert picture.stat().st_size <= pictures.MOST_BYTES


@pytest.mark.long
def test_a_picture_is_made_small(tmp_path: Path) -> None:
    noise = gaussian_filter(np.random.default_rng(0).normal(size=(940, 1440, 3)), (1, 1, 0))
    levels = 255 * (noise - noise.min()) / np.ptp(noise)
    Image.fromarray(levels.astype(np.uint8)).save(tmp_path / "large.png")
    assert (tmp_path / "large.png").stat().st_size > 5 * pictures.MOST_BYTES
    pictures.write_small(tmp_path / "large.png", tmp_path / "small.png")
    assert (tmp_path / "small.png").stat().st_size <= pictures.MOST_BYTES
    with Image.open(tmp_path / "small.png") as small:
        assert small.width >= 600
        assert small.height / small.width == pytest.approx(940 / 1440, abs=0.01)


@pytest.mark.parametrize("page", pages.PAGES, ids=map(str, pages.page_names()))
def test_numbers_hold(page: Path) -> None:
    """If this fails: make pages, and mend the prose that it names."""
    text = page.read_text(encoding="utf-8")
    assert pages.filled(text) == text
    assert list(pages.wrong_numbers(text)) == []


def test_numbers_are_held_to_tables() -> None:
    texts = [page.read_text(encoding="utf-8") for page in pages.PAGES]
    made = {name for text in texts for name, _ in pages.blocks(text)}
    assert made == set(tables.BLOCKS)
    assert sum(1 for text in texts for _ in pages.claims(text)) >= 5
    assert is_stored("light")


def test_a_wrong_number_is_found() -> None:
    where = "configuration=fno_tnone_m12_w16_teacher refine_epochs=0"
    truth = cell("light", "refinement", "ssim_phase", dict(p.split("=") for p in where.split()))
    for said, claimed, complaint in (
        (f"{truth:.3f}", f"{truth:.3f}", None),
        (f"{truth:.3f}", f"{truth + 0.01:.3f}", f"the table says {truth:.3f}"),
        ("0.5", f"{truth:.3f}", "the paragraph before it does not say so"),
    ):
        source = f"light/refinement ssim_phase {where}"
        text = f"It reaches {said} here.\n\n<!-- holds: {claimed} = {source} -->\n"
        found = list(pages.wrong_numbers(text))
        assert len(found) == (complaint is not None)
        assert complaint is None or found[0].endswith(complaint)
    assert "is not of the form" in next(pages.wrong_numbers("<!-- holds: 3 of light -->"))
    with pytest.raises(LookupError, match="no column"):
        list(pages.wrong_numbers("1\n\n<!-- holds: 1 = light/classical nothing epochs=1 -->"))


def test_a_stale_table_is_made_anew() -> None:
    begin, end = "<!-- rPIE in the light study: made by `make pages` -->\n", "<!-- end of "
    stale = f"{begin}\n| old |\n\n{end}rPIE in the light study -->\n"
    assert pages.filled(stale) != stale
    assert pages.filled(pages.filled(stale)) == pages.filled(stale)
    assert "phase SSIM" in pages.filled(stale)


def test_the_design_names_all_packages_and_jobs() -> None:
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    assert ptychopareto.__doc__ is not None
    arrows = " ".join(ptychopareto.__doc__.rsplit("\n\n", 1)[1].split())
    assert arrows in " ".join(page.replace("\n> ", "\n").split())
    rooms = {file.parent.name for file in (ROOT / "src/ptychopareto").glob("*/__init__.py")}
    assert set(re.findall(r"^\| (\w+) \| .* \| `", page, re.MULTILINE)) >= rooms
    for file in re.findall(r"`(\w+/\w+\.py)`", page):
        assert any((ROOT / top / file).is_file() for top in ("src/ptychopareto", ".")), file
    rules = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    jobs = set(re.findall(r"^\s*(?:rule|checkpoint) (\w+):", rules, re.MULTILINE))
    assert len(jobs) > 25
    assert jobs - set(re.findall(r"`(\w+)`", page)) == set()
