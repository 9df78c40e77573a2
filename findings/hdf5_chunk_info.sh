#!/bin/sh
# How long does it take to ask where one chunk of a dataset lies in its file?
#
# A dataset that grows along one axis keeps its chunks in an extensible array. Whoever checks that a
# frame is all there asks `dataset.id.get_chunk_info_by_coord` where its chunk begins and ends.
#
# Guess, written down before the runs: it looks up one entry of the array, in the same time for each
# chunk.
#
# Seen (h5py 3.16.0, HDF5 2.0.0): it goes through the chunks from the first one on. The last one of
# 20,000 takes some hundred times as long as the first one, more than a millisecond; reading its
# numbers takes some hundredths of that, wherever it lies. `chunk_iter`, which tells all chunks,
# takes as long as a dozen of such questions.
#
# Needs Python 3.11 or newer. Ends with 0 if all is as recorded, else with 1 and a line for each
# thing that changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check h5py==3.16.0 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import time
from pathlib import Path

import h5py

CHUNKS, TIMES = 20_000, 30
path = Path(sys.argv[1]) / "frames.h5"
with h5py.File(path, "w", libver="latest") as file:
    frames = file.create_dataset(
        "frames", (CHUNKS, 8, 8), "u2", maxshape=(None, 8, 8), chunks=(1, 8, 8)
    )
    frames[...] = 7


def seconds(call):
    """The least time of several, which other work on the machine does not change."""
    found = []
    for _ in range(TIMES):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return min(found)


with h5py.File(path, "r") as file:
    frames = file["frames"]
    last = CHUNKS - 1
    first_s, last_s = (
        seconds(lambda n=n: frames.id.get_chunk_info_by_coord((n, 0, 0))) for n in (0, last)
    )
    read_s = seconds(lambda: frames[last])
    all_s = seconds(lambda: frames.id.chunk_iter(lambda chunk: None))

print(f"h5py {h5py.__version__}, HDF5 {h5py.version.hdf5_version}")
print(f"  where the first chunk lies: {first_s * 1e6:.0f} µs, the last one: {last_s * 1e6:.0f} µs")
print(f"  all chunks: {all_s * 1e6:.0f} µs; to read the last frame: {read_s * 1e6:.0f} µs")
changed = []
if not last_s > 20 * first_s:
    changed.append("CHANGED: the last chunk takes no more than 20 times as long as the first one")
if not all_s < 100 * last_s:
    changed.append("CHANGED: all chunks take more than 100 times as long as the last one")
print("\n".join(changed) or "as recorded")
sys.exit(bool(changed))
PYTHON
