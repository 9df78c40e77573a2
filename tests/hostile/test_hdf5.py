"""HDF5 files that are damaged or lie: each reader gives a scan that holds together, or one line.

Each file is read in a process of its own, with a limit on its memory and its time, so that a
crash of the library is seen and does not end the tests. Prints what the mutations met; to see it:
pytest -n 0 -s tests/hostile/test_hdf5.py
"""

import os
import resource
import signal
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from counts import HDF5_MUTATIONS
from ptychopareto.files import FileError
from ptychopareto.readers import MeasuredScan, read_scan
from readers.writers import KEYS, WRITERS, a_scan, write_dectris

from .hdf5_mutations import HDF5
from .mutations import BYTES

SECONDS = 10  # no mutation may take longer; most take a few milliseconds
SPARE = 2**29  # bytes beyond those that the tests take themselves
ACCEPTED, REFUSED, WRONG = 0, 1, 2
# Part of the mutations that may end a process. HDF5 2.0.0 never returns from some damaged heaps of
# texts (H5HG__cache_heap_deserialize), and nothing in Python can stop it.
BY_LIBRARY = 0.005

Check = Callable[[Path], None]  # reads a file and fails if it got what was not promised


def holds_together(scan: MeasuredScan) -> None:
    """Fail unless frames can be read and every part has the shape that it promises."""
    count, *frame = scan.frames.shape
    for piece in (slice(0, min(2, count)), slice(max(count - 2, 0), count)):
        frames = scan.frames[piece]
        assert frames.shape[1:] == tuple(frame)
        assert frames.dtype == scan.frames.dtype
        assert frames.dtype.kind in "biuf"
    for positions in (scan.positions, scan.corners_on_object):
        assert positions is None or positions.shape == (count, 2)
        assert positions is None or np.isfinite(positions).all()
    assert scan.valid is None or scan.valid.shape in (scan.frames.shape, tuple(frame))
    for image in (scan.probe, scan.object):
        assert image is None or (image.dtype == np.complex64 and np.isfinite(image).all())
    lengths = [scan.wavelength, scan.distance, *(scan.detector_pixel or ())]
    assert all(length is None or (np.isfinite(length) and length > 0) for length in lengths)
    assert all(isinstance(said, str) for said in scan.origins.values())


def check_scan(keys: Mapping[str, str] | None = None) -> Check:
    return lambda path: holds_together(read_scan(path, keys=keys))


def read_apart(path: Path, check: Check) -> tuple[int, str]:
    """Read and check a file in a process of its own: how it ended, and what it said."""
    inward, outward = os.pipe()
    child = os.fork()
    if child == 0:
        code, said = WRONG, ""
        try:
            os.close(inward)
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + SPARE, used + SPARE))
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(SECONDS)
            check(path)
            code = ACCEPTED
        except FileError as error:
            code, said = REFUSED, str(error)
        except BaseException as error:
            said = repr(error)
        finally:
            os.write(outward, said.encode()[:4000])
            os._exit(code)
    os.close(outward)
    with os.fdopen(inward, "rb") as stream:
        said = stream.read().decode()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, said


def fuzz(name: str, path: Path, check: Check) -> None:
    """Read each mutation of a good file; half of them are changes of bytes, half lies."""
    good = path.read_bytes()
    check(path)  # imports what it needs
    assert read_apart(path, check) == (ACCEPTED, "")
    met: Counter[str] = Counter()
    for number in range(HDF5_MUTATIONS):
        rng = np.random.default_rng([len(name), number])
        kinds = (BYTES, HDF5)[number % 2]
        mutation = kinds[(number // 2) % len(kinds)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path.write_bytes(mutation(good, rng))
        status, said = read_apart(path, check)
        at = f"mutation {number}, {mutation.__name__}"
        assert status != WRONG, f"{at}: {said}"
        if status < 0:
            met[signal.Signals(-status).name] += 1
            print(f"{name}: {at} ended by {signal.Signals(-status).name}")
        elif status == REFUSED:
            met["refused"] += 1
            assert said.isprintable(), at
            assert len(said) < len(str(path)) + 400, at
            assert str(path.parent) in said.partition(": ")[0], said
        else:
            met["accepted"] += 1
    print(f"\n{name}: {HDF5_MUTATIONS} mutations, {dict(met)}")
    assert met["refused"] > HDF5_MUTATIONS // 4
    assert met["accepted"]
    ended = HDF5_MUTATIONS - met["refused"] - met["accepted"]
    assert ended <= HDF5_MUTATIONS * BY_LIBRARY, "processes were ended"


@pytest.mark.parametrize("name", WRITERS)
def test_formats(name: str, tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    WRITERS[name](path, a_scan(N=16, rows=5, columns=7))
    fuzz(name, path, check_scan(KEYS if name == "keys" else None))


def test_dectris_master_file(tmp_path: Path) -> None:
    path = tmp_path / "scan_master.h5"
    write_dectris(path, a_scan(N=16))
    fuzz("dectris", path, check_scan())


def test_dectris_file_of_frames(tmp_path: Path) -> None:
    """The master file is whole; what it links to is damaged."""
    path = tmp_path / "scan_master.h5"
    write_dectris(path, a_scan(N=16))
    frames = tmp_path / "scan_data_000002.h5"
    good = frames.read_bytes()
    met: Counter[int] = Counter()
    for number in range(HDF5_MUTATIONS):
        kinds = (BYTES, HDF5)[number % 2]
        mutation = kinds[(number // 2) % len(kinds)]
        frames.write_bytes(mutation(good, np.random.default_rng([7, number])))
        status, said = read_apart(path, check_scan())
        assert status != WRONG, (number, mutation.__name__, said)
        met[status] += 1
    assert met[REFUSED]
    assert met[ACCEPTED]
    assert HDF5_MUTATIONS - met[REFUSED] - met[ACCEPTED] <= HDF5_MUTATIONS * BY_LIBRARY
