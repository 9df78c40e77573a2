"""The formats in which reconstructions are written."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ptychopareto.files.errors import refusal
from ptychopareto.writers.cxi import write_cxi
from ptychopareto.writers.ptychodus_product import write_product
from ptychopareto.writers.result import Result


@dataclass(frozen=True)
class Writer:
    """One format of reconstructions.

    Attributes
    ----------
    suffix : str
        Its usual suffix.
    wants_metres : bool
        Whether it holds metres, and so needs the size of the object's pixels.
    write : callable
        Writes a reconstruction to a path.
    """

    suffix: str
    wants_metres: bool
    write: Callable[[Path, Result], None]


WRITERS = {
    "cxi": Writer(".cxi", False, write_cxi),
    "ptychodus": Writer(".h5", True, write_product),
}


def check_writable(path: Path, name: str, pixel: tuple[float, float] | None) -> None:
    """Refuse a format that a scan cannot be written in, before anything is computed.

    Parameters
    ----------
    path : Path
        File of the scan, for the message.
    name : str
        The format, a key of `WRITERS`.
    pixel : tuple of float or None
        (row, column) [m] of the object None where it is not known.

    Raises
    ------
    FileError
        The format holds metres, and the size of the object's pixels is not known.
    """
    if WRITERS[name].wants_metres and pixel is None:
        raise refusal(
            path, f"the format {name} holds metres, and the scan does not tell the size of the "
            "object's pixels; --object-pixel METRES, or --energy, --distance and --pixel-size do"
        )  # fmt: skip


def write_result(path: Path, result: Result, name: str) -> None:
    """Write a reconstruction; the file is there whole or not at all.

    Parameters
    ----------
    path : Path
        Where to write it.
    result : Result
        The reconstruction.
    name : str
        The format, a key of `WRITERS`.
    """
    WRITERS[name].write(path, result)
