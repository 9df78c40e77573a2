"""What a program measures, written into its place on a page."""

import re
import textwrap
from pathlib import Path

from ptychopareto.files import atomic


def wrapped(text: str) -> str:
    """Wrap paragraphs and entries of lists, each on one line, as the pages have them."""
    return "\n".join(
        line
        if line.startswith(("|", "    "))
        else textwrap.fill(
            line,
            100,
            subsequent_indent="  " * line.startswith("- "),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.splitlines()
    )


def write(page: Path, part: str, command: str, text: str) -> None:
    """Replace what stands between the marks of a part; the words around it are written by hand."""
    begin, end = f"<!-- {part}: made by `{command}` -->\n", f"<!-- end of {part} -->\n"
    content, places = re.subn(
        f"(?<={re.escape(begin)}).*?(?={re.escape(end)})",
        lambda _: f"\n{wrapped(text)}\n",
        page.read_text(),
        flags=re.DOTALL,
    )
    if places != 1:
        raise SystemExit(
            f"{page}: the marks of {part!r} are missing: {begin.strip()} … {end.strip()}"
        )
    with atomic(page) as temporary:
        temporary.write_text(content)
