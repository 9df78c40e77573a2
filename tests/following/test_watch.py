"""How the growth of a file is seen, and how it ends."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ptychopareto.files import FileError
from ptychopareto.following.watch import PATIENCE, Watch
from ptychopareto.readers.measured_scan import MeasuredScan
from ptychopareto.readers.registry import read_growing_scan
from readers.growing import Detector
from readers.writers import Scan, a_scan, write_cxi

TIMEOUT = 30.0


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def scan() -> Scan:
    return a_scan(N=16, rows=5, columns=8)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def detector(scan: Scan, tmp_path: Path) -> Iterator[Detector]:
    with Detector(tmp_path / "scan.cxi", scan) as one:
        yield one


def watch(path: Path, clock: Clock) -> Watch:
    return Watch(path, read_growing_scan, TIMEOUT, clock)


def look_for_long(eyes: Watch, clock: Clock) -> None:
    """Look until what is damaged is no longer borne."""
    for _ in range(3):
        eyes.look()
        clock.now += PATIENCE


def test_a_scan_is_complete_when_its_writer_closes_it(detector: Detector, clock: Clock) -> None:
    eyes = watch(detector.file, clock)
    assert eyes.look().count == 0
    for count in (15, 30):
        detector.write(15)
        look = eyes.look()
        assert (look.count, look.ended) == (count, False)
    detector.close()
    look = eyes.look()
    assert look.complete
    assert look.count == 30


def test_a_file_that_is_not_there_yet_is_waited_for(
    scan: Scan, tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "scan.cxi"
    eyes = watch(path, clock)
    clock.now = TIMEOUT - 1
    assert eyes.look().scan is None
    path.touch()
    assert eyes.look().scan is None
    write_cxi(path, scan)
    assert eyes.look().complete


def test_a_file_that_never_comes(tmp_path: Path, clock: Clock) -> None:
    eyes = watch(tmp_path / "scan.cxi", clock)
    clock.now = TIMEOUT + 1
    with pytest.raises(FileError, match=r"scan.cxi: nothing came for 30 s: there is no such file$"):
        eyes.look()


@pytest.mark.parametrize("version", ["earliest", "latest"])
def test_a_writer_that_lets_nobody_read(
    version: str, scan: Scan, tmp_path: Path, clock: Clock
) -> None:
    """It is waited for: it may lay out the file only, or close it before the timeout."""
    path = tmp_path / "scan.cxi"
    code = f"import h5py; f = h5py.File({str(path)!r}, 'w', libver={version!r}); f['a'] = 1; "
    code += "f.flush(); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        eyes = watch(path, clock)
        assert eyes.look().scan is None
        clock.now = TIMEOUT + 1
        with pytest.raises(FileError, match="nothing came for 30 s: is open for writing, or its"):
            eyes.look()
        writer.kill()


def test_a_file_that_stops_growing(detector: Detector, clock: Clock) -> None:
    eyes = watch(detector.file, clock)
    clock.now = TIMEOUT - 1
    detector.write(10)
    assert eyes.look().count == 10
    clock.now += TIMEOUT - 1
    assert not eyes.look().ended
    clock.now += 2
    look = eyes.look()
    assert look.stopped is not None
    assert not look.complete
    assert (
        "nothing came for 30 s after pattern 10, and its writer has not closed it" in look.stopped
    )
    assert look.count == 10


def test_a_file_without_patterns(detector: Detector, clock: Clock) -> None:
    eyes = watch(detector.file, clock)
    assert not eyes.look().ended
    clock.now = TIMEOUT + 1
    with pytest.raises(FileError, match=r"nothing came for 30 s: the file has no pattern"):
        eyes.look()


def test_a_killed_writer_leaves_what_it_wrote(detector: Detector, clock: Clock) -> None:
    eyes = watch(detector.file, clock)
    detector.write(10)
    detector.kill()
    assert not eyes.look().ended
    clock.now = TIMEOUT + 1
    assert eyes.look().stopped is not None


def test_damage_is_borne_for_a_moment_only(
    detector: Detector, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    eyes = watch(detector.file, clock)
    detector.write(40)

    def refuse(path: Path) -> MeasuredScan:
        raise FileError(f"{path}: cannot be read right now")

    monkeypatch.setattr(eyes, "_read", refuse)
    assert eyes.look().scan is None
    clock.now = PATIENCE + 1
    with pytest.raises(FileError, match="cannot be read right now"):
        eyes.look()


def test_damage_of_a_closed_file_is_final(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "scan.cxi").write_text("no HDF5 file")
    with pytest.raises(FileError, match="neither HDF5 nor NPZ"):
        watch(tmp_path / "scan.cxi", clock).look()


def test_a_file_that_is_cut_off_ends_it(detector: Detector, clock: Clock) -> None:
    eyes = watch(detector.file, clock)
    detector.write(40)
    assert eyes.look().count == 40
    os.truncate(detector.file, 3000)
    with pytest.raises(FileError):
        look_for_long(eyes, clock)


def test_another_scan_in_the_place_of_the_first(
    detector: Detector, clock: Clock, tmp_path: Path
) -> None:
    eyes = watch(detector.file, clock)
    detector.write(40)
    assert eyes.look().count == 40
    write_cxi(tmp_path / "other.cxi", a_scan(N=16, rows=3, columns=3))
    os.replace(tmp_path / "other.cxi", detector.file)
    with pytest.raises(FileError, match="9 patterns and had 40 before"):
        eyes.look()
    os.unlink(detector.file)
    with pytest.raises(FileError, match="was deleted"):
        eyes.look()
