"""The record of what a model was made from, read without the weights and without torch."""

from pathlib import Path

from ptychopareto.files.text import parse_json

LARGEST_HEADER = 2**20  # bytes; that of a network has some 10 kB


def read_made_from(model: Path) -> dict[str, str] | None:
    """Read what a training was made from, out of the header of its `model.safetensors`.

    Parameters
    ----------
    model : Path
        The file, which may be missing.

    Returns
    -------
    dict of str to str or None
        What identifies the run, its settings, its data and its code, as `save_model` wrote it;
        None where the file does not say it: missing, damaged, or written by other means.
    """
    try:
        with model.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            if size > LARGEST_HEADER:
                return None
            header = parse_json(stream.read(size))
            made_from = parse_json(header["__metadata__"]["made_from"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return made_from if isinstance(made_from, dict) else None
