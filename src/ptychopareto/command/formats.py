"""The subcommand `formats`: which files of scans and of reconstructions are read."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ptychopareto.command.subcommand import Subcommand

DESCRIPTION = """\
List the formats of measured scans that are read. A format is recognised by what a file holds, never
by its name; `--format NAME` of the other subcommands overrides that. docs/formats.md says what is
read from where, and in which units."""
EXAMPLES = """\
  ptycho-pareto formats                  # the table
  ptycho-pareto formats run7.h5 raw/     # and which of them these files have"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `formats`."""
    parser.add_argument("scan", nargs="*", metavar="FILE", help="files or folders to be recognised")


def run(options: Namespace) -> int:
    """Print the table, or the formats of files."""
    from ptychopareto.readers.registry import READERS

    if options.scan:
        return max(_say_format(Path(name)) for name in options.scan)
    width = max(len(reader.name) for reader in READERS)
    for reader in READERS:
        print(f"{reader.name:{width}}  {reader.description}")
    return 0


def _say_format(path: Path) -> int:
    """Print the format of a file, or why it has none; the status is 1 then."""
    from ptychopareto.files import FileError
    from ptychopareto.readers.registry import format_of

    try:
        print(f"{path}: {format_of(path)}")
    except FileError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


SUBCOMMAND = Subcommand(
    "list the formats of scans that are read", DESCRIPTION, EXAMPLES, add_arguments, run
)
