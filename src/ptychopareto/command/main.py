"""The entry point: chooses the subcommand, and turns what goes wrong into one line."""

import errno
import logging
import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module

import ptychopareto
from ptychopareto.command.subcommand import CommandError, Subcommand

# Each is a module of this package with a `SUBCOMMAND`, in the order of the help.
SUBCOMMANDS = ("reconstruct", "inspect", "export", "formats")

DESCRIPTION = "Reconstruct ptychography scans with trained networks."
EPILOG = """\
`ptycho-pareto SUBCOMMAND --help` has examples. The exit status is 0 if all went well, 1 if a file
or this machine would not do (one line on stderr says why), 2 if the arguments are wrong, and 130
after Ctrl-C. Nothing is left half-written.
"""
_INTERRUPTED = 130
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the command line, without the name of the command; None: the process' own.

    Returns
    -------
    int
        The exit status: 0 for success, 1 for a file or a machine that will not do, 130 after
        Ctrl-C; a subcommand may have others. Wrong arguments end the process with status 2.
    """
    options = parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr, force=True)
    # Threads that wait have to sleep: those of OpenMP would spin, which takes many times as long
    # where other programs compute. It asks before torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        status: int = options.run(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader of our output has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("interrupted; nothing is left half-written", file=sys.stderr)
        return _INTERRUPTED
    except Exception as error:
        reason = in_one_line(error)
        if reason is None:  # an error of this program, which its traceback tells best
            raise
        print(f"ptycho-pareto {options.subcommand}: {reason}", file=sys.stderr)
        return 1


def parser() -> ArgumentParser:
    """Build the parser of the command and all its subcommands."""
    root = ArgumentParser(
        "ptycho-pareto",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=ptychopareto.__version__)
    choices = root.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    for name in SUBCOMMANDS:
        one: Subcommand = import_module(f"ptychopareto.command.{name}").SUBCOMMAND
        own = choices.add_parser(
            name,
            help=one.summary,
            description=one.description,
            epilog=f"examples:\n{one.examples}",
            formatter_class=RawDescriptionHelpFormatter,
        )
        one.add_arguments(own)
        own.set_defaults(run=one.run)
    return root


def in_one_line(error: Exception) -> str | None:
    """Say in one line why a file or this machine will not do; None for an error of the program."""
    from ptychopareto.config import ConfigError
    from ptychopareto.files import FileError

    if isinstance(error, CommandError | ConfigError | FileError):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno is not None:
        where = f"{error.filename}: " if error.filename is not None else ""
        said = "; it was not written" if where else "; nothing was written"
        hint = said if error.errno in _NO_ROOM else ""
        return f"{where}{os.strerror(error.errno)}{hint}"
    if isinstance(error, MemoryError):
        return "this machine has not enough memory for it"
    if type(error).__name__ == "OutOfMemoryError":  # of torch, which need not be imported here
        return f"the device has not enough memory for it ({str(error).splitlines()[0]})"
    return None
