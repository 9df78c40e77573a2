"""Patterns that stay in their file."""

import copy
import math
import os
import pickle
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ptychopareto.files import (
    Dataset,
    FileError,
    StoredArray,
    StoredPatterns,
    read_dataset,
    read_npz,
    read_pattern_size,
    stored,
    write_dataset,
    write_npz,
)
from ptychopareto.preparation.sound_patterns import read_sound_dataset

COUNT, N = 60, 16
SCALE = 3.0

Arrays = dict[str, NDArray[Any]]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of seven patterns, so that there are several, and a last one that is shorter."""
    monkeypatch.setattr(stored, "PIECE", 7 * 4 * N**2)


def arrays(**changes: Any) -> Arrays:
    rng = np.random.default_rng(0)
    rows = np.arange(COUNT)
    corners = np.stack([rows // 10, rows % 10], axis=1)
    given = {
        "diffraction": rng.random((COUNT, N, N, 1), np.float32),
        "probeGuess": rng.random((N, N)).astype(np.complex64),
        "coords_offsets": corners.astype(np.float32)[:, None, :, None],
        "intensity_scale": np.array(SCALE),
    }
    return {key: value for key, value in {**given, **changes}.items() if value is not None}


def counts(kind: str) -> Arrays:
    most = min(2 ** (8 * np.dtype(kind).itemsize), 2**32) - 1
    drawn = np.random.default_rng(1).integers(0, most, (COUNT, N, N), endpoint=True)
    return arrays(diffraction=None, counts=drawn.astype(kind))


def both(path: Path) -> tuple[Dataset, Dataset]:
    """The scan with its patterns in memory, and in the file."""
    return read_dataset(path, held=math.inf), read_dataset(path, held=0)


@pytest.mark.parametrize("kind", ["f4", "f2", "f8", ">f4", "u2"])
def test_amplitudes_in_a_file_are_those_in_memory(kind: str, tmp_path: Path) -> None:
    given = (100 * arrays()["diffraction"]).astype(kind)
    write_npz(tmp_path / "scan.npz", **arrays(diffraction=given))
    whole, there = both(tmp_path / "scan.npz")
    assert isinstance(whole.diffraction, np.ndarray)
    assert isinstance(there.diffraction, StoredPatterns)
    assert there.N == N
    assert len(there.diffraction) == COUNT
    same(whole.diffraction, there.diffraction)


def same(whole: NDArray[np.float32], there: StoredPatterns) -> None:
    """However they are asked for."""
    rng = np.random.default_rng(0)
    asked = [
        slice(None),
        slice(3, 50, 4),
        slice(5, 5),
        np.arange(20),
        rng.permutation(COUNT),
        rng.integers(0, COUNT, (4, 9)),
        np.zeros(0, np.int64),
        rng.random(COUNT) < 0.5,
    ]
    for which in asked:
        found = there[which]
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, whole[which])
        if np.ndim(which) < 2:
            np.testing.assert_array_equal(np.asarray(there.part(which)), whole[which])
    np.testing.assert_array_equal(np.asarray(there), whole)


@pytest.mark.parametrize("kind", ["u1", "u2", ">u2", "u4"])
def test_counts_keep_their_type_and_are_read_as_their_roots(kind: str, tmp_path: Path) -> None:
    given = counts(kind)
    write_npz(tmp_path / "scan.npz", **given)
    whole, there = both(tmp_path / "scan.npz")
    roots = np.sqrt(given["counts"].astype(np.float64)).astype(np.float32) / np.float32(SCALE)
    np.testing.assert_array_equal(whole.diffraction, roots)
    assert isinstance(there.diffraction, StoredPatterns)
    same(roots, there.diffraction)
    assert read_pattern_size(tmp_path / "scan.npz") == N

    some = there.part(np.arange(COUNT)[::-2])
    write_dataset(tmp_path / "some.npz", some)
    written = read_npz(tmp_path / "some.npz")
    assert written["counts"].dtype == np.dtype(kind)
    np.testing.assert_array_equal(written["counts"], given["counts"][::-2])
    assert "diffraction" not in written
    np.testing.assert_array_equal(read_dataset(tmp_path / "some.npz").diffraction, roots[::-2])


def test_a_copy_of_patterns_in_a_file_has_the_bytes_of_one_from_memory(tmp_path: Path) -> None:
    write_npz(tmp_path / "scan.npz", **arrays(diffraction=arrays()["diffraction"][..., 0]))
    whole, there = both(tmp_path / "scan.npz")
    assert isinstance(there.diffraction, StoredPatterns)
    write_npz(tmp_path / "1.npz", a=whole.diffraction)
    write_npz(tmp_path / "2.npz", a=there.diffraction.array)
    np.savez(tmp_path / "3.npz", a=whole.diffraction)
    contents = {(tmp_path / f"{number}.npz").read_bytes() for number in (1, 2, 3)}
    assert len(contents) == 1


def test_masks_of_each_pattern_stay_in_the_file_too(tmp_path: Path) -> None:
    valid = np.random.default_rng(2).random((COUNT, N, N)) < 0.9
    write_npz(tmp_path / "scan.npz", **arrays(valid=valid))
    whole, there = both(tmp_path / "scan.npz")
    assert isinstance(there.valid, StoredArray)
    np.testing.assert_array_equal(there.valid[:], valid)
    some = np.arange(COUNT) % 3 == 1
    np.testing.assert_array_equal(np.asarray(there.part(some).valid), whole.part(some).valid)


@pytest.mark.parametrize("how", ["compressed", "in Fortran order", "small"])
def test_other_patterns_are_read_into_memory(how: str, tmp_path: Path) -> None:
    given = arrays()
    held = 0
    if how == "in Fortran order":
        given["diffraction"] = np.asfortranarray(given["diffraction"][..., 0])
    if how == "small":
        held = 4 * given["diffraction"].size
    (np.savez_compressed if how == "compressed" else np.savez)(tmp_path / "scan.npz", **given)
    scan = read_dataset(tmp_path / "scan.npz", held=held)
    assert isinstance(scan.diffraction, np.ndarray)


BAD = {
    "NaN": (arrays()["diffraction"] * np.nan, "NaN, infinite or too large"),
    "infinite as float32": (arrays()["diffraction"].astype("f8") * 1e60, "NaN, infinite"),
    "negative": (-arrays()["diffraction"], "at least 0"),
    "dark": (0 * arrays()["diffraction"], "is 0 everywhere"),
    "not square": (arrays()["diffraction"][:, 1:], "square, is wanted"),
    "small patterns": (arrays()["diffraction"][:, :4, :4], "at least 8 are wanted"),
    "bytes": ((100 * arrays()["diffraction"]).astype("u1"), "holds uint8"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_patterns_are_refused_in_the_same_line(name: str, tmp_path: Path) -> None:
    given, said = BAD[name]
    write_npz(tmp_path / "scan.npz", **arrays(diffraction=given))
    lines = set()
    for held in (0, math.inf):
        with pytest.raises(FileError, match=said) as failure:
            read_dataset(tmp_path / "scan.npz", held=held)
        lines.add(str(failure.value))
    assert len(lines) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"intensity_scale": None}, "no intensity_scale"),
        ({"intensity_scale": np.array(-1.0)}, "not one number above 0"),
        ({"counts": np.ones((COUNT, N, N), np.int32)}, "counts holds int32; uint8, uint16 or uint"),
        ({"counts": np.ones((COUNT, N, N), np.uint64)}, "counts holds uint64"),
    ],
)
def test_bad_counts_are_refused(changes: Arrays, said: str, tmp_path: Path) -> None:
    given = {**counts("u2"), **changes}
    write_npz(tmp_path / "scan.npz", **{k: v for k, v in given.items() if v is not None})
    for held in (0, math.inf):
        with pytest.raises(FileError, match=said):
            read_dataset(tmp_path / "scan.npz", held=held)


def test_counts_may_be_compressed_and_are_mended_where_a_scan_is_brought_in(tmp_path: Path) -> None:
    given = counts("u2")
    np.savez_compressed(tmp_path / "scan.npz", **given)
    scan = read_dataset(tmp_path / "scan.npz", held=0)
    assert isinstance(scan.diffraction, np.ndarray)
    write_npz(tmp_path / "scan.npz", **given, mask=np.arange(N**2).reshape(N, N) != 5)
    mended = read_sound_dataset(tmp_path / "scan.npz")
    assert mended.valid is not None
    valid = np.broadcast_to(mended.valid, scan.diffraction.shape)
    assert not valid[:, 0, 5].any()
    np.testing.assert_array_equal(np.asarray(mended.diffraction)[valid], scan.diffraction[valid])


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.npz"
    write_npz(path, **counts("u2"))
    content = bytearray(path.read_bytes())
    place = content.find(b"counts.npy") + 400 + 5 * N**2
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"Bad CRC-32 for file 'counts\.npy'"):
        read_dataset(path, held=0)


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def written_to(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(5000)
        file.write(b"x")
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("change", [cut_off, written_to])
def test_a_file_that_is_changed_in_use_ends_in_one_line(change: Any, tmp_path: Path) -> None:
    path = tmp_path / "scan.npz"
    write_npz(path, **counts("u2"))
    patterns = read_dataset(path, held=0).diffraction
    change(path)
    with pytest.raises(FileError, match=r"scan\.npz: was changed or truncated") as failure:
        patterns[[COUNT - 1]] if isinstance(patterns, np.ndarray) else patterns[:]
    assert "\n" not in str(failure.value)


def test_a_file_that_another_one_replaces_is_read_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "scan.npz"
    write_npz(path, **counts("u2"))
    whole, there = both(path)
    write_npz(path, **arrays())
    np.testing.assert_array_equal(np.asarray(there.diffraction), whole.diffraction)
    write_dataset(path, there)  # over itself
    np.testing.assert_array_equal(read_dataset(path).diffraction, whole.diffraction)


def test_an_open_file_is_not_copied(tmp_path: Path) -> None:
    write_npz(tmp_path / "scan.npz", **counts("u2"))
    scan = read_dataset(tmp_path / "scan.npz", held=0)
    for copied in (copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=r"scan\.npz is open here"):
            copied(scan)


def test_reading_takes_the_memory_of_a_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "PIECE", 2**18)
    count = 20_000
    corners = np.stack([np.arange(count) // 100, np.arange(count) % 100], axis=1)
    drawn = np.random.default_rng(0).poisson(3, (count, N, N)).astype(np.uint16)
    given = arrays(diffraction=None, counts=drawn, coords_offsets=corners.astype(np.float32))
    write_npz(tmp_path / "scan.npz", **given)
    del drawn, given
    tracemalloc.start()
    scan = read_dataset(tmp_path / "scan.npz", held=2**20)
    write_dataset(tmp_path / "copy.npz", replace(scan, metadata={}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(scan.diffraction, StoredPatterns)
    assert peak < 4_000_000 < scan.diffraction.nbytes / 5
