import hashlib
import json
import os
import struct
import tempfile
import tracemalloc
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from counts import EXAMPLES
from ptychopareto.files import (
    Dataset,
    FileError,
    atomic,
    npz,
    read_dataset,
    read_given_objects,
    read_json,
    read_npz,
    read_objects,
    read_pattern_size,
    read_probe,
    read_reconstruction,
    write_csv,
    write_dataset,
    write_json,
    write_npz,
)

Arrays = dict[str, NDArray[Any]]

N, SIZE, STEP = 8, 20, 4


def complex_noise(rng: np.random.Generator, *shape: int) -> NDArray[np.complex64]:
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


def make_scan(images: int = 2) -> Dataset:
    """A grid scan of 4 × 4 patterns over each of several 20² objects."""
    rng = np.random.default_rng(0)
    axis = np.arange(0, SIZE - N + 1, STEP)
    scan = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    objects = complex_noise(rng, images, SIZE, SIZE)
    patches = [obj[row : row + N, col : col + N] for obj in objects for row, col in scan]
    dataset = Dataset(
        diffraction=rng.random((images * len(scan), N, N), dtype=np.float32),
        probe=complex_noise(rng, N, N),
        corners=np.tile(scan, (images, 1)),
        object_index=np.repeat(np.arange(images, dtype=np.int32), len(scan)),
        objects=objects,
        patches=np.array(patches),
        intensity_scale=123.5,
        norm_Y_I=2.5,
        metadata={"seed": 1, "config": {"N": N}},
    )
    return replace(dataset, ground_truth=dataset.truth)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scan.npz"


@pytest.fixture
def arrays(path: Path) -> Arrays:
    """The arrays of a good file of one object."""
    write_dataset(path, make_scan(images=1))
    return read_npz(path)


def reread(path: Path, arrays: Arrays) -> Dataset:
    np.savez(path, **arrays)
    return read_dataset(path)


def assert_one_line(error: FileError) -> None:
    assert len(str(error).splitlines()) == 1


def refusal(path: Path, arrays: Arrays | None = None) -> str:
    """What `read_dataset` says about a file, without its path."""
    if arrays is not None:
        np.savez(path, **arrays)
    with pytest.raises(FileError) as caught:
        read_dataset(path)
    name, _, said = str(caught.value).partition(": ")
    assert name == str(path)
    assert_one_line(caught.value)
    return said


# --- atomic -----------------------------------------------------------------------------------


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.csv"
    with atomic(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.suffix == path.suffix
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_exception_all_is_as_before(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")

    def write_half() -> None:
        with atomic(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_has_the_usual_permissions(tmp_path: Path) -> None:
    """Results are read by colleagues: the temporary file must not be private."""
    (tmp_path / "usual").touch()
    with atomic(tmp_path / "atomic") as temporary:
        temporary.touch()
    usual, made = (os.stat(tmp_path / name).st_mode for name in ("usual", "atomic"))
    assert made == usual


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic(tmp_path / "x"):
        pass


# --- NPZ, JSON and CSV ------------------------------------------------------------------------


def test_arrays_travel(path: Path) -> None:
    write_npz(path, object=np.eye(3, dtype=np.complex64), name=np.array("x"))
    back = read_npz(path)
    np.testing.assert_array_equal(back["object"], np.eye(3, dtype=np.complex64))
    assert str(back["name"]) == "x"
    assert list(read_npz(path, ("name", "absent"))) == ["name"]


def test_no_pickle_is_written(path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        write_npz(path, object=np.array(None))
    assert not any(path.parent.iterdir())


def test_json_travels(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, {"a": np.float32(0.5), "b": np.int64(3), "c": [1.5, (True, None)], "ü": "φ"})
    assert read_json(path) == {"a": 0.5, "b": 3, "c": [1.5, [True, None]], "ü": "φ"}


def test_what_is_not_finite_becomes_null(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, {"a": float("nan"), "b": [np.float64("inf")], "c": {"d": np.float32("nan")}})
    assert read_json(path) == {"a": None, "b": [None], "c": {"d": None}}


@pytest.mark.parametrize("text", ["", "{", "[1]", "3", "[" * 100_000, "\udc80"])
def test_other_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(FileError, match="a JSON mapping is wanted") as caught:
        read_json(path)
    assert_one_line(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    for read in (read_json, read_npz, read_dataset, read_probe):
        with pytest.raises(FileError, match=r"x: cannot be read \(No such file or directory\)"):
            read(tmp_path / "x")


def test_a_table_has_no_index_and_empty_gaps(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_csv(path, pd.DataFrame({"run": ["a", "b"], "x": [0.1, float("nan")]}))
    assert path.read_bytes() == b"run,x\na,0.1\nb,\n"


@pytest.mark.parametrize(
    "text",
    ['{"a": NaN}', '{"a": 1e999}', '{"a": ' + "9" * 30 + "}", '{"a": ' + "[" * 30 + "]" * 30 + "}"],
)
def test_json_of_numbers_or_depths_without_bounds_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(text)
    with pytest.raises(FileError, match="a JSON mapping is wanted"):
        read_json(path)


def test_a_long_reason_is_cut(path: Path) -> None:
    write_zip(path, b"")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"diffraction.npy", b"d" * 15, 1))
    assert len(refusal(path)) < 400


def test_objects_of_a_teacher(path: Path) -> None:
    objects = complex_noise(np.random.default_rng(0), 2, 5, 6)
    write_npz(path, objects=objects)
    np.testing.assert_array_equal(read_objects(path, (5, 6)), objects)
    with pytest.raises(FileError, match=r"has shape \(2, 5, 6\); \(n, 5, 5\) is wanted"):
        read_objects(path, (5, 5))
    write_npz(path, objects=with_value(objects, np.nan))
    with pytest.raises(FileError, match="objects holds NaN or infinite"):
        read_objects(path)
    write_npz(path, other=objects)
    with pytest.raises(FileError, match="has no objects"):
        read_objects(path)


def test_a_reconstruction_is_finite_or_void(path: Path) -> None:
    image = complex_noise(np.random.default_rng(0), 5, 1)
    for good in (image, np.full_like(image, np.nan)):
        write_npz(path, object=good)
        np.testing.assert_array_equal(read_reconstruction(path), good)
    write_npz(path, object=with_value(image, np.nan))
    with pytest.raises(FileError, match="object holds NaN or infinite"):
        read_reconstruction(path)
    write_npz(path, object=image[0])
    with pytest.raises(FileError, match=r"has shape \(1,\); \(rows, columns\) is wanted"):
        read_reconstruction(path)


def test_an_array_stands_once(path: Path) -> None:
    write_zip(path, npy(header_of((16,)), bytes(64)))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("diffraction.npy", npy(header_of((16,)), bytes(64)))
    assert refusal(path) == "has diffraction twice; each array is allowed once"


# --- datasets made here -----------------------------------------------------------------------


def test_a_dataset_travels(path: Path) -> None:
    dataset = make_scan()
    write_dataset(path, dataset)
    back = read_dataset(path)
    for name in ("diffraction", "probe", "corners", "object_index", "objects", "ground_truth"):
        before, after = getattr(dataset, name), getattr(back, name)
        np.testing.assert_array_equal(before, after)
        assert before.dtype == after.dtype
    assert back.patches is None
    patches = read_dataset(path, patches=True).patches
    np.testing.assert_allclose(patches, dataset.patches, rtol=1e-6, atol=1e-6)
    assert back.intensity_scale == dataset.intensity_scale
    assert back.norm_Y_I == dataset.norm_Y_I
    assert {**back.metadata, **dataset.metadata} == back.metadata


def test_the_optional_parts_may_be_missing(path: Path) -> None:
    full = make_scan(images=1)
    write_dataset(path, Dataset(full.diffraction, full.probe, full.corners, full.object_index))
    back = read_dataset(path)
    assert back.objects is back.patches is back.ground_truth is back.truth is None
    assert back.intensity_scale is back.norm_Y_I is None
    assert back.object_shape == full.object_shape


def test_the_file_keeps_the_contract(path: Path) -> None:
    write_dataset(path, make_scan())
    with np.load(path, allow_pickle=False) as file:
        found = {key: (file[key].shape, file[key].dtype.str) for key in file.files}
        metadata = json.loads(str(file["_metadata"]))
        hashes = {key: hashlib.sha256(file[key].tobytes()).hexdigest() for key in file.files}
    assert found.pop("_metadata")[0] == ()
    assert found == {
        "diffraction": ((32, N, N, 1), "<f4"),
        "Y_I": ((32, N, N, 1), "<f4"),
        "Y_phi": ((32, N, N, 1), "<f4"),
        "coords_offsets": ((32, 1, 2, 1), "<f4"),
        "object_index": ((32,), "<i4"),
        "YY_full": ((2, SIZE, SIZE, 1), "<c8"),
        "YY_ground_truth": ((13, 13, 1), "<c8"),
        "probeGuess": ((N, N), "<c8"),
        "intensity_scale": ((), "<f8"),
        "norm_Y_I": ((), "<f8"),
    }
    del hashes["_metadata"]
    assert metadata["sha256"] == hashes
    assert metadata["config"] == {"N": N}


def test_the_same_dataset_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    write_dataset(first, make_scan())
    os.utime(first, (0, 0))
    write_dataset(second, make_scan())
    assert first.read_bytes() == second.read_bytes()


def test_the_scored_region_spans_the_patch_centres_of_object_0() -> None:
    corners = np.array([[4, 2], [4, 9], [7, 2], [7, 9], [0, 0]])
    scan = replace(make_scan(), corners=corners, object_index=np.array([0, 0, 0, 0, 1], np.int32))
    assert scan.scored_region() == (slice(8, 12), slice(6, 14))


def test_the_truth_is_cut_from_the_object() -> None:
    scan = make_scan()
    assert scan.objects is not None
    np.testing.assert_array_equal(scan.truth, scan.objects[0, 4:17, 4:17])
    np.testing.assert_array_equal(replace(scan, ground_truth=None).truth, scan.truth)


def test_without_objects_their_shape_is_what_the_scan_covers() -> None:
    scan = make_scan()
    assert scan.object_shape == (SIZE, SIZE)
    assert replace(scan, objects=None, corners=scan.corners[:2]).object_shape == (8, 12)


# --- datasets made elsewhere ------------------------------------------------------------------


def test_other_precision_order_and_compression_are_read(path: Path, arrays: Arrays) -> None:
    expected = read_dataset(path)
    wide = {"f": ">f8", "c": "complex128", "i": "int64", "U": "U"}
    foreign = {
        key: np.asfortranarray(array.astype(wide[array.dtype.kind]))
        for key, array in arrays.items()
    }
    np.savez_compressed(path, **foreign)
    dataset = read_dataset(path)
    for name in ("diffraction", "probe", "corners", "object_index", "objects", "ground_truth"):
        array = getattr(dataset, name)
        np.testing.assert_array_equal(array, getattr(expected, name))
        assert array.dtype == getattr(expected, name).dtype
        assert array.flags.c_contiguous


def test_axes_of_length_1_may_be_missing(path: Path, arrays: Arrays) -> None:
    expected = read_dataset(path)
    dataset = reread(path, {key: np.squeeze(array) for key, array in arrays.items()})
    for name in ("diffraction", "probe", "corners", "object_index", "objects", "ground_truth"):
        np.testing.assert_array_equal(getattr(dataset, name), getattr(expected, name))


@pytest.mark.parametrize("pickled", ["unknown", "_metadata"])
def test_what_is_not_needed_may_be_anything(path: Path, arrays: Arrays, pickled: str) -> None:
    dataset = reread(path, {**arrays, pickled: np.array({"a": 1}, dtype=object)})
    assert dataset.N == N
    assert bool(dataset.metadata) == (pickled == "unknown")


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000])
def test_unreadable_metadata_is_left_out(path: Path, arrays: Arrays, text: str) -> None:
    assert reread(path, {**arrays, "_metadata": np.array(text)}).metadata == {}


@pytest.mark.parametrize("key", ["coords_true", "coords_nominal"])
def test_positions_have_several_names(path: Path, arrays: Arrays, key: str) -> None:
    arrays[key] = arrays.pop("coords_offsets")
    assert reread(path, arrays).corners[-1].tolist() == [12, 12]


def test_the_first_name_of_the_positions_counts(path: Path, arrays: Arrays) -> None:
    arrays["coords_nominal"] = np.zeros_like(arrays["coords_offsets"])
    assert reread(path, arrays).corners[-1].tolist() == [12, 12]


def test_relative_positions_begin_at_0(path: Path, arrays: Arrays) -> None:
    del arrays["YY_full"]
    arrays["coords_offsets"][..., 0, :] -= 6  # rows only
    arrays["coords_offsets"] += 5e-4
    corners = reread(path, arrays).corners
    assert corners.min(axis=0).tolist() == [0, 0]
    assert corners.max(axis=0).tolist() == [12, 12]


@pytest.mark.parametrize("begin", [-20_000, 3, 20_000])
def test_positions_without_an_object_begin_at_0_wherever_they_began(
    path: Path, arrays: Arrays, begin: int
) -> None:
    """Else an object would be as large as the numbers are, and not as the scan is."""
    kept = {key: arrays[key] for key in ("diffraction", "probeGuess")}
    scan = reread(path, {**kept, "coords_offsets": arrays["coords_offsets"] + begin})
    assert scan.corners.min(axis=0).tolist() == [0, 0]
    assert scan.object_shape == (SIZE, SIZE)


def test_the_size_of_the_patterns_is_read_without_them(path: Path, arrays: Arrays) -> None:
    assert read_pattern_size(path) == N
    np.savez(path, diffraction=arrays["diffraction"][0, 0])
    with pytest.raises(FileError, match=r"diffraction has shape \(8, 1\)"):
        read_pattern_size(path)
    np.savez(path, probeGuess=arrays["probeGuess"])
    with pytest.raises(FileError, match="has no diffraction"):
        read_pattern_size(path)
    path.write_bytes(b"PK")
    with pytest.raises(FileError, match="cannot be read"):
        read_pattern_size(path)


def test_patterns_of_few_photons_are_read_however_well_they_pack(path: Path) -> None:
    scan = make_scan(images=1)
    counts = np.zeros((16, 256, 256), np.float32)
    counts[:, ::40, ::40] = 1
    np.savez_compressed(
        path,
        diffraction=counts,
        probeGuess=np.ones((256, 256), np.complex64),
        coords_offsets=scan.corners.astype(np.float32),
    )
    assert counts.nbytes > 100 * path.stat().st_size
    np.testing.assert_array_equal(read_dataset(path).diffraction, counts)


def test_a_round_scan_travels(path: Path, round_scan: Dataset) -> None:
    expected = replace(round_scan, ground_truth=round_scan.truth)
    write_dataset(path, expected)
    back = read_dataset(path)
    for name in ("diffraction", "corners", "object_index", "objects", "ground_truth"):
        np.testing.assert_array_equal(getattr(back, name), getattr(expected, name))
    # As other programs write it: around the centre, under another name, without the object.
    arrays = read_npz(path, ("diffraction", "probeGuess", "YY_ground_truth"))
    centred = (expected.corners - 32).astype(np.float64)
    again = reread(path, {**arrays, "coords_true": centred})
    np.testing.assert_array_equal(again.corners, expected.corners - expected.corners.min(axis=0))
    np.testing.assert_array_equal(again.truth, expected.truth)


def region_of(corners: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """First and last row and column that are scored, of patches of 8 px."""
    count = len(corners)
    dataset = Dataset(
        diffraction=np.ones((count, N, N), np.float32),
        probe=np.ones((N, N), np.complex64),
        corners=np.asarray(corners, np.int64),
        object_index=np.zeros(count, np.int32),
    )
    rows, columns = dataset.scored_region()
    return [rows.start, rows.stop - 1], [columns.start, columns.stop - 1]


def test_the_scored_region_of_a_grid_is_the_box_of_its_patch_centres() -> None:
    grid = np.array([(row, column) for row in (2, 6, 11) for column in (0, 5)])
    assert region_of(grid) == ([6, 15], [4, 9])
    assert region_of(grid[:2]) == ([6, 6], [4, 9])  # one row
    assert region_of(grid[:1]) == ([6, 6], [4, 4])


def test_the_scored_region_of_another_scan_lies_between_its_patch_centres() -> None:
    angle = np.linspace(0, 2 * np.pi, 400)
    circle = np.rint(100 + 100 * np.stack([np.sin(angle), np.cos(angle)], axis=1)).astype(int)
    rows, columns = region_of(circle)
    assert rows == columns
    half_side = 100 / np.sqrt(2)  # of the square in the circle
    assert rows == pytest.approx([104 - half_side, 104 + half_side], abs=1)
    diagonal = np.stack([np.arange(0, 60, 2), np.arange(0, 30)], axis=1)
    for first, last in region_of(diagonal):
        assert 0 <= last - first <= 31
    notched = np.array([(r, c) for r in range(0, 40, 4) for c in range(0, 40, 4) if r + c > 0])
    assert region_of(notched) == ([8, 36], [8, 36])


GOOD_OBJECTS = complex_noise(np.random.default_rng(0), 2, 12, 15)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"objects": GOOD_OBJECTS}, "has no object; it is needed"),
        ({"object": np.abs(GOOD_OBJECTS)}, "object holds float32; complex numbers are wanted"),
        ({"object": GOOD_OBJECTS[0]}, "object has shape (1, 12, 15); (2, 12, 12) or larger is"),
        ({"object": GOOD_OBJECTS[:, 1:]}, "object has shape (2, 11, 15); (2, 12, 12) or larger"),
        (
            {"object": GOOD_OBJECTS[None, :, None]},
            "object has shape (1, 2, 1, 12, 15); (2, 12, 12)",
        ),
        ({"object": GOOD_OBJECTS * np.nan}, "object holds NaN, infinite or too large values;"),
        ({"object": GOOD_OBJECTS * [[[1]], [[0]]]}, "object is 0 on all of its central 12² px;"),
        ({"object": GOOD_OBJECTS.astype(object)}, "object is an object array (pickle);"),
    ],
)
def test_wrong_given_objects_are_refused(path: Path, arrays: Arrays, said: str) -> None:
    np.savez(path, object=GOOD_OBJECTS)
    np.testing.assert_array_equal(read_given_objects(path, 2, 12), GOOD_OBJECTS[:, :, 1:13])
    np.savez(path, **arrays)
    with pytest.raises(FileError) as caught:
        read_given_objects(path, 2, 12)
    assert str(caught.value).startswith(f"{path}: {said}")
    assert_one_line(caught.value)


def test_the_objects_of_a_repeated_scan_are_told_apart(path: Path) -> None:
    expected = make_scan(images=2)
    write_dataset(path, expected)
    arrays = read_npz(path)
    del arrays["object_index"]
    np.testing.assert_array_equal(reread(path, arrays).object_index, expected.object_index)
    arrays["coords_offsets"][0, 0, 0] += 1
    assert "has no object_index" in refusal(path, arrays)


def test_a_truth_of_another_region_gives_way_to_the_object(path: Path, arrays: Arrays) -> None:
    expected = read_dataset(path).truth
    arrays["YY_ground_truth"] = arrays["YY_ground_truth"][2:-2, 2:-2]
    np.testing.assert_array_equal(reread(path, arrays).truth, expected)
    del arrays["YY_full"]
    assert "that of the scored region, (13, 13)" in refusal(path, arrays)


def test_a_scan_of_one_row_is_read(path: Path, arrays: Arrays) -> None:
    row = arrays["coords_offsets"][:, 0, 0, 0] == 0
    per_pattern = ("diffraction", "Y_I", "Y_phi", "coords_offsets", "object_index")
    arrays.update({key: arrays[key][row] for key in per_pattern})
    arrays["YY_ground_truth"] = arrays["YY_ground_truth"][:, :1]
    arrays["coords_offsets"] = arrays["coords_offsets"][:, :, ::-1]  # now it is one column
    truth = reread(path, arrays).ground_truth
    assert truth is not None
    assert truth.shape == (13, 1)


# --- refused ----------------------------------------------------------------------------------


def with_value(array: NDArray[Any], value: complex) -> NDArray[Any]:
    array = array.copy()
    array.flat[0] = value
    return array


WRONG_ARRAYS = [
    ("diffraction", lambda a: a[:, :, :-1], "diffraction has shape (16, 8, 7); (B, N, N), square,"),
    ("diffraction", lambda a: a[:, :7, :7], "diffraction has patterns of 7 px; at least 8 are"),
    ("diffraction", lambda a: (9 * a).astype("u1"), "diffraction holds uint8; float32 is wanted"),
    ("diffraction", lambda a: a[:0], "diffraction has shape (0, 8, 8)"),
    ("diffraction", lambda a: a.repeat(4, -1), "diffraction has shape (16, 8, 8, 4)"),
    ("diffraction", lambda a: with_value(a, np.nan), "diffraction holds NaN"),
    ("diffraction", lambda a: with_value(a, np.inf), "diffraction holds NaN, infinite"),
    ("diffraction", lambda a: with_value(a.astype(float), 1e300), "or too large values"),
    ("diffraction", lambda a: with_value(a, -1), "diffraction holds -1; amplitudes of at least 0"),
    ("diffraction", lambda a: 0 * a, "diffraction is 0 everywhere"),
    ("diffraction", lambda a: a.astype(complex), "diffraction holds complex128; float32 is wanted"),
    ("diffraction", lambda a: a > 0.5, "diffraction holds bool; float32 is wanted"),
    ("diffraction", lambda a: a.astype(str), "diffraction holds <U32; float32 is wanted"),
    ("diffraction", lambda a: a.astype(object), "diffraction is an object array (pickle);"),
    ("diffraction", lambda a: a.view([("x", "f4")]), "diffraction is an array of [('x', '<f4')];"),
    ("probeGuess", lambda a: a[:-1], "probeGuess has shape (7, 8); (N, N), square, is wanted"),
    ("probeGuess", lambda a: np.pad(a, 4), "has shape (16, 16); that of the patterns, (8, 8), is"),
    ("probeGuess", lambda a: with_value(a, 1j * np.nan), "probeGuess holds NaN"),
    ("probeGuess", lambda a: 0 * a, "probeGuess is 0 everywhere"),
    ("coords_offsets", lambda a: a[1:], "a row and a column for each of the 16 patterns"),
    ("coords_offsets", lambda a: a[..., :1, :], "coords_offsets has shape (16,);"),
    ("coords_offsets", lambda a: a * 1e6, "coords_offsets exceeds 65536 px"),
    ("coords_offsets", lambda a: a * 0, "coords_offsets is the same for all patterns"),
    ("coords_offsets", lambda a: a + 1, "corners from (0, 0) to (12, 12) are wanted"),
    ("coords_offsets", lambda a: a - 1, "the positions leave the object of shape (20, 20)"),
    ("object_index", lambda a: a + 1, "object_index goes from 1 to 1; from 0 to at most 0"),
    ("object_index", lambda a: a[:0], "object_index has shape (0,)"),
    ("object_index", lambda a: a.astype(float), "object_index holds float64; int64 is wanted"),
    ("YY_full", lambda a: a[:, :7], "YY_full has shape (1, 7, 20); (n, rows, columns), at least 8"),
    ("Y_I", lambda a: a[1:], "Y_I and Y_phi have shapes (15, 8, 8) and (16, 8, 8)"),
    ("Y_phi", lambda a: with_value(a, np.nan), "Y_phi holds NaN"),
    ("intensity_scale", lambda a: -a, "intensity_scale is not one number above 0"),
    ("norm_Y_I", lambda a: np.ones(2), "norm_Y_I is not one number above 0"),
]


def measured_scan() -> Dataset:
    """A scan with all that only measured scans have."""
    rng = np.random.default_rng(0)
    scan = make_scan(images=1)
    count, n = len(scan.corners), scan.N
    return replace(
        scan,
        objects=None,
        patches=None,
        ground_truth=None,
        fractions=rng.uniform(-0.5, 0.5, (count, 2)).astype(np.float32),
        valid=rng.random((count, n, n)) > 0.1,
        free=rng.random(count) > 0.7,
        further_modes=0.3 * scan.probe[None],
        shape=(64, 72),
    )


def test_what_only_measured_scans_have_comes_back(path: Path) -> None:
    scan = measured_scan()
    write_dataset(path, scan)
    again = read_dataset(path)
    assert again.measured
    assert again.shape == again.object_shape == scan.shape
    np.testing.assert_array_equal(again.corners, scan.corners)
    np.testing.assert_allclose(again.fractions, scan.fractions, atol=1e-5)
    for key in ("valid", "free", "further_modes"):
        np.testing.assert_array_equal(getattr(again, key), getattr(scan, key))
    assert again.modes.shape == (2, scan.N, scan.N)


def test_positions_between_pixels_are_corners_and_fractions(path: Path, arrays: Arrays) -> None:
    arrays["coords_offsets"] = arrays["coords_offsets"] + np.float32(0.3)
    scan = reread(path, arrays)
    assert scan.fractions is not None
    np.testing.assert_allclose(scan.fractions, 0.3, atol=1e-5)
    np.testing.assert_array_equal(
        scan.corners, np.rint(arrays["coords_offsets"])[:, 0, :, 0].astype(int)
    )


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("valid", np.ones((3, 8, 8), bool), "valid is bool (3, 8, 8); bool (1, 8, 8) or"),
        ("valid", np.ones((1, 8, 8)), "valid is float64 (1, 8, 8)"),
        ("valid", np.zeros((1, 8, 8), bool), "valid is false everywhere"),
        ("free", np.ones(3, bool), "free is bool (3,); bool (16,) is wanted"),
        ("further_modes", np.ones((2, 8, 9), complex), "further_modes has shape (2, 8, 9)"),
        ("object_shape", np.array([4, 50]), "object_shape is [4, 50]; rows and columns, from 8"),
    ],
)
def test_what_only_measured_scans_have_is_checked(
    path: Path, arrays: Arrays, key: str, value: NDArray[Any], said: str
) -> None:
    del arrays["YY_full"], arrays["YY_ground_truth"]
    assert said in refusal(path, {**arrays, key: value})


def test_a_part_of_a_scan_lies_in_the_same_object() -> None:
    scan = measured_scan()
    part = scan.part(np.array([3, 5]))
    assert part.object_shape == scan.object_shape
    assert part.valid is not None
    assert scan.valid is not None
    np.testing.assert_array_equal(part.valid, scan.valid[[3, 5]])
    np.testing.assert_array_equal(part.corners, scan.corners[[3, 5]])


def test_a_measured_scan_is_scored_where_light_fell() -> None:
    scan = measured_scan()
    region, covered = scan.scored_region(), scan.covered()
    assert covered is not None
    assert covered.shape == tuple(side.stop - side.start for side in region)
    assert covered.any(axis=1).all() or covered.any(axis=0).all()
    # Free patterns add no light: what only they cover is not scored.
    assert scan.free is not None
    none_free = replace(scan, free=np.zeros_like(scan.free)).covered()
    assert none_free is not None
    assert none_free.sum() >= covered.sum()


@pytest.mark.parametrize(("key", "change", "said"), WRONG_ARRAYS)
def test_a_wrong_array_is_refused(
    path: Path, arrays: Arrays, key: str, change: Any, said: str
) -> None:
    np.savez(path, **{**arrays, key: change(arrays[key])})
    with pytest.raises(FileError) as caught:
        read_dataset(path, patches=True)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    assert_one_line(caught.value)


@pytest.mark.parametrize("key", ["diffraction", "probeGuess", "coords_offsets"])
def test_a_missing_array_is_named(path: Path, arrays: Arrays, key: str) -> None:
    del arrays[key]
    assert refusal(path, arrays) == f"has no {key}; it is needed"


def test_a_probe_is_read_alone(path: Path) -> None:
    probe = complex_noise(np.random.default_rng(0), 12, 12)
    np.savez(path, probeGuess=probe.astype(complex), other=np.array(None))
    np.testing.assert_array_equal(read_probe(path), probe)
    np.savez(path, probe=probe)
    with pytest.raises(FileError, match="has no probeGuess"):
        read_probe(path)


def test_a_file_that_is_no_npz_is_refused(path: Path) -> None:
    path.write_text("not a zip")
    said = "cannot be read (File is not a zip file); an NPZ file as numpy.savez writes it is wanted"
    assert refusal(path) == said


def test_a_truncated_file_is_refused(path: Path, arrays: Arrays) -> None:
    path.write_bytes(path.read_bytes()[:-100])
    assert "cannot be read" in refusal(path)


# --- no file may take more memory than its size justifies -------------------------------------


def npy(header: str, data: bytes, version: int = 1) -> bytes:
    """An array file with any header."""
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode("latin1") + data


def write_zip(path: Path, content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("diffraction.npy", content)


def header_of(shape: object, descr: object = "<f4") -> str:
    return repr({"descr": descr, "fortran_order": False, "shape": shape})


@pytest.mark.parametrize(
    "content",
    [
        npy(header_of((10**6, 64, 64)), bytes(64)),
        npy(header_of((2**70, 0)), b""),
        npy(header_of((-4, -4)), bytes(64)),
        npy(header_of((2**40,), "<U0"), b""),
        npy(header_of((16,), "|O"), bytes(128)),
        npy(header_of((16,), "nonsense"), bytes(64)),
        npy(header_of("shape"), bytes(64)),
        npy(header_of((16,)), bytes(64), version=3),
        npy(header_of((16,)), bytes(64), version=9),
        npy("{" * 5000, b""),
        npy(" " * 60_000, b""),
        npy("'''", b""),
        b"\x93NUM",
        b"",
    ],
)
def test_a_header_that_lies_is_refused(path: Path, content: bytes) -> None:
    write_zip(path, content)
    tracemalloc.start()
    refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e6


def test_a_zip_bomb_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz, "largest_content", lambda: 10_000_000)
    write_zip(path, npy(header_of((5_000_000,)), bytes(20_000_000)))
    tracemalloc.start()
    assert "at most 10000000 bytes, half of the memory of this machine, are" in refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e6


def test_other_compressions_are_refused(path: Path) -> None:
    write_zip(path, npy(header_of((16,)), bytes(64)), zipfile.ZIP_BZIP2)
    assert "cannot be read (compression method 12)" in refusal(path)


# --- whatever is given, the answer is finite numbers or one line ------------------------------


def is_finite_or_refused(path: Path) -> None:
    try:
        dataset = read_dataset(path, patches=True)
    except FileError as error:
        assert_one_line(error)
        return
    for array in (dataset.diffraction, dataset.probe, dataset.objects, dataset.patches):
        assert array is None or np.isfinite(array).all()
    rows, columns = dataset.scored_region()
    assert dataset.truth is None or dataset.truth.shape == (
        rows.stop - rows.start,
        columns.stop - columns.start,
    )
    assert (dataset.corners >= 0).all()
    assert (dataset.corners + dataset.N <= dataset.object_shape).all()


def good_arrays() -> Arrays:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.npz"
        write_dataset(path, make_scan(images=2))
        return read_npz(path)


GOOD = good_arrays()


def packed(arrays: Arrays, compress: bool) -> bytes:
    stream = BytesIO()
    (np.savez_compressed if compress else np.savez)(stream, **arrays)
    return stream.getvalue()


PACKED = [packed(GOOD, compress) for compress in (False, True)]


@pytest.fixture(scope="module")
def one_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A path that each example of a property overwrites."""
    return tmp_path_factory.mktemp("property") / "scan.npz"


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    content = bytearray(draw(st.sampled_from(PACKED)))
    directory = content.rindex(b"PK\x01\x02", 0, content.index(b"PK\x05\x06"))
    # Anywhere, or in the zip's directory at the end, where a change does most.
    position = st.integers(0, len(content) - 1) | st.integers(directory, len(content) - 1)
    for _ in range(draw(st.integers(1, 4))):
        content[draw(position) % len(content)] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.none() | position)])


@settings(max_examples=EXAMPLES, deadline=None)
@given(content=damaged())
def test_a_damaged_file_is_finite_or_refused(one_path: Path, content: bytes) -> None:
    one_path.write_bytes(content)
    is_finite_or_refused(one_path)


@st.composite
def array_with_damaged_header(draw: st.DrawFn) -> bytes:
    stream = BytesIO()
    np.save(stream, GOOD["diffraction"])
    content = bytearray(stream.getvalue())
    for _ in range(draw(st.integers(1, 3))):
        content[draw(st.integers(0, 90))] = draw(st.integers(0, 255))
    return bytes(content)


@settings(max_examples=EXAMPLES, deadline=None)
@given(content=array_with_damaged_header())
@pytest.mark.filterwarnings("ignore:Reading `.npy`", "ignore:invalid escape")  # NumPy's parser
def test_a_damaged_header_is_finite_or_refused(one_path: Path, content: bytes) -> None:
    rest = {key: array for key, array in GOOD.items() if key != "diffraction"}
    np.savez(one_path, **rest)
    with zipfile.ZipFile(one_path, "a") as archive:  # with a good checksum, unlike above
        archive.writestr("diffraction.npy", content)
    is_finite_or_refused(one_path)


any_array = hnp.arrays(
    dtype=hnp.scalar_dtypes() | hnp.unicode_string_dtypes(),
    shape=hnp.array_shapes(min_dims=0, min_side=0, max_side=9, max_dims=4),
)


@st.composite
def other_arrays(draw: st.DrawFn) -> Arrays:
    arrays = dict(GOOD)
    for key in draw(st.lists(st.sampled_from(list(arrays)), min_size=1, max_size=3, unique=True)):
        match draw(st.sampled_from(["replace", "remove", "poke"])):
            case "replace":
                arrays[key] = draw(any_array)
            case "remove":
                del arrays[key]
            case "poke" if arrays[key].dtype.kind in "fc":
                arrays[key] = with_value(arrays[key], draw(st.floats(width=32)))
            case "poke" if arrays[key].dtype.kind == "i":
                arrays[key] = with_value(arrays[key], draw(st.integers(-2, 3)))
    return arrays


@settings(max_examples=EXAMPLES, deadline=None)
@given(arrays=other_arrays())
def test_other_arrays_are_finite_or_refused(one_path: Path, arrays: Arrays) -> None:
    np.savez(one_path, **arrays)
    is_finite_or_refused(one_path)


@settings(max_examples=EXAMPLES, deadline=None)
@given(content=st.binary(max_size=40) | st.text(max_size=20).map(str.encode))
def test_any_json_is_a_mapping_or_refused(one_path: Path, content: bytes) -> None:
    one_path.write_bytes(content)
    try:
        assert isinstance(read_json(one_path), dict)
    except FileError as error:
        assert_one_line(error)
