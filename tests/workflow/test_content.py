"""Digests of files: they follow the content, and are remembered as long as nobody writes."""

import os
import shutil
from pathlib import Path

import pytest

from content import Digests, by_content
from ptychopareto.config import SimulatedDataset


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "memory" / "digests.json"


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.npz"
    path.write_bytes(b"patterns")
    return path


def test_content_counts_and_neither_path_nor_time(scan: Path, memory: Path) -> None:
    digest = Digests(memory).of(scan)
    os.utime(scan, (0, 0))
    moved = shutil.move(scan, scan.with_name("moved.npz"))
    assert Digests(memory).of(moved) == digest
    moved.write_bytes(b"Patterns")
    assert Digests(memory).of(moved) != digest


def test_same_size_and_time_do_not_hide_another_content(scan: Path, memory: Path) -> None:
    digest, before = Digests(memory).of(scan), scan.stat()
    scan.write_bytes(b"Patterns")
    os.utime(scan, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert Digests(memory).of(scan) != digest


def test_a_file_is_read_once(
    scan: Path, memory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("content.SLOW", 1)
    digest = Digests(memory).of(scan)
    said = f"{scan}: reading 0 GB once, to see later whether it changed\n"
    assert capsys.readouterr().err == said
    assert Digests(memory).of(scan) == digest
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("content", ["", "{", "[]", '{"/a": 3}', '{"SCAN": [1, 2]}'])
def test_damaged_memory_only_costs_time(content: str, scan: Path, memory: Path) -> None:
    digest = Digests(memory).of(scan)
    memory.write_text(content.replace("SCAN", str(scan)))
    assert Digests(memory).of(scan) == digest


def test_memory_that_cannot_be_written(scan: Path, tmp_path: Path) -> None:
    assert Digests(scan / "no_folder.json").of(scan) == Digests(tmp_path / "memory").of(scan)


def test_folder_of_frames(tmp_path: Path, memory: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.h5").write_bytes(bytes([number]))
    digest = Digests(memory).of(folder)
    (folder / ".hidden").touch()
    assert Digests(memory).of(folder) == digest
    (folder / "2.h5").rename(folder / "3.h5")
    assert Digests(memory).of(folder) != digest


def test_settings_by_content(scan: Path, memory: Path) -> None:
    def section(path: Path, seed: int = 1) -> SimulatedDataset:
        probe = {"kind": "npz", "path": str(path)}
        return SimulatedDataset.model_validate({"N": 32, "seed": seed, "probe": probe})

    digests = Digests(memory)
    before = by_content(section(scan), digests)
    moved = shutil.copy(scan, scan.with_name("moved.npz"))
    assert by_content(section(Path(moved)), digests) == before
    assert by_content(section(scan, seed=2), digests) != before
    scan.write_bytes(b"another probe")
    assert by_content(section(scan), digests) != before
