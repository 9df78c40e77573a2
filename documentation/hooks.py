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
    """Let links lead to pages of the site, or nowhere."""
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
        return f"{image}[{words}]({uri}{anchor or ''})"

    return LINK.sub(linked, markdown)


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
