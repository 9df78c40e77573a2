"""HDF5 files that are damaged, incomplete or made to mislead end in one line."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from ptychopareto.files import FileError
from ptychopareto.readers import MeasuredScan, hdf5_values, read_scan

FRAMES = np.arange(6 * 10 * 12, dtype=np.uint16).reshape(6, 10, 12)


def read(path: Path, **keys: str) -> MeasuredScan:
    return read_scan(path, keys={"diffraction": "data", **keys})


def refused(path: Path, **keys: str) -> str:
    with pytest.raises(FileError) as error:
        read(path, **keys)
    line = str(error.value)
    assert line.startswith(f"{path}: ")
    assert line.isprintable()
    return line


def test_frames_of_four_axes_are_flattened(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["data"] = FRAMES.reshape(2, 3, 10, 12)
    frames = read(path).frames
    assert frames.shape == FRAMES.shape
    for piece in (slice(0, 6), slice(1, 5), slice(2, 3), slice(4, 9), slice(1, 6, 2)):
        assert (frames[piece] == FRAMES[piece]).all()
        assert frames[piece].dtype == np.uint16


def test_soft_and_external_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with h5py.File(tmp_path / "raw/frames.h5", "w") as file:
        file["entry/frames"] = FRAMES
        file["here"] = h5py.SoftLink("/entry")
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["away"] = h5py.ExternalLink("raw/frames.h5", "/here")
        file["data"] = h5py.SoftLink("away/frames")
    assert (read(path).frames[2:4] == FRAMES[2:4]).all()
    (tmp_path / "raw/frames.h5").unlink()
    assert "needs the file raw/frames.h5 beside it, which is missing" in refused(path)


def test_links_that_lead_nowhere_or_round_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["data"] = h5py.SoftLink("/none")
    assert "data is a link to /none, which is not there" in refused(path)
    with h5py.File(path, "w") as file:
        file["data"], file["other"] = h5py.SoftLink("/other"), h5py.SoftLink("/data")
    assert "without an end" in refused(path)
    with h5py.File(path, "w") as file:
        file["data"] = h5py.ExternalLink("/dev/zero", "/data")
    assert "needs the file /dev/zero" in refused(path)


def virtual(path: Path, name: str, count: int, *, whole: bool = True) -> None:
    """Six frames of another file that has `count`, taken as a whole or four and two at once."""
    source = h5py.VirtualSource(name, "frames", (6, 10, 12))
    layout = h5py.VirtualLayout((6, 10, 12), np.uint16)
    for piece in [slice(None)] if whole else [slice(0, 4), slice(4, 6)]:
        layout[piece] = source if whole else source[piece]
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("data", layout)
    with h5py.File(path.parent / name, "w") as file:
        file["frames"] = FRAMES[:count]


@pytest.mark.parametrize("whole", [True, False])
def test_virtual_frames_whose_source_is_missing_are_refused(tmp_path: Path, whole: bool) -> None:
    path = tmp_path / "scan.h5"
    virtual(path, "source.h5", 6, whole=whole)
    assert (read(path).frames[0:6] == FRAMES).all()
    frames = read(path).frames
    (tmp_path / "source.h5").unlink()
    with pytest.raises(FileError, match=r"needs the file source\.h5"):
        frames[0:1]
    with h5py.File(path) as file:
        assert not file["data"][()].any()  # what the library says: nothing but zeros
    assert "needs the file source.h5 beside it, which is missing" in refused(path)


@pytest.mark.parametrize("whole", [True, False])
def test_virtual_frames_whose_source_is_short_are_refused(tmp_path: Path, whole: bool) -> None:
    path = tmp_path / "scan.h5"
    virtual(path, "source.h5", 4, whole=whole)
    line = "takes more of frames in source.h5 than there is; that has the shape (4, 10, 12)"
    assert line in refused(path)


def test_virtual_frames_that_are_taken_from_themselves_are_refused(tmp_path: Path) -> None:
    """HDF5 follows them until the process is out of stack."""
    path = tmp_path / "scan.h5"
    virtual(path, "source.h5", 6)
    (tmp_path / "source.h5").unlink()
    layout = h5py.VirtualLayout((6, 10, 12), np.uint16)
    layout[:] = h5py.VirtualSource("scan.h5", "data", (6, 10, 12))
    with h5py.File(tmp_path / "source.h5", "w") as file:
        file.create_virtual_dataset("frames", layout)
    with pytest.raises(FileError, match="is taken from itself"):
        read(path)


def test_a_frame_that_claims_more_than_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("data", (3, 10**7, 10**7), "f4", chunks=(1, 64, 64))
        data[0, :64, :64] = 1
        file["mask"] = np.ones((2, 2))
    assert "claims 400000000000000 bytes at once" in refused(path)
    with h5py.File(path, "w") as file:
        data = file.create_dataset("data", (2**40, 10, 12), "u2", chunks=(1, 10, 12))
        data[0] = FRAMES[0]
    assert "claims 263882790666240 bytes; the file has 240 for it" in refused(path)
    with h5py.File(path, "w") as file:
        file["data"] = FRAMES
        file.create_dataset("mask", (10**7, 10**7), "f4", chunks=(64, 64))
    assert "/mask claims 400000000000000 bytes" in refused(path, mask="mask")


def test_frames_that_were_never_written_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data", (2**40, 10, 12), "u2", chunks=(1, 10, 12))
    assert "was never written" in refused(path)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array([["a"] * 9] * 9, dtype=object), "holds object; plain numbers"),
        (np.zeros((3, 9, 9), "S4"), r"holds \|S4; plain numbers"),
        (np.zeros((3, 9, 9), [("x", "f4"), ("y", "i2")]), "plain numbers are wanted"),
        (np.zeros((3, 9, 9), complex), "holds complex128 .*real numbers are wanted"),
        (np.ones((9, 9)), "at least three axes"),
        (np.ones((3, 4, 4)), "at least 8 rows and columns"),
        (np.ones((0, 9, 9)), "at least three axes"),
    ],
)
def test_what_is_no_frames_is_refused(tmp_path: Path, value: np.ndarray, message: str) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "data", data=value, dtype=h5py.string_dtype() if value.dtype == object else None
        )
    with pytest.raises(FileError, match=message):
        read(path)


def test_compound_complex_numbers_are_complex(tmp_path: Path) -> None:
    pairs = np.zeros((4, 4), [("real", "<f4"), ("imag", "<f4")])
    pairs["real"], pairs["imag"] = 1, 2
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["pairs"] = pairs
        array = hdf5_values.read_array(tmp_path / "scan.h5", file["pairs"])
    assert array.dtype == np.complex64
    assert (array == 1 + 2j).all()


def test_frames_packed_by_an_unknown_filter_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((1, 10, 12))
        plist.set_filter(32123, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple(FRAMES.shape)
        data = h5py.h5d.create(file.id, b"data", h5py.h5t.NATIVE_UINT16, space, plist)
        h5py.Dataset(data).id.write_direct_chunk((0, 0, 0), FRAMES[0].tobytes())
    assert "packed by HDF5 filter 32123, not known here" in refused(path)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["data"] = FRAMES
    path.write_bytes(path.read_bytes()[:-300])
    assert "cannot be read" in refused(path)


def test_a_file_that_vanishes_is_refused_when_frames_are_read(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["data"] = FRAMES
    frames = read(path).frames
    path.unlink()
    with pytest.raises(FileError, match="No such file"):
        frames[0:1]
