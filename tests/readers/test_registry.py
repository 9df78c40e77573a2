"""A file's format is what its contents say, and a format is one object in one list."""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import pytest

from ptychopareto.files import FileError
from ptychopareto.readers import FORMATS, MeasuredScan, keyed, read_scan, registry
from ptychopareto.readers.format import Contents, Format


def test_a_new_format_is_one_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def recognises(contents: Contents) -> bool:
        return contents.shape("house/pictures") == (4, 16, 16)

    def read(path: Path, keys: Mapping[str, str]) -> MeasuredScan:
        with h5py.File(path) as file:
            return MeasuredScan(str(path), "", file["house/pictures"][()])

    monkeypatch.setattr(
        registry, "READERS", [*registry.READERS, Format("house", "ours", recognises, read)]
    )
    path = tmp_path / "no matter.txt"
    with h5py.File(path, "w") as file:
        file["house/pictures"] = np.ones((4, 16, 16))
    scan = read_scan(path)
    assert (scan.path, scan.format, scan.frames.shape) == (str(path), "house", (4, 16, 16))


@pytest.mark.parametrize("suffix", ["h5", "npz", "txt"])
def test_a_file_of_no_format_is_refused_in_one_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"scan.{suffix}"
    if suffix == "h5":
        with h5py.File(path, "w") as file:
            file["something"] = np.ones(3)
    elif suffix == "npz":
        np.savez(path, something=np.ones(3))
    else:
        path.write_text("something")
    with pytest.raises(FileError) as refused:
        read_scan(path)
    line = str(refused.value)
    assert line.startswith(f"{path}: is ")
    assert all(name in line for name in FORMATS)


def test_a_missing_file_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.h5", tmp_path):
        with pytest.raises(FileError, match=f"{path}: "):
            read_scan(path)


def test_a_format_that_is_not_known_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "scan.npz", something=np.ones(3))
    with pytest.raises(FileError, match=r"format 'cxx' is not known; known are: .*cxi"):
        read_scan(tmp_path / "scan.npz", format="cxx")


def test_the_page_lists_every_format() -> None:
    page = (Path(__file__).parents[2] / "docs/formats.md").read_text()
    listed = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert sorted(FORMATS) == sorted(set(listed) & set(FORMATS))
    assert all(f"| `{key}" in page or f"`, `{key}`" in page for key in keyed.KEYS)
