"""Ways to damage a file or to make it lie. Each is decided by its random generator alone."""

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Random = np.random.Generator
Mutation = Callable[[bytes, Random], bytes]
Arrays = dict[str, NDArray[Any]]


def pick(rng: Random, choices: Any) -> Any:
    """One of a list, as it is: `rng.choice` would make an array of it."""
    return choices[int(rng.integers(len(choices)))]


# --- bytes --------------------------------------------------------------------------------------


def truncate(content: bytes, rng: Random) -> bytes:
    return content[: rng.integers(len(content))]


def flip(content: bytes, rng: Random) -> bytes:
    changed = bytearray(content)
    for position in _positions(content, rng, count=int(rng.integers(1, 5))):
        changed[position] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def insert(content: bytes, rng: Random) -> bytes:
    (at,) = _positions(content, rng)
    return content[:at] + rng.bytes(int(rng.integers(1, 20))) + content[at:]


def delete(content: bytes, rng: Random) -> bytes:
    (at,) = _positions(content, rng)
    return content[:at] + content[at + int(rng.integers(1, 20)) :]


def splice(content: bytes, rng: Random) -> bytes:
    """A piece of the file over another one."""
    source, target = _positions(content, rng, count=2)
    piece = content[source : source + int(rng.integers(1, 200))]
    return content[:target] + piece + content[target + len(piece) :]


def zero(content: bytes, rng: Random) -> bytes:
    (at,) = _positions(content, rng)
    count = min(int(rng.integers(1, 200)), len(content) - at)
    return content[:at] + bytes(count) + content[at + count :]


def repeat(content: bytes, rng: Random) -> bytes:
    return content * int(rng.integers(2, 4))


def _positions(content: bytes, rng: Random, count: int = 1) -> list[int]:
    """Anywhere, or in the first or last kilobyte, where the headers are."""
    spans = [(0, len(content)), (0, min(1024, len(content))), (max(0, len(content) - 1024), 0)]
    found = []
    for _ in range(count):
        low, high = pick(rng, spans)
        found.append(int(rng.integers(low, high or len(content))))
    return found


BYTES: list[Mutation] = [truncate, flip, insert, delete, splice, zero, repeat]


# --- NPZ ----------------------------------------------------------------------------------------


def unpacked(content: bytes) -> Arrays:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def packed(arrays: Arrays, compress: bool = False) -> bytes:
    stream = io.BytesIO()
    (np.savez_compressed if compress else np.savez)(stream, **arrays)
    return stream.getvalue()


def npy(header: object, data: bytes, version: int = 1) -> bytes:
    """An array file with any header."""
    text = header if isinstance(header, str) else repr(header)
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode("latin1") + data


def lying_header(content: bytes, rng: Random) -> bytes:
    """One array says that it is something else than its bytes are; the checksum is right."""
    arrays = unpacked(content)
    key = pick(rng, list(arrays))
    array = arrays.pop(key)
    shapes = [(10**9, 64, 64), (2**62, 4), (-1,), (0,), (), (2**40, 0), "shape", array.shape[::-1]]
    types = ["<f4", "<c8", ">f8", "|O", "<U9", "<U0", "|V4", "<M8[s]", "nonsense", [("x", "<f4")]]
    header = {
        "descr": pick(rng, [array.dtype.str, *types]),
        "fortran_order": pick(rng, [False, True, "yes"]),
        "shape": pick(rng, [array.shape, *shapes]),
    }
    if rng.random() < 0.2:
        del header[pick(rng, list(header))]
    return _with_member(packed(arrays), f"{key}.npy", npy(header, array.tobytes()))


def other_dtype(content: bytes, rng: Random) -> bytes:
    arrays = unpacked(content)
    key = pick(rng, list(arrays))
    if arrays[key].dtype.kind not in "fciu":
        return duplicate(content, rng)
    kinds = ["f2", "f8", "c16", "i8", "u1", "bool", "U8", "S4", "O", "M8[s]"]
    with np.errstate(all="ignore"):
        real = arrays[key].real
        arrays[key] = np.nan_to_num(real).astype(pick(rng, kinds))  # objects are pickled
    return packed(arrays)


def other_shape(content: bytes, rng: Random) -> bytes:
    arrays = unpacked(content)
    key = pick(rng, list(arrays))
    array = arrays[key]
    changes = [
        array[None],
        array.ravel(),
        array.reshape(-1)[:1],
        array.reshape(-1)[:0],
        array[..., None, None],
        array[:-1] if array.ndim else array,
        array[:, :1] if array.ndim > 1 else array,
        np.moveaxis(array, 0, -1) if array.ndim else array,
        np.array(0.0),
    ]
    arrays[key] = pick(rng, changes)
    return packed(arrays, compress=bool(rng.integers(2)))


def other_value(content: bytes, rng: Random) -> bytes:
    arrays = unpacked(content)
    numbers = [key for key, array in arrays.items() if array.dtype.kind in "fci" and array.size]
    key = pick(rng, numbers)
    array = arrays[key].copy()
    values: list[float] = [-1, 0, 1, 2**31 - 1]
    if array.dtype.kind != "i":
        values += [0.5, 1e38, np.nan, np.inf, -np.inf]
    with np.errstate(all="ignore"):
        if rng.random() < 0.3:
            array[...] = pick(rng, values)
        else:
            array.flat[int(rng.integers(array.size))] = pick(rng, values)
    arrays[key] = array
    return packed(arrays)


def missing_key(content: bytes, rng: Random) -> bytes:
    arrays = unpacked(content)
    del arrays[pick(rng, list(arrays))]
    return packed(arrays)


def renamed_key(content: bytes, rng: Random) -> bytes:
    arrays = unpacked(content)
    array = arrays.pop(pick(rng, list(arrays)))
    name = pick(rng, ["../x", "/tmp/x", "a\nb", "x" * 60_000, "", "diffraction", "object"])
    return _with_member(packed(arrays), f"{name}.npy", packed_array(array))


def duplicate(content: bytes, rng: Random) -> bytes:
    key = pick(rng, list(unpacked(content)))
    return _with_member(content, f"{key}.npy", packed_array(np.zeros(3)))


def other_compression(content: bytes, rng: Random) -> bytes:
    method = pick(rng, [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED])
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for key, array in unpacked(content).items():
            archive.writestr(f"{key}.npy", packed_array(array))
    return stream.getvalue()


def bomb(content: bytes, rng: Random) -> bytes:
    arrays = unpacked(content)
    key = pick(rng, list(arrays))
    arrays[key] = np.zeros((int(rng.integers(5_000, 50_000)), 8, 8), np.float32)
    return packed(arrays, compress=True)


def packed_array(array: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _with_member(content: bytes, name: str, member: bytes) -> bytes:
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name may stand there already
        archive.writestr(name, member)
    return stream.getvalue()


NPZ: list[Mutation] = [
    lying_header,
    other_dtype,
    other_shape,
    other_value,
    missing_key,
    renamed_key,
    duplicate,
    other_compression,
    bomb,
]


# --- safetensors --------------------------------------------------------------------------------


def parts(content: bytes) -> tuple[dict[str, Any], bytes]:
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def joined(header: dict[str, Any] | bytes, data: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def lying_length(content: bytes, rng: Random) -> bytes:
    size = pick(rng, [0, 1, 2**63, 2**64 - 1, 10**8, len(content), len(content) - 8, 2**20 + 1])
    return int(size).to_bytes(8, "little") + content[8:]


def other_tensor(content: bytes, rng: Random) -> bytes:
    """One entry of the header lies: about its offsets, its shape or its type."""
    header, data = parts(content)
    names = [name for name in header if name != "__metadata__"]
    entry, other = header[pick(rng, names)], header[pick(rng, names)]
    wrong: dict[str, list[Any]] = {
        "data_offsets": [other["data_offsets"], [0, 0], [0, 2**60], [-1, 4], [8, 4], [0], "x"],
        "shape": [other["shape"], [], [0], [2**60, 16], [-1], [10**9, 10**9], "x", None],
        "dtype": ["F64", "I32", "BF16", "BOOL", "F8_E4M3", "nonsense", None],
    }
    key = pick(rng, list(wrong))
    entry[key] = pick(rng, wrong[key])
    return joined(header, data)


def other_names(content: bytes, rng: Random) -> bytes:
    header, data = parts(content)
    name = pick(rng, [name for name in header if name != "__metadata__"])
    change = pick(rng, ["remove", "rename", "add"])
    if change == "add":
        header["extra"] = {
            "dtype": "F32",
            "shape": [4],
            "data_offsets": [len(data), len(data) + 16],
        }
        return joined(header, data + bytes(16))
    entry = header.pop(name)
    if change == "rename":
        header[pick(rng, ["../x", "a\nb", "", name.upper()])] = entry
    return joined(header, data)


def other_weights(content: bytes, rng: Random) -> bytes:
    header, data = parts(content)
    at = 4 * int(rng.integers(len(data) // 4))
    value = struct.pack("<f", pick(rng, [np.nan, np.inf, -np.inf, 3e38, 0.0]))
    return joined(header, data[:at] + value + data[at + 4 :])


def other_network(content: bytes, rng: Random) -> bytes:
    """The header describes another network than the one that the weights are of."""
    header, data = parts(content)
    config = json.loads(header["__metadata__"]["network"])
    counts = [0, -1, 1, 10**6, 10**9, 10**18, 2**63, 10**400, 4.0, 4.5, "4", True, None, [4], {}]
    wrong: dict[str, list[Any]] = {
        "width": counts,
        "modes": counts,
        "N": counts,
        "channels": counts,
        "architecture": ["unet", "hybrid", "", None, 3, ["fno"], "fno\n"],
        "input_transform": ["exp", "sqrt", None, 3],
        "head": ["amp_phase", "polar", None, 3],
        "max_channels": [*counts, 64],
        "skips": [True, False, 1, "true"],
        "magnification": [float("nan"), float("inf"), 1e308, 0, "1", None, -1],
        "input_scale": [0, -1.0, float("nan"), 1e-320, "1", None],
        "transmission": [float("nan"), "1", None, 2],
        "unknown": [1],
    }
    key = pick(rng, list(wrong))
    if rng.random() < 0.1:
        config.pop(key, None)
    else:
        config[key] = pick(rng, wrong[key])
    header["__metadata__"]["network"] = json.dumps(config)
    return joined(header, data)


def other_record(content: bytes, rng: Random) -> bytes:
    header, data = parts(content)
    texts = ["", "[]", "{}", "null", "[" * 10_000, '{"status": "fine"}', '{"status": ["ok"]}', "{"]
    texts += ['{"status": "ok", "epochs": 1.5}', '{"status": "ok", "train_time_s": NaN}']
    texts += ['{"status": "ok", "error": 3}', '{"status": "ok", "other": [1, {}]}']
    metadata = header["__metadata__"]
    key = pick(rng, ["training", "training", "network"])
    match pick(rng, ["change", "change", "remove", "none"]):
        case "change":
            metadata[key] = pick(rng, texts)
        case "remove":
            del metadata[key]
        case "none":
            header["__metadata__"] = pick(rng, [{}, None, "x", {"network": 3}])
    return joined(header, data)


def deep_header(content: bytes, rng: Random) -> bytes:
    _, data = parts(content)
    depth = int(rng.integers(50, 20_000))
    return joined(b'{"a":' * depth + b"1" + b"}" * depth, data)


SAFETENSORS: list[Mutation] = [
    lying_length,
    other_tensor,
    other_names,
    other_weights,
    other_network,
    other_record,
    deep_header,
]


# --- JSON and CSV -------------------------------------------------------------------------------

ODD_JSON = [
    *("null", "true", "0", "-1", "0.5", "1e308", "1e999", "-1e999", "NaN", "-Infinity"),
    *("9" * 25, "1" * 5000, '""', '"ok"', '"a\\nb"', '"\\ud800"', '"../x"', "[]", "{}", "[1]"),
    *('{"a": 1}', "[" * 15 + "]" * 15, "[" * 100 + "]" * 100, "[" * 50_000, '{"a": ' * 50_000),
]


def odd_value(content: bytes, rng: Random) -> bytes:
    """Any value of the file becomes something else."""
    value = json.loads(content)
    places = list(_places(value))
    container, key = pick(rng, places)
    container[key] = "\0here\0"
    odd = pick(rng, ODD_JSON)
    return json.dumps(value).replace(json.dumps("\0here\0"), odd).encode()


def odd_key(content: bytes, rng: Random) -> bytes:
    value = json.loads(content)
    container, key = pick(rng, [(c, k) for c, k in _places(value) if isinstance(c, dict)])
    item = container.pop(key)
    if rng.random() < 0.5:
        container[pick(rng, ["", "../x", "a\nb", key.upper(), "run"])] = item
    return json.dumps(value).encode()


def other_root(content: bytes, rng: Random) -> bytes:
    return pick(rng, [*ODD_JSON, "", " ", "[" + content.decode() + "]"]).encode()


def other_encoding(content: bytes, rng: Random) -> bytes:
    text = content.decode()
    return pick(rng, [text.encode("utf-16"), b"\xef\xbb\xbf" + content, b"\xff" + content])


def _places(value: Any) -> Any:
    """Each container with each of its keys."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


JSON: list[Mutation] = [odd_value, odd_value, odd_value, odd_key, other_root, other_encoding]


def odd_field(content: bytes, rng: Random) -> bytes:
    lines = [line.split(",") for line in content.decode().splitlines()]
    fields = pick(rng, lines)
    odd = [
        "",
        "inf",
        "nan",
        "-1",
        "1e999",
        "9" * 30,
        "x",
        '"',
        "a\0b",
        "True",
        "1.5",
        "ok",
        "\t",
        "#",
    ]
    fields[int(rng.integers(len(fields)))] = pick(rng, odd)
    return "".join(",".join(line) + "\n" for line in lines).encode()


def odd_row(content: bytes, rng: Random) -> bytes:
    lines = content.decode().splitlines()
    at = int(rng.integers(len(lines)))
    odd = ["", ",", lines[at], lines[at] + ",1", lines[at].rpartition(",")[0], "," * 50_000, "\r"]
    lines.insert(at, pick(rng, odd))
    if rng.random() < 0.3:
        del lines[int(rng.integers(len(lines)))]
    return ("\n".join(lines) + "\n").encode()


CSV: list[Mutation] = [odd_field, odd_field, odd_row, other_encoding]
