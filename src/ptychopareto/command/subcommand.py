"""The parts of a subcommand: its name, its options, and the function that runs it."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass


class CommandError(ValueError):
    """Arguments that do not fit together, or not this machine: one line."""


@dataclass(frozen=True)
class Subcommand:
    """One subcommand; its module imports nothing heavy, so that `--help` is there at once.

    Attributes
    ----------
    summary : str
        One line, for the list of subcommands.
    description : str
        What it does, for its own help; paragraphs are kept as they are.
    examples : str
        Command lines with a comment each, shown at the end of its help.
    add_arguments : callable
        Adds its arguments to a parser.
    run : callable
        Does the work and returns the exit status; imports what it needs.
    """

    summary: str
    description: str
    examples: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
