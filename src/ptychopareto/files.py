"""Reading and writing: whole or not at all, checked, and never by pickle.

What is written appears under its name only once it is complete. What is read may come from
elsewhere, so it is checked to the last value before anything is computed from it; a file that
will not do is refused in one line.
"""

import csv
import hashlib
import io
import json
import math
import os
import reprlib
import tokenize
import zipfile
import zlib
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pandas import DataFrame, Series

_Number = TypeVar("_Number", np.float32, np.float64, np.complex64, np.int64)


class FileError(ValueError):
    """A file that cannot be used: one line with its path, what is wrong and what is wanted."""


_LONGEST_REASON = 300  # characters; a damaged file can name itself at any length


def _refusal(path: Path, reason: str) -> FileError:
    line = " ".join(reason.split())
    if len(line) > _LONGEST_REASON:
        line = f"{line[: _LONGEST_REASON // 2]} … {line[-_LONGEST_REASON // 2 :]}"
    return FileError("".join(c if c.isprintable() else "?" for c in f"{path}: {line}"))


# ---------------------------------------------------------------------------------------------
# Writing
# ---------------------------------------------------------------------------------------------


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what was written there becomes `path` at the end.

    If the block raises, the temporary file is removed and an existing `path` stays as it was.
    The folder is made where it is missing; the suffix is kept, since many writers look at it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid4().hex}{path.suffix}")
    try:
        yield temporary
        with open(temporary, "rb+") as stream:
            os.fsync(stream.fileno())  # else a power cut may leave a complete name on no content
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_npz(path: Path, **arrays: NDArray[Any]) -> None:
    """Write arrays to an uncompressed NPZ file; equal arrays give equal bytes."""
    with atomic(path) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a mapping as JSON. JSON has no word for NaN and infinity: they become null."""
    text = json.dumps(_without_nan(value), indent=2, allow_nan=False, ensure_ascii=False)
    with atomic(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _without_nan(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_csv(path: Path, table: "DataFrame") -> None:
    """Write a table as CSV, without its index; a missing value is an empty field."""
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


# ---------------------------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------------------------

# NumPy writes no compression or deflate; a damaged header can name other ones, and those cannot
# be unpacked piece by piece.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# Compressed scans shrink up to 76-fold, those of the fewest photons most. A file that claims to
# unpack to more than this many times its size is damaged or made to exhaust the memory.
_LARGEST_EXPANSION = 100

# All that zipfile reads at once is the list of members at the end; that of a scan is 1 kB.
_LARGEST_DIRECTORY = 2**20  # bytes

# JSON and CSV take up to 25 times their size in memory. The largest ones of a study, of as many
# runs as a study may have, stay below this.
_LARGEST_TEXT = 2**23  # bytes
_DEEPEST_JSON = 20  # levels of nesting

# What zipfile and numpy.lib.format raise on damaged bytes.
_DAMAGE = (
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
def _reading(path: Path, wanted: str) -> Iterator[None]:
    try:
        yield
    except FileError:
        raise
    except _DAMAGE as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise _refusal(path, f"cannot be read ({reason}); {wanted} is wanted") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON mapping; null stays None, all numbers are finite and below 2**63.

    Raises:
        FileError: it is missing, damaged, too large, nested too deeply, or no mapping.
    """
    with _reading(path, "a JSON mapping"):
        value = parse_json(_read_text(path))
    if not isinstance(value, dict):
        raise _refusal(path, f"holds a {type(value).__name__}; a JSON mapping is wanted")
    return value


def _read_text(path: Path) -> str:
    size = path.stat().st_size
    if size > _LARGEST_TEXT:
        raise ValueError(f"{size} bytes are more than {_LARGEST_TEXT}")
    return path.read_bytes().decode("utf-8")


def parse_json(text: str | bytes) -> Any:
    """Parse JSON with finite numbers below 2**63, nested up to 20 levels, or raise ValueError."""
    value = json.loads(
        text, parse_constant=_not_finite, parse_float=_finite, parse_int=_whole_number
    )
    level = [value]
    for _ in range(_DEEPEST_JSON):
        level = [inner for outer in level for inner in _values(outer)]
        if not level:
            return value
    raise ValueError(f"nested deeper than {_DEEPEST_JSON} levels")


def _values(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _not_finite(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _whole_number(digits: str) -> int:
    if len(digits) > 20 or abs(int(digits)) >= 2**63:
        raise ValueError("a number is too large")
    return int(digits)


def check_types(
    path: Path, values: Mapping[str, Any], types: Mapping[str, type[float] | type[int] | type[str]]
) -> None:
    """Refuse the values of a file unless those named in `types` are absent, None, or of their type.

    A float may be a whole number, a text is one printable line.
    """
    for name, wanted in types.items():
        value = values.get(name)
        if value is not None and not _is_a(value, wanted):
            words = {float: "a number", int: "a whole number", str: "one line of text"}
            raise _refusal(path, f"{name} is {shortened(value)}; {words[wanted]} is wanted")


def _is_a(value: Any, wanted: type) -> bool:
    if wanted is str:
        return isinstance(value, str) and value.isprintable()
    return isinstance(value, int | wanted) and not isinstance(value, bool)


def shortened(value: object) -> str:
    """A value in few words, to be named in a message."""
    return reprlib.repr(value)


def read_csv(path: Path, types: Mapping[str, str]) -> "DataFrame":
    """Read the columns of a CSV table that `types` names, of these types of pandas.

    An empty field is a missing value; other columns are left out.

    Raises:
        FileError: the file is missing, truncated or too large, a column is missing, rows are not
            of the same length, or a value is of another type, infinite, or not printable.
    """
    import pandas as pd

    with _reading(path, f"a table with the columns {', '.join(types)}"):
        text = _read_text(path)
        header = _check_rows(text)
        for name in types:
            if header.count(name) != 1:
                raise ValueError(f"{header.count(name)} columns {name}")
        table = pd.read_csv(
            io.StringIO(text),
            usecols=list(types),
            dtype=dict(types),
            index_col=False,
            keep_default_na=False,
            na_values=[""],
        )
        for name in types:
            _check_column(table[name])
    return table[list(types)]


def _check_rows(text: str) -> list[str]:
    """The names of the columns. Of short rows and of long ones pandas makes something, too."""
    if not text.endswith("\n"):
        raise ValueError("truncated" if text else "empty")
    rows = csv.reader(io.StringIO(text), strict=True)
    try:
        header = next(rows)
        if any(len(row) != len(header) for row in rows):
            raise ValueError(f"line {rows.line_num} has not {len(header)} fields")
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num}: {error}") from None
    return header


def _check_column(column: "Series[Any]") -> None:
    known = column.dropna()
    if column.dtype.kind == "f" and not np.isfinite(known).all():
        raise ValueError(f"{column.name} holds infinite values")
    if column.dtype == "string" and not all(map(str.isprintable, known)):
        raise ValueError(f"{column.name} holds special characters")


def read_npz(path: Path, keys: Container[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read the arrays of an NPZ file: all, or those of `keys` that it has.

    No more memory is taken than the file's size justifies: a header must agree with the size of
    its member, and all together may be at most 100 times as large as the file.

    Raises:
        FileError: it is missing, damaged or truncated, has an array twice, or a wanted array holds
            no numbers or text.
    """
    with (
        _reading(path, "an NPZ file as numpy.savez writes it"),
        _InPieces(path) as stream,
        zipfile.ZipFile(stream) as archive,
    ):
        wanted: dict[str, zipfile.ZipInfo] = {}
        for info in archive.infolist():
            key = info.filename.removesuffix(".npy")
            if key == info.filename or (keys is not None and key not in keys):
                continue
            if key in wanted:
                raise _refusal(path, f"has {key} twice; each array is allowed once")
            wanted[key] = info
        claimed = sum(info.file_size for info in wanted.values())
        if claimed > _LARGEST_EXPANSION * path.stat().st_size:
            raise _refusal(
                path,
                f"claims {claimed} bytes of arrays in {path.stat().st_size} bytes; "
                f"at most {_LARGEST_EXPANSION} times the file's size is allowed",
            )
        return {key: _read_member(path, archive, info) for key, info in wanted.items()}


class _InPieces(io.FileIO):
    """A file that is never read in large pieces: zipfile believes any size of the directory."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _LARGEST_DIRECTORY:
            raise ValueError(f"{size} bytes in one piece")
        return super().read(size)


def _read_member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    if info.compress_type not in _COMPRESSIONS:
        raise ValueError(f"compression method {info.compress_type}")
    with archive.open(info) as member:
        shape, dtype = _read_header(member)
        if dtype.kind not in "biufcSU" or dtype.itemsize == 0:
            kind = "an object array (pickle)" if dtype.hasobject else f"an array of {dtype}"
            key = info.filename.removesuffix(".npy")
            raise _refusal(path, f"{key} is {kind}; plain numbers or text are wanted")
        if member.tell() + math.prod(shape) * dtype.itemsize != info.file_size:
            raise ValueError(f"the shape {shape} does not agree with the size of {info.filename}")
        member.seek(0)
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        return array


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(member)
    else:  # (3, 0) is for the field names of structured arrays
        raise ValueError(f"version {version} of the array format")
    if any(side < 0 for side in shape):
        raise ValueError(f"shape {shape}")
    return shape, dtype


# ---------------------------------------------------------------------------------------------
# Datasets
# ---------------------------------------------------------------------------------------------

_COORDINATES = ("coords_offsets", "coords_true", "coords_nominal")  # the first there is, is read
_KNOWN = frozenset(
    {"diffraction", "probeGuess", "Y_I", "Y_phi", "object_index", "YY_full", "YY_ground_truth"}
    | {"intensity_scale", "norm_Y_I", *_COORDINATES}
)
_OF_PICTURES = (np.float32, np.complex64)
_SMALLEST_PATTERN = 8  # px a side
_LARGEST_METADATA = 2**20  # bytes
_LARGEST_OBJECT = 2**16  # px a side: beyond it a position is an error, and its object fits nowhere
_LARGEST_SHIFT = 1e-3  # px from a whole pixel: patches are cut at whole pixels


@dataclass(frozen=True, eq=False)
class Dataset:
    """One scan: patterns, where they were taken, the probe, and the truth where it is known.

    Attributes:
        diffraction: (B, N, N) float32, measured amplitude √counts / intensity_scale, DC at N//2.
        probe: (N, N) complex64, the probe at the sample.
        corners: (B, 2) int64, top-left corner (row, column) of each patch [px] in its object.
        object_index: (B,) int32, the object each patch was cut from.
        objects: (n, rows, columns) complex64, the whole objects.
        patches: (B, N, N) complex64, the object under each pattern, before illumination.
        ground_truth: the truth on the scored region of object 0, complex64.
        intensity_scale: √counts per unit of `diffraction`.
        norm_Y_I: the factor by which the object's amplitude was divided.
        metadata: what the file says about its making.
    """

    diffraction: NDArray[np.float32]
    probe: NDArray[np.complex64]
    corners: NDArray[np.int64]
    object_index: NDArray[np.int32]
    objects: NDArray[np.complex64] | None = None
    patches: NDArray[np.complex64] | None = None
    ground_truth: NDArray[np.complex64] | None = None
    intensity_scale: float | None = None
    norm_Y_I: float | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def N(self) -> int:
        """Side of a pattern [px]."""
        return int(self.diffraction.shape[-1])

    @property
    def object_shape(self) -> tuple[int, int]:
        """Rows and columns of an object [px]; if it is not known, of what the scan covers."""
        if self.objects is not None:
            return self.objects.shape[1], self.objects.shape[2]
        rows, columns = self.corners.max(axis=0) + self.N
        return int(rows), int(columns)

    def scored_region(self) -> tuple[slice, slice]:
        """Rows and columns of object 0 to be scored: the bounding box of its patch centres.

        Where a corner of the box has no patch centre, as in a round scan, all its sides move in by
        the distance from the corner to the nearest centre, the larger one of rows and columns. Then
        each corner has a patch centre diagonally beyond it, and the box lies between centres.
        """
        centres = self.corners[self.object_index == 0] + self.N // 2
        first, last = centres.min(axis=0), centres.max(axis=0)
        box_corners = np.array(list(product(*zip(first, last, strict=True))))
        distances = np.abs(box_corners[:, None] - centres).max(axis=-1)
        inset = min(distances.min(axis=1).max(), (last - first).min() // 2)
        first, last = first + inset, last - inset
        return slice(int(first[0]), int(last[0]) + 1), slice(int(first[1]), int(last[1]) + 1)

    @property
    def truth(self) -> NDArray[np.complex64] | None:
        """The truth on the scored region, stored as such or cut from object 0."""
        if self.ground_truth is not None or self.objects is None:
            return self.ground_truth
        rows, columns = self.scored_region()
        return self.objects[0, rows, columns]


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Write a dataset as NPZ with the keys, shapes and types of `docs/files.md`.

    `_metadata` is the dataset's metadata and the SHA-256 of each array's bytes (C order). The same
    dataset gives the same file, byte for byte.
    """
    arrays: dict[str, NDArray[Any]] = {
        "diffraction": dataset.diffraction[..., None],
        "probeGuess": dataset.probe,
        "coords_offsets": dataset.corners.astype(np.float32)[:, None, :, None],
        "object_index": dataset.object_index,
    }
    if dataset.patches is not None:
        arrays["Y_I"] = np.abs(dataset.patches)[..., None]
        arrays["Y_phi"] = np.angle(dataset.patches)[..., None]
    if dataset.objects is not None:
        arrays["YY_full"] = dataset.objects[..., None]
    if dataset.ground_truth is not None:
        arrays["YY_ground_truth"] = dataset.ground_truth[..., None]
    if dataset.intensity_scale is not None:
        arrays["intensity_scale"] = np.array(dataset.intensity_scale, dtype=np.float64)
    if dataset.norm_Y_I is not None:
        arrays["norm_Y_I"] = np.array(dataset.norm_Y_I, dtype=np.float64)
    hashes = {key: _sha256(array) for key, array in arrays.items()}
    metadata = json.dumps(_without_nan({**dataset.metadata, "sha256": hashes}), sort_keys=True)
    write_npz(path, **arrays, _metadata=np.array(metadata))


def _sha256(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def read_dataset(path: Path) -> Dataset:
    """Read and check a dataset, made here or elsewhere.

    Unknown keys are ignored, numbers of other precision are converted, trailing axes of length 1
    may be missing. Without `object_index`, the patterns of several objects must be the same scan,
    one object after the other. Without `YY_full`, positions below 0 are taken as relative and
    shifted to begin at 0.

    Raises:
        FileError: the file is damaged, a key is missing, or a value cannot be right.
    """
    content = _Content(path, read_npz(path, _KNOWN))
    diffraction = _diffraction(content)
    objects = _objects(content, diffraction.shape[-1])
    corners = _corners(content, diffraction.shape, objects)
    dataset = Dataset(
        diffraction=diffraction,
        probe=_probe(content, diffraction.shape[-1]),
        corners=corners,
        object_index=_object_index(content, corners, objects),
        objects=objects,
        patches=_patches(content, diffraction.shape),
        intensity_scale=_scale(content, "intensity_scale"),
        norm_Y_I=_scale(content, "norm_Y_I"),
        metadata=_metadata(path),
    )
    return replace(dataset, ground_truth=_ground_truth(content, dataset))


def read_probe(path: Path) -> NDArray[np.complex64]:
    """Read a probe, (N0, N0) complex64, from the key `probeGuess`.

    Raises:
        FileError: the file is damaged, or the probe is missing, not square, or dark.
    """
    return _probe(_Content(path, read_npz(path, ("probeGuess",))))


def read_given_objects(path: Path, count: int, size: int) -> NDArray[np.complex64]:
    """Read the key `object`, complex (H, W) or (n, H, W): the centres of its first `count` objects.

    Returns (count, size, size).

    Raises:
        FileError: the file is damaged, or its objects are not complex, not finite, too few, too
            small, or dark.
    """
    content = _Content(path, read_npz(path, ("object",)))
    if "object" in content and not np.iscomplexobj(content.arrays["object"]):
        given = content.arrays["object"].dtype
        raise content.refusal(f"object holds {given}; complex numbers are wanted")
    objects = content.take("object", np.complex64)
    if objects.ndim == 2:
        objects = objects[None]
    if objects.ndim != 3 or len(objects) < count or min(objects.shape[1:]) < size:
        raise content.refusal(
            f"object has shape {objects.shape}; ({count}, {size}, {size}) or larger is wanted"
        )
    top, left = ((side - size) // 2 for side in objects.shape[1:])
    centres = objects[:count, top : top + size, left : left + size]
    if not centres.any(axis=(1, 2)).all():
        raise content.refusal(f"object is 0 on all of its central {size}² px; light is wanted")
    return np.ascontiguousarray(centres)


def read_objects(path: Path, shape: tuple[int, int] | None = None) -> NDArray[np.complex64]:
    """Read the key `objects`, (n, rows, columns) complex64: what rPIE made of n objects or epochs.

    Raises:
        FileError: the file is damaged, or its objects are not finite or not of the given shape.
    """
    content = _Content(path, read_npz(path, ("objects",)))
    objects = content.numbers("objects", np.complex64)
    if objects.ndim != 3 or 0 in objects.shape or shape not in (None, objects.shape[1:]):
        wanted = "(n, rows, columns)" if shape is None else f"(n, {shape[0]}, {shape[1]})"
        raise content.refusal(f"objects has shape {objects.shape}; {wanted} is wanted")
    if not np.isfinite(objects).all():
        raise content.refusal("objects holds NaN or infinite values; finite are wanted")
    return objects


def read_reconstruction(path: Path) -> NDArray[np.complex64]:
    """Read the key `object`, (rows, columns) complex64: finite, or NaN throughout (a failed run).

    Raises:
        FileError: the file is damaged, or its object is no such image.
    """
    content = _Content(path, read_npz(path, ("object",)))
    image = content.numbers("object", np.complex64)
    if image.ndim != 2 or image.size == 0:
        raise content.refusal(f"object has shape {image.shape}; (rows, columns) is wanted")
    if not (np.isfinite(image).all() or np.isnan(image).all()):
        raise content.refusal("object holds NaN or infinite values; finite are wanted")
    return image


@dataclass(frozen=True)
class _Content:
    """The arrays of a file, each to be checked when it is taken."""

    path: Path
    arrays: dict[str, NDArray[Any]]

    def __contains__(self, key: str) -> bool:
        return key in self.arrays

    def refusal(self, reason: str) -> FileError:
        return _refusal(self.path, reason)

    def take(self, key: str, dtype: type[_Number]) -> NDArray[_Number]:
        """Take an array of finite numbers, converted, without its trailing axes of length 1."""
        numbers = self.numbers(key, dtype)
        if not np.isfinite(numbers).all():
            raise self.refusal(f"{key} holds NaN, infinite or too large values; finite are wanted")
        while numbers.ndim > 1 and numbers.shape[-1] == 1:
            numbers = numbers[..., 0]
        return numbers

    def numbers(self, key: str, dtype: type[_Number]) -> NDArray[_Number]:
        """Take an array of numbers, converted. Each can be taken once: two copies are too many."""
        if key not in self.arrays:
            raise self.refusal(f"has no {key}; it is needed")
        array, wanted = self.arrays.pop(key), np.dtype(dtype)
        kinds = {"i": "iu", "f": "iuf", "c": "iufc"}[wanted.kind]
        # A picture of bytes would take more than four times its size in memory.
        too_narrow = dtype in _OF_PICTURES and 2 * array.dtype.itemsize < wanted.itemsize
        if array.dtype.kind not in kinds or too_narrow:
            raise self.refusal(f"{key} holds {array.dtype}; {wanted} is wanted")
        with np.errstate(over="ignore"):  # what becomes infinite is no finite value
            return np.ascontiguousarray(array, dtype=dtype)


def _diffraction(content: _Content) -> NDArray[np.float32]:
    diffraction = content.take("diffraction", np.float32)
    shape = diffraction.shape
    if diffraction.ndim != 3 or shape[0] == 0 or shape[1] != shape[2]:
        raise content.refusal(f"diffraction has shape {shape}; (B, N, N), square, is wanted")
    if shape[1] < _SMALLEST_PATTERN:
        least = f"at least {_SMALLEST_PATTERN}"
        raise content.refusal(f"diffraction has patterns of {shape[1]} px; {least} are wanted")
    if diffraction.min() < 0:
        raise content.refusal(
            f"diffraction holds {diffraction.min():g}; amplitudes of at least 0 are wanted"
        )
    if not diffraction.any():
        raise content.refusal("diffraction is 0 everywhere; measured amplitudes are wanted")
    return diffraction


def _probe(content: _Content, n: int | None = None) -> NDArray[np.complex64]:
    probe = np.squeeze(content.take("probeGuess", np.complex64))
    if probe.ndim != 2 or probe.shape[0] != probe.shape[1]:
        raise content.refusal(f"probeGuess has shape {probe.shape}; (N, N), square, is wanted")
    if n is not None and probe.shape != (n, n):
        raise content.refusal(
            f"probeGuess has shape {probe.shape}; that of the patterns, ({n}, {n}), is wanted"
        )
    if not probe.any():
        raise content.refusal("probeGuess is 0 everywhere; a probe with light in it is wanted")
    return probe


def _objects(content: _Content, n: int) -> NDArray[np.complex64] | None:
    if "YY_full" not in content:
        return None
    objects = content.take("YY_full", np.complex64)
    if objects.ndim == 2:
        objects = objects[None]
    if objects.ndim != 3 or len(objects) == 0 or min(objects.shape[1:]) < n:
        raise content.refusal(
            f"YY_full has shape {objects.shape}; (n, rows, columns), at least {n} each, is wanted"
        )
    return objects


def _corners(
    content: _Content, shape: tuple[int, ...], objects: NDArray[np.complex64] | None
) -> NDArray[np.int64]:
    key = next((key for key in _COORDINATES if key in content), _COORDINATES[0])
    positions = content.take(key, np.float64)
    count, n, _ = shape
    if positions.shape[0] != count or positions.size != 2 * count:
        raise content.refusal(
            f"{key} has shape {positions.shape}; a row and a column for each of the {count} "
            f"patterns, ({count}, 1, 2, 1), is wanted"
        )
    positions = positions.reshape(count, 2)
    whole = np.rint(positions)
    if np.abs(positions - whole).max() > _LARGEST_SHIFT:
        raise content.refusal(f"{key} lies between pixels; whole pixels are wanted")
    if np.abs(whole).max() > _LARGEST_OBJECT:
        raise content.refusal(f"{key} exceeds {_LARGEST_OBJECT} px; positions in px are wanted")
    corners = whole.astype(np.int64)
    if count > 1 and (corners == corners[0]).all():
        raise content.refusal(f"{key} is the same for all patterns; positions of a scan are wanted")
    if objects is None:
        corners -= np.minimum(corners.min(axis=0), 0)
        return corners
    room = np.array(objects.shape[1:]) - n
    if (corners < 0).any() or (corners > room).any():
        raise content.refusal(
            f"{key} leaves the object of shape {objects.shape[1:]}; "
            f"corners from (0, 0) to ({room[0]}, {room[1]}) are wanted"
        )
    return corners


def _object_index(
    content: _Content, corners: NDArray[np.int64], objects: NDArray[np.complex64] | None
) -> NDArray[np.int32]:
    count = len(corners)
    if "object_index" not in content:
        return _index_of_repeated_scans(content, corners, 1 if objects is None else len(objects))
    index = content.take("object_index", np.int64)
    if index.shape != (count,):
        raise content.refusal(f"object_index has shape {index.shape}; ({count},) is wanted")
    last = (count if objects is None else len(objects)) - 1
    if index.min() != 0 or index.max() > last:
        raise content.refusal(
            f"object_index goes from {index.min()} to {index.max()}; "
            f"from 0 to at most {last} is wanted"
        )
    return index.astype(np.int32)


def _index_of_repeated_scans(
    content: _Content, corners: NDArray[np.int64], objects: int
) -> NDArray[np.int32]:
    scans = corners.reshape(objects, -1) if len(corners) % objects == 0 else corners[:0]
    if not len(scans) or (scans != scans[0]).any():
        raise content.refusal(
            f"has no object_index, and its positions are not {objects} times the same scan; "
            "the object of each pattern is wanted"
        )
    return np.repeat(np.arange(objects, dtype=np.int32), len(corners) // objects)


def _patches(content: _Content, shape: tuple[int, ...]) -> NDArray[np.complex64] | None:
    if "Y_I" not in content or "Y_phi" not in content:
        return None
    amplitude, phase = (content.take(key, np.float32) for key in ("Y_I", "Y_phi"))
    if not amplitude.shape == phase.shape == shape:
        raise content.refusal(
            f"Y_I and Y_phi have shapes {amplitude.shape} and {phase.shape}; "
            f"that of the patterns, {shape}, is wanted"
        )
    patches = np.empty(shape, np.complex64)
    for patch, a, phi in zip(patches, amplitude, phase, strict=True):  # without large copies
        patch[:] = a * np.exp(1j * phi)
    return patches


def _ground_truth(content: _Content, dataset: Dataset) -> NDArray[np.complex64] | None:
    if "YY_ground_truth" not in content:
        return None
    truth = content.take("YY_ground_truth", np.complex64)
    rows, columns = dataset.scored_region()
    wanted = (rows.stop - rows.start, columns.stop - columns.start)
    if truth.size == math.prod(wanted) and truth.shape == wanted[: truth.ndim]:
        return truth.reshape(wanted)
    if dataset.objects is None:
        raise content.refusal(
            f"YY_ground_truth has shape {truth.shape}; that of the scored region, {wanted}, or "
            "the whole object as YY_full is wanted"
        )
    return None  # another region was scored there; ours is cut from the object


def _scale(content: _Content, key: str) -> float | None:
    if key not in content:
        return None
    scale = content.take(key, np.float64)
    if scale.size != 1 or scale.item() <= 0:
        raise content.refusal(f"{key} is not one number above 0; that is wanted")
    return float(scale.item())


def _metadata(path: Path) -> dict[str, Any]:
    """Read `_metadata`, or nothing: older files hold it as a pickle, and no result needs it."""
    try:
        text = read_npz(path, ("_metadata",))["_metadata"]
        value = parse_json(text.item()) if text.nbytes <= _LARGEST_METADATA else None
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {key: item for key, item in value.items() if key not in _NAMED or _is_named(item)}


# What the page of results shows of the metadata: texts by their names.
_NAMED = ("versions", "sha256")


def _is_named(item: Any) -> bool:
    return isinstance(item, dict) and all(_is_a(text, str) for text in (*item, *item.values()))
