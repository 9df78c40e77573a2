"""HDF5 files: read so that a damaged or incomplete one is refused in one line."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychopareto.files.errors import reading, refusal
from ptychopareto.files.npz import largest_content
from ptychopareto.readers.format import Contents, Entry
from ptychopareto.readers.swmr import Writer, open_beside_writer, writer_of

_WANTED = "a whole HDF5 file"
_IN_USE = (
    "is open for writing, or its writer was killed; a file that can be read meanwhile is written "
    "in SWMR mode (in h5py: file.swmr_mode = True)"
)
_DEPTH = 3  # levels of groups that recognition sees
_MOST_NAMES = 2000  # names that recognition sees; a level is listed before the next one
_MOST_VIRTUAL = 3  # virtual datasets, each a part of the next; HDF5 itself follows endlessly
_NEED_NO_REASON = 2**27  # bytes that a dataset may take however few the file has for it
_LARGEST_RATIO = 20_000  # unpacked over packed size of counts that are nearly all zero
_MOST_LINKS = 16  # links that lead from one to the next
LONGEST_TEXT = 2**16  # characters


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file; whatever fails in the block because of it becomes one line.

    A file that a program writes in SWMR mode can be read meanwhile, any other one cannot.

    Raises
    ------
    FileError
        The file is missing or damaged, or a program writes it and lets nobody read it.
    """
    with reading(path, _WANTED):
        writer = writer_of(path)
        if writer == "alone":
            raise refusal(path, _IN_USE)
        with _opened(path, writer) as file:
            yield file


def _opened(path: Path, writer: Writer) -> h5py.File:
    if writer == "swmr":
        return open_beside_writer(path)
    try:
        return h5py.File(path, "r", locking="best-effort")
    except BlockingIOError as error:  # locked by a program that writes it
        raise refusal(path, _IN_USE) from error


def read_contents(path: Path) -> Contents:
    """List the upper levels of an HDF5 file without following a link to another place.

    Raises
    ------
    FileError
        The file is missing or damaged.
    """
    entries: dict[str, Entry] = {}
    definitions: dict[str, str] = {}
    with opened(path) as file, path.open("rb") as stream:
        level: list[tuple[str, h5py.Group]] = [("", file)]
        for _ in range(_DEPTH):
            deeper: list[tuple[str, h5py.Group]] = []
            for prefix, group in level:
                for name in group:
                    if len(entries) >= _MOST_NAMES:
                        break
                    full = f"{prefix}{name}"
                    item = _own(group, name)
                    entries[full] = _entry(item)
                    if isinstance(item, h5py.Group):
                        deeper.append((f"{full}/", item))
                    elif name == "definition" and item is not None:
                        definitions[full] = _text(item)
            level = deeper
        return Contents(
            *(path, "hdf5", entries, frozenset(file.attrs), definitions, stream.read(128))
        )


def find(path: Path, file: h5py.Group, name: str) -> h5py.Dataset | h5py.Group | None:
    """Follow a name through groups, soft links and external links.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    file : Group
        The open file, or a group of it, at which the name begins.
    name : str
        Names of groups and links, with slashes between them.

    Returns
    -------
    Dataset or Group or None
        The dataset or group; None if nothing has this name.

    Raises
    ------
    FileError
        A link leads to a file or a dataset that is not there.
    """
    return _follow(path, file, name, _MOST_LINKS)


def find_dataset(path: Path, file: h5py.Group, *names: str) -> h5py.Dataset | None:
    """Find the first dataset that exists under one of several names.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    file : Group
        The open file, or a group of it.
    *names : str
        Names with slashes, as `find` takes them.

    Returns
    -------
    Dataset or None
        The dataset; None if there is none.

    Raises
    ------
    FileError
        A link leads nowhere, or the dataset holds no plain numbers, or holds them in files that are
        missing.
    """
    for name in names:
        item = find(path, file, name)
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            _check_complete(path, item)
            return item
    return None


def check_size(path: Path, dataset: h5py.Dataset, numbers: int) -> None:
    """Refuse to load more numbers of a dataset than half of the machine's memory holds.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    dataset : Dataset
        An open dataset.
    numbers : int
        How many of its numbers are to be loaded at once.

    Raises
    ------
    FileError
        The numbers take more, or more than the file has for them.
    """
    claimed, allowed = numbers * dataset.dtype.itemsize, largest_content()
    if claimed > allowed:
        raise refusal(
            path,
            f"{dataset.name} claims {claimed} bytes at once; at most {allowed}, half of the "
            "memory of this machine, are allowed",
        )
    check_stored(path, dataset, numbers)


def check_stored(path: Path, dataset: h5py.Dataset, numbers: int) -> None:
    """Refuse more numbers of a dataset than the bytes in the file can be unpacked to.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    dataset : Dataset
        An open dataset.
    numbers : int
        How many of its numbers are to be read.

    Raises
    ------
    FileError
        The numbers take many times more bytes than the file has; few numbers are allowed in any
        case.
    """
    claimed, stored = numbers * dataset.dtype.itemsize, dataset.id.get_storage_size()
    if claimed > max(_NEED_NO_REASON, _LARGEST_RATIO * stored) and not dataset.is_virtual:
        raise refusal(path, f"{dataset.name} claims {claimed} bytes; the file has {stored} for it")


def _own(group: h5py.Group, name: str) -> h5py.Dataset | h5py.Group | None:
    """Return what a group itself holds under a name, not what a link there leads to."""
    link = group.get(name, getlink=True)
    item = group.get(name) if isinstance(link, h5py.HardLink) else None
    return item if isinstance(item, h5py.Dataset | h5py.Group) else None


def _entry(item: h5py.Dataset | h5py.Group | None) -> Entry:
    if not isinstance(item, h5py.Dataset):
        return Entry()
    try:
        return Entry(item.shape, item.dtype)
    except TypeError:  # a type that NumPy does not have
        return Entry(item.shape)


def _text(item: h5py.Dataset) -> str:
    """Return the text that a dataset holds; an empty one if it holds something else."""
    is_text = h5py.check_string_dtype(item.dtype) is not None
    if not is_text or item.size != 1 or item.dtype.itemsize > LONGEST_TEXT:
        return ""
    value = np.asarray(item[()]).reshape(-1)[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _follow(
    path: Path, here: h5py.Group, name: str, links: int
) -> h5py.Dataset | h5py.Group | None:
    item: Any = here.file if name.startswith("/") else here
    for part in filter(None, name.split("/")):
        if not isinstance(item, h5py.Group):
            return None
        link = item.get(part, getlink=True)
        if link is None:
            return None
        if links == 0:
            raise refusal(path, f"{name} is a link that leads from one to the next without an end")
        if isinstance(link, h5py.SoftLink):
            found = _follow(path, item, link.path, links - 1)
            if found is None:
                raise refusal(path, f"{part} is a link to {link.path}, which is not there")
        elif isinstance(link, h5py.ExternalLink):
            _other_file(path, item, link.filename)
            found = item.get(part)
            if found is None:
                raise refusal(
                    path, f"{part} is a link to {link.path} of {link.filename}, which has no such"
                )
        else:
            found = item.get(part)
        item = found
    return item if isinstance(item, h5py.Dataset | h5py.Group) else None


def _other_file(path: Path, item: h5py.Group | h5py.Dataset, name: str) -> Path:
    """Find another file that this one needs: HDF5 reads a missing one as zeros."""
    folder = Path(item.file.filename).parent
    for place in (folder / name, folder / Path(name).name):
        if place.is_file():  # no pipe or device, which would never end
            return place
    raise refusal(path, f"needs the file {name} beside it, which is missing")


def _check_complete(path: Path, dataset: h5py.Dataset, depth: int = 0) -> None:
    """Refuse a dataset whose numbers lie in files that are missing or cannot be unpacked."""
    if dataset.external:
        raise refusal(path, f"{dataset.name} keeps its numbers in raw files, which are not read")
    if dataset.is_virtual and depth == _MOST_VIRTUAL:
        raise refusal(path, f"{dataset.name} is taken from itself, or from too far away")
    if dataset.is_virtual:
        for source in dataset.virtual_sources():
            _check_source(path, dataset, source, depth + 1)
    check_readable(path, dataset)


def check_readable(path: Path, dataset: h5py.Dataset) -> None:
    """Refuse a dataset that cannot be unpacked, or whose other files have gone.

    This check is quick enough for each time that a part of a dataset is read. `find_dataset` has
    looked into the other files before.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    dataset : Dataset
        An open dataset.

    Raises
    ------
    FileError
        A file is missing, a filter is not known, or a chunk is larger than the memory allows.
    """
    if dataset.is_virtual:
        for name in {source.file_name for source in dataset.virtual_sources()} - {"."}:
            _other_file(path, dataset, name)
    plist = dataset.id.get_create_plist()
    filters = [plist.get_filter(number) for number in range(plist.get_nfilters())]
    unknown = [code for code, *_ in filters if not h5py.h5z.filter_avail(code)]
    if unknown:
        import hdf5plugin  # noqa: F401 - registers filters, and costs time

        unknown = [code for code in unknown if not h5py.h5z.filter_avail(code)]
    if unknown:
        raise refusal(path, f"{dataset.name} is packed by HDF5 filter {unknown[0]}, not known here")
    if dataset.chunks:
        check_size(path, dataset, math.prod(dataset.chunks))


def _check_source(path: Path, dataset: h5py.Dataset, source: Any, depth: int) -> None:
    """Refuse a virtual dataset if a source is missing or shorter than what is taken of it."""
    if source.file_name == ".":
        shape = _source_shape(path, dataset.file, source.dset_name, depth)
    else:
        place = _other_file(path, dataset, source.file_name)
        with opened(place) as other:
            shape = _source_shape(place, other, source.dset_name, depth)
    if shape is None:
        raise refusal(path, f"needs {source.dset_name} of {source.file_name}, which is not there")
    if source.src_space.get_select_type() == h5py.h5s.SEL_ALL:  # has no shape of its own
        fits = math.prod(shape) == source.vspace.get_select_npoints()
    else:
        _, last = source.src_space.get_select_bounds()
        fits = len(last) == len(shape) and all(map(int.__lt__, last, shape))
    if not fits:
        raise refusal(
            path,
            f"takes more of {source.dset_name} in {source.file_name} than there is; that has the "
            f"shape {shape}",
        )


def _source_shape(path: Path, file: h5py.File, name: str, depth: int) -> tuple[int, ...] | None:
    """Return the shape of a dataset that a virtual one takes from; None if there is no such."""
    found = find(path, file, name)
    if not isinstance(found, h5py.Dataset) or found.shape is None:
        return None
    check_stored(path, found, found.size)
    _check_complete(path, found, depth)
    return tuple(found.shape)
