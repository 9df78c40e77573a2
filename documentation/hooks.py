"""What the site has besides the pages of `docs/`: the front page, and the library's reference.

README.md, CONTRIBUTING.md and CHANGELOG.md stand in the project's root, where they are looked for;
here they become pages. Links that leave the pages (to a study, a source file) become plain text,
for a site that is read alone does not hold what they lead to.
"""

import ast
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "src" / "ptychopareto"
FROM_ROOT = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
CELL = re.compile(r"<td\b.*?</td>", re.DOTALL)
OPTION = re.compile(r"(?<=<code>)--[\w-]+")
TEXT = re.compile(r"(?<=>)[^<]+")
NAME = re.compile(r"[\w/{}.]*[/_][\w/{}.]+")
LONG = 20  # characters of a name that may break in a wide window, too
MODULE = re.compile(r'(?<=doc-module-name">)(\w+\.\w+\.)(?=\w)')
ITEM = re.compile(r"(\d+\.|[-*]) +")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Name the pages of the library in the navigation."""
    assert config.nav is not None
    for entry in config.nav:
        if entry.get("Library") == "LIBRARY":
            entry["Library"] = [{package: f"library/{package}.md"} for package in packages()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not stand in `docs/`."""
    for name, page in FROM_ROOT.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    for package in packages():
        files.append(File.generated(config, f"library/{package}.md", content=reference(package)))
    return files


def on_page_markdown(markdown: str, page: object, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to pages of the site, or nowhere; a picture to itself; lists be lists."""
    source = page.file.src_uri  # type: ignore[attr-defined]
    from_root = source in FROM_ROOT.values()

    def linked(match: re.Match[str]) -> str:
        image, words, target, anchor = match.groups()
        if "://" in target:
            return match[0]
        uri = FROM_ROOT.get(target.removeprefix("../"), target)
        uri = uri.removeprefix("docs/") if from_root else uri
        if files.get_file_from_path(uri) is None:
            return f"{words}"
        if image:  # small on a phone: a tap shows it whole
            return f"[![{words}]({uri})]({uri})"
        return f"[{words}]({uri}{anchor or ''})"

    return LINK.sub(linked, indented(markdown))


def on_page_content(html: str, page: object, config: MkDocsConfig, files: Files) -> str:
    """Let names in tables break after a slash or an underscore only, and options nowhere."""
    html = MODULE.sub(r"\1<wbr>", html)

    def breakable(name: re.Match[str]) -> str:
        mark = "<wbr>" if len(name[0]) > LONG else '<wbr class="narrow">'
        return re.sub(r"([/_]+)(?=[\w{])", rf"\1{mark}", name[0])

    def cell(match: re.Match[str]) -> str:
        glued = match[0].replace("± ", "±&nbsp;")
        return TEXT.sub(lambda text: NAME.sub(breakable, text[0]), glued)

    html = OPTION.sub(r'<span class="option">\g<0></span>', html)
    return CELL.sub(cell, html)


def indented(markdown: str) -> str:
    """Indent what belongs to an item of a list by four, which Python-Markdown needs.

    CommonMark, and so the pages in the repository, indent it by the width of the item's marker,
    and want no empty line between an item of several paragraphs and the next one.
    """
    lines: list[str] = []
    width, fenced, gap = 0, False, False
    for line in markdown.split("\n"):
        fenced ^= line.startswith("```")
        item = None if fenced else ITEM.match(line)
        if item:
            if width and gap and lines[-1]:
                lines.append("")
            width, gap = len(item[0]), False
        elif line.strip() and not line.startswith(" " * width):
            width = 0
        gap |= not line
        belongs = width and line.strip() and not item
        lines.append(" " * (4 - width) + line if belongs else line)
    return "\n".join(lines)


def packages() -> list[str]:
    """Return the packages of the library, in the order in which data flows through them."""
    doc = ast.get_docstring(ast.parse((LIBRARY / "__init__.py").read_text(encoding="utf-8"))) or ""
    order = re.findall(r"\w+", doc.rsplit("\n\n", 1)[-1])
    found = {file.parent.name for file in LIBRARY.glob("*/__init__.py")}
    return [name for name in order if name in found] + sorted(found - set(order))


def reference(package: str) -> str:
    """Return the page of a package: each of its modules that says something in public."""
    blocks = [f"# {package}"]
    for file in sorted((LIBRARY / package).glob("*.py")):
        if not file.name.startswith("_"):
            blocks.append(f"::: ptychopareto.{package}.{file.stem}")
    return "\n\n".join(blocks) + "\n"
