"""Ways to make an HDF5 file lie; those of `mutations.py` damage its bytes."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .mutations import Mutation, Random, pick

_ODD_NAMES = ["../x", "/dev/zero", "a\nb", "x" * 5000, "data", "entry_1", "chunks", "0", "é\0"]


def changed(content: bytes, change: Callable[[h5py.File], None]) -> bytes:
    """The file after a change."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        with h5py.File(path, "r+") as file:
            change(file)
        return path.read_bytes()


def datasets(file: h5py.File) -> list[str]:
    """Names of the datasets of a file itself, links left out."""
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if _is_dataset(item) else None)
    return names


def _is_dataset(item: Any) -> bool:
    return isinstance(item, h5py.Dataset)


def _everything(file: h5py.File) -> list[str]:
    names: list[str] = []
    file.visit(names.append)
    return names


def other_dtype(content: bytes, rng: Random) -> bytes:
    """A dataset of another type, objects, text and references among them."""
    kinds = ["f2", ">f8", "c16", "i8", "u1", "bool", "S4", "M8[s]", "O", "ref", "compound", "g"]

    def change(file: h5py.File) -> None:
        name, kind = pick(rng, datasets(file)), pick(rng, kinds)
        shape = file[name].shape
        del file[name]
        if kind == "O":
            file.create_dataset(name, shape, h5py.string_dtype())[...] = "x"
        elif kind == "ref":
            file.create_dataset(name, shape, h5py.ref_dtype)
        elif kind == "compound":
            file[name] = np.ones(shape, [("real", "f4"), ("imag", pick(rng, ["f4", "S3"]))])
        elif kind == "M8[s]":
            file[name] = np.ones(shape, "i8").astype(h5py.opaque_dtype(np.dtype("M8[s]")))
        else:
            file[name] = np.ones(shape, kind)

    return changed(content, change)


def other_shape(content: bytes, rng: Random) -> bytes:
    """A dataset of another shape, empty, huge or never written."""

    def change(file: h5py.File) -> None:
        name = pick(rng, datasets(file))
        array = file[name][()]
        array = np.asarray(array)
        huge = [(2**40, 16, 16), (10**5, 10**5), (3, 2**29, 2**29), (2**50,), (2**28, 4)]
        del file[name]
        if rng.random() < 0.4:
            shape = pick(rng, huge)
            data = file.create_dataset(name, shape, "f4", chunks=tuple(min(s, 16) for s in shape))
            if rng.random() < 0.5:
                data[tuple([0] * len(shape))] = 1
            return
        changes: list[Any] = [
            array[None],
            array.ravel(),
            array.reshape(-1)[:0],
            array[..., None, None],
            array[:-1] if array.ndim else array,
            array[:, :1] if array.ndim > 1 else array,
            array.T,
            np.float64(0),
            h5py.Empty("f8"),
        ]
        file[name] = pick(rng, changes)

    return changed(content, change)


def other_value(content: bytes, rng: Random) -> bytes:
    """One number of a dataset, or all, become odd ones."""

    def change(file: h5py.File) -> None:
        name = pick(rng, [name for name in datasets(file) if file[name].dtype.kind in "fciub"])
        array = file[name][()]
        array = np.array(array)
        values: list[float] = [0, 1]
        values += [-1, 2**31 - 1] if array.dtype.kind in "ifc" else []
        values += [0.5, 1e38, 1e-300, np.nan, np.inf, -np.inf] if array.dtype.kind in "fc" else []
        with np.errstate(all="ignore"):
            if array.size and rng.random() < 0.6:
                array.reshape(-1)[int(rng.integers(array.size))] = pick(rng, values)
            else:
                array[...] = pick(rng, values)
        attributes = dict(file[name].attrs)
        del file[name]
        file[name] = array
        file[name].attrs.update(attributes)

    return changed(content, change)


def missing_name(content: bytes, rng: Random) -> bytes:
    def change(file: h5py.File) -> None:
        del file[pick(rng, _everything(file))]

    return changed(content, change)


def renamed(content: bytes, rng: Random) -> bytes:
    def change(file: h5py.File) -> None:
        name = pick(rng, _everything(file))
        item = file[name]
        del file[name]
        parent = name.rpartition("/")[0]
        new = pick(rng, _ODD_NAMES).replace("\0", "")
        if new not in file[parent or "/"]:
            file[parent or "/"][new] = item

    return changed(content, change)


def other_link(content: bytes, rng: Random) -> bytes:
    """A dataset or group becomes a link to nowhere, to itself, to a device or to another file."""

    def change(file: h5py.File) -> None:
        name = pick(rng, _everything(file))
        target = pick(rng, _everything(file))
        del file[name]
        places = ["/none", f"/{name}", ".", "..", f"/{target}", "x" * 5000]
        files = ["none.h5", "/dev/zero", ".", "../scan", "scan.h5", "/etc/passwd"]
        soft = h5py.SoftLink(pick(rng, places))
        other = h5py.ExternalLink(pick(rng, files), pick(rng, places))
        file[name] = pick(rng, [soft, other])

    return changed(content, change)


def other_kind(content: bytes, rng: Random) -> bytes:
    """A dataset becomes a group, a group a dataset, a type, or a virtual dataset."""

    def change(file: h5py.File) -> None:
        name = pick(rng, _everything(file))
        shape = file[name].shape if isinstance(file[name], h5py.Dataset) else (3, 16, 16)
        del file[name]
        kind = pick(rng, ["group", "dataset", "type", "virtual", "virtual", "external"])
        if kind == "group":
            file.create_group(f"{name}/data")
        elif kind == "dataset":
            file[name] = np.arange(3)
        elif kind == "type":
            file[name] = np.dtype("f4")
        elif kind == "external":
            raw = [("/dev/zero", 0, h5py.h5f.UNLIMITED)]
            file.create_dataset(name, (3, 16, 16), "f4", external=raw)
        else:
            shape = shape or (1,)
            layout = h5py.VirtualLayout(shape, "f4")
            source = pick(rng, ["none.h5", "/dev/zero", "scan.h5"])
            layout[...] = h5py.VirtualSource(source, pick(rng, ["data", name]), shape)
            file.create_virtual_dataset(name, layout)

    return changed(content, change)


def other_attribute(content: bytes, rng: Random) -> bytes:
    odd: list[Any] = ["", "furlong", "keV", "nm", "None", np.nan, -1, np.zeros(3), "x" * 10_000]
    odd += [b"\xff\xfe", h5py.Empty("f4"), ["a", "b"], True]

    def change(file: h5py.File) -> None:
        item = file[pick(rng, _everything(file))]
        name = pick(rng, ["units", "type", "MATLAB_empty", "definition", "NX_class"])
        item.attrs[name] = pick(rng, odd)

    return changed(content, change)


HDF5: list[Mutation] = [
    other_dtype,
    other_shape,
    other_value,
    missing_name,
    renamed,
    other_link,
    other_kind,
    other_attribute,
]
