"""Digests that identify the content of a file: its path and its times say nothing of it.

A digest is kept with the size and the times of its file, so that a scan of many gigabytes is read
once, and again only after somebody wrote to it.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ptychopareto.files import FileError, atomic, parse_json

SLOW = 2**30  # bytes: reading so many takes seconds, and the user is told why


class Digests:
    """The digests of files, remembered from call to call.

    Parameters
    ----------
    memory : Path
        The file that remembers them. Without it, or with a damaged one, all files are read.
    """

    def __init__(self, memory: Path) -> None:
        self.memory = memory
        self._known: dict[str, list[Any]] = {}
        with suppress(OSError, ValueError):  # it only saves time
            known = parse_json(memory.read_text(encoding="utf-8"))
            self._known = known if isinstance(known, dict) else {}

    def of(self, path: Path) -> str:
        """Return the digest of a file, or of the names and contents of the files in a folder.

        Parameters
        ----------
        path : Path
            An existing file or folder.

        Returns
        -------
        str
            16 hexadecimal digits.

        Raises
        ------
        FileError
            A file cannot be read.
        """
        if not path.is_dir():
            return self._of_file(path)
        whole = hashlib.sha256()
        for file in _files_in(path):
            whole.update(f"{file.name}\0{self._of_file(file)}\n".encode())
        return whole.hexdigest()[:16]

    def _of_file(self, path: Path) -> str:
        """Return the digest of a file; read it if it is not the one that is remembered."""
        status, name = path.stat(), str(path.resolve())
        # The last of them changes with the content, even where a program sets the others back.
        now = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        known = self._known.get(name)
        if isinstance(known, list) and known[:-1] == now and isinstance(known[-1], str):
            return known[-1]
        if status.st_size > SLOW:
            size = f"{status.st_size / 2**30:.0f} GB"
            print(f"{path}: reading {size} once, to see later whether it changed", file=sys.stderr)
        digest = _digest(path)
        self._known[name] = [*now, digest]
        with suppress(OSError), atomic(self.memory) as temporary:  # a folder that is only read
            temporary.write_text(json.dumps(self._known), encoding="utf-8")
        return digest


def _digest(path: Path) -> str:
    """Read a whole file."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
    except OSError as error:
        reason = f"{error.strerror}; a file that can be read is wanted"
        raise FileError(f"{path}: {reason}") from error


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder in the order of their names, without hidden ones."""
    files = (file for file in folder.iterdir() if file.is_file())
    yield from sorted(file for file in files if not file.name.startswith("."))


def by_content(value: Any, digests: Digests) -> Any:
    """Replace each path in settings by the digest of what lies there.

    Parameters
    ----------
    value : object
        A section of the config, a list of them, or one value.
    digests : Digests
        Where the digests come from.

    Returns
    -------
    object
        The same with digests in place of paths: equal for equal content, wherever it lies.
    """
    if isinstance(value, Path):
        return Path(digests.of(value)).with_suffix(value.suffix)  # readers may go by it
    if isinstance(value, BaseModel):
        fields = {name: by_content(item, digests) for name, item in value}
        return value.model_copy(update=fields)
    if isinstance(value, list | tuple):
        return type(value)(by_content(item, digests) for item in value)
    return value
