"""A file that will not do is refused in one line."""

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
    """The error of a file: its path and the reason, as one printable line of bounded length."""
    line = " ".join(reason.split())
    if len(line) > _LONGEST_REASON:
        line = f"{line[: _LONGEST_REASON // 2]} … {line[-_LONGEST_REASON // 2 :]}"
    return FileError("".join(c if c.isprintable() else "?" for c in f"{path}: {line}"))


# What readers (json, csv, zipfile, numpy.lib.format, torch) raise on damaged bytes.
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
    """Turn whatever damaged bytes raise in the block into a refusal that says what is wanted."""
    try:
        yield
    except FileError:
        raise
    # Without memory: a process may take less than the machine has.
    except (*DAMAGE, MemoryError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise refusal(path, f"cannot be read ({reason}); {wanted} is wanted") from error


def shortened(value: object) -> str:
    """A value in few words, to be named in a message."""
    return reprlib.repr(value)
