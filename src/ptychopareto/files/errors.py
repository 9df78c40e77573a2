"""Refuse a file that will not do, in one line."""

import reprlib
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileError(ValueError):
    """A file that cannot be used: one line with its path, what is wrong and what is wanted."""


_LONGEST_REASON = 300  # characters; a damaged file can name itself at any length


def refusal(path: Path, reason: str) -> FileError:
    """Make the error of a file, as one printable line of bounded length.

    Parameters
    ----------
    path : Path
        The file.
    reason : str
        What is wrong with it, and what is wanted.

    Returns
    -------
    FileError
    """
    line = " ".join(reason.split())
    if len(line) > _LONGEST_REASON:
        line = f"{line[: _LONGEST_REASON // 2]} … {line[-_LONGEST_REASON // 2 :]}"
    return FileError("".join(c if c.isprintable() else "?" for c in f"{path}: {line}"))


# Errors that readers (json, csv, zipfile, numpy.lib.format, torch) raise on damaged bytes.
DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    RuntimeError,  # an encrypted member; NotImplementedError: a later version of the format
    SyntaxError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


@contextmanager
def reading(path: Path, wanted: str) -> Iterator[None]:
    """Turn the errors that damaged bytes raise in a block into a refusal.

    Parameters
    ----------
    path : Path
        The file that the block reads.
    wanted : str
        What the file should be.

    Raises
    ------
    FileError
        The block raised an error of reading, or ran out of memory.
    """
    try:
        yield
    except FileError:
        raise
    # MemoryError too: a process may be allowed less memory than the machine has.
    except (*DAMAGE, MemoryError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise refusal(path, f"cannot be read ({reason}); {wanted} is wanted") from error


def shortened(value: object) -> str:
    """Write a value in few words, for a message."""
    return reprlib.repr(value)
