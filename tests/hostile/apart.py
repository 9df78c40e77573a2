"""Damages HDF5 files that another process reads, so that a crash of the library is seen.

Prints what the mutations met; to see it: pytest -n 0 -s tests/hostile/test_hdf5.py
"""

import json
import os
import select
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

import ptychopareto
from counts import HDF5_MUTATIONS

from .hdf5_mutations import HDF5
from .mutations import BYTES

SECONDS = 20  # no mutation may take longer; most take a few milliseconds
SPARE = 2**29  # bytes beyond those that the process takes when nothing is read
# Part of the mutations that may end a process. HDF5 2.0.0 never returns from some damaged heaps of
# texts (H5HG__cache_heap_deserialize), and nothing in Python can stop it.
BY_LIBRARY = 0.005


class Reader:
    """The other process; a new one after one has ended."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def read(
        self, path: Path, keys: Mapping[str, str] | None = None, what: str = "scan"
    ) -> tuple[str, str]:
        """How reading a scan or a reconstruction ended, and what was said."""
        if self.process is None:
            self.process = self._start()
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps([what, str(path), keys]) + "\n")
        stdin.flush()
        ready, _, _ = select.select([stdout], [], [], SECONDS)
        line = stdout.readline() if ready else ""
        if line:
            how, said = json.loads(line)
            return how, said
        self.end()
        return ("crashed" if ready else "hung"), ""

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def _start(self) -> "subprocess.Popen[str]":
        source = str(Path(ptychopareto.__file__).parents[1])
        return subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("read_apart.py")), str(SPARE)],
            env={**os.environ, "PYTHONPATH": source, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


def fuzz(
    *,
    name: str,
    path: Path,
    damaged: Path,
    reader: Reader,
    keys: Mapping[str, str] | None = None,
    what: str = "scan",
) -> None:
    """Read each mutation of a good file; half of them are changes of bytes, half lies.

    `damaged` is the file itself, or one that it links to.
    """
    good, met = damaged.read_bytes(), Counter[str]()
    assert reader.read(path, keys, what) == ("accepted", "")
    for number in range(HDF5_MUTATIONS):
        kinds = (BYTES, HDF5)[number % 2]
        mutation = kinds[(number // 2) % len(kinds)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy and h5py wonder about what we write
            content = mutation(good, np.random.default_rng([len(name), number]))
        damaged.write_bytes(content)
        how, said = reader.read(path, keys, what)
        at = f"mutation {number}, {mutation.__name__}"
        assert how != "wrong", f"{at}: {said}"
        if how == "refused":
            assert said.isprintable(), at
            assert len(said) < len(str(path)) + 400, at
            assert str(path.parent) in said.partition(": ")[0], said
        elif how != "accepted":
            print(f"{name}: {at} {how}")
        met[how] += 1
    print(f"\n{name}: {HDF5_MUTATIONS} mutations, {dict(met)}")
    assert met["refused"]
    assert met["accepted"]
    ended = HDF5_MUTATIONS - met["refused"] - met["accepted"]
    assert ended <= HDF5_MUTATIONS * BY_LIBRARY, "processes were ended"
