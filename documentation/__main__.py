"""Renew the pictures and the numbers of README and docs from a finished study.

    python -m documentation config.yaml --results results
    python -m documentation studies/siemens_star.yaml --results ../star/results

Its tables are copied into docs/tables/, its pictures into docs/, made small. Then the tables in the
pages are made anew, and each number in the prose that no longer holds is listed. Without a study
only these last two are done.
"""

import argparse
import shutil
import sys
from pathlib import Path

from documentation import pages, pictures
from documentation.stored import ROOT, STUDIES, TABLES, Quoted, check_study

from ptychopareto.files import FileError


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m documentation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "study", nargs="?", choices=list(STUDIES), help=f"one of {', '.join(STUDIES)}"
    )
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="its results; ./results by default"
    )
    options = parser.parse_args()
    try:
        if options.study:
            check_study(ROOT / options.study, options.results)
            renew(STUDIES[options.study], options.results)
        return write_pages()
    except (FileError, LookupError) as error:
        print(error, file=sys.stderr)
        return 1


def renew(quoted: Quoted, results: Path) -> None:
    """Copy the tables and the pictures that the pages show."""
    folder = TABLES / quoted.name
    folder.mkdir(parents=True, exist_ok=True)
    for name in quoted.tables:
        shutil.copyfile(results / name, folder / name)
        print(f"{folder / name}")
    for name, source in quoted.pictures.items():
        picture = pictures.source_of(source, results)
        pictures.write_small(picture, ROOT / "docs" / name)
        size = (ROOT / "docs" / name).stat().st_size
        print(f"{ROOT / 'docs' / name}: {size // 1024} KiB")


def write_pages() -> int:
    """Fill the tables in the pages; list the numbers of the prose that do not hold."""
    wrong = 0
    for page in pages.PAGES:
        text = page.read_text(encoding="utf-8")
        filled = pages.filled(text)
        if filled != text:
            page.write_text(filled, encoding="utf-8")
            print(f"{page}: tables made anew")
        for complaint in pages.wrong_numbers(filled):
            print(f"{page}: {complaint}", file=sys.stderr)
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
