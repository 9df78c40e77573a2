#!/bin/sh
# What does a SWMR reader see of a file that is not all there?
#
# A detector writes frames in SWMR mode. Half of the file is copied, as by a copy that stopped, or
# the disk lost the rest. Besides, the writer may make place for frames before it writes them.
#
# Guess, written down before the runs: `h5py.File(path, "r", swmr=True)` refuses the half file with
# "truncated file", as it does without `swmr`, or else a read of a frame beyond the end raises
# OSError.
# A frame for which there is place, but which is not written yet, is not visible to a reader.
#
# Seen (h5py 3.16.0, HDF5 2.0.0): the half file opens, and the frames beyond its end are zeros,
# without an error or a warning. So it is of a file that is closed, when it is opened with `swmr`.
# A frame that was made place for, and flushed, is visible, as zeros. A SWMR reader of a damaged
# file may besides never come back; no such file is made here.
# How to tell that a writer is done, h5py does not say either: byte 11 of the superblock does, 5 in
# SWMR mode, 0 after the file was closed, still 5 after the writer was killed.
#
# Needs Python 3.11 or newer. Ends with 0 if all is as recorded, else with 1 and a line for each
# thing that changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check h5py==3.16.0 numpy==2.4.6
cat > "$folder/writer.py" <<'PYTHON'
import os
import sys

import h5py

with h5py.File(sys.argv[1], "w", libver="latest") as file:
    frames = file.create_dataset(
        "frames", (0, 64, 64), "u2", maxshape=(None, 64, 64), chunks=(1, 64, 64)
    )
    file.swmr_mode = True
    frames.resize(100, axis=0)
    frames[...] = 7
    frames.resize(110, axis=0)  # place for ten more
    file.flush()
    if sys.argv[2] == "killed":
        os._exit(0)  # nothing is closed
PYTHON
cat > "$folder/reader.py" <<'PYTHON'
import sys

import h5py

path, how = sys.argv[1:]
try:
    file = h5py.File(path, "r", swmr=how == "swmr")
    with file:
        least = file["frames"][...].min(axis=(1, 2))
        print(f"{(least == 7).sum()} written, {(least == 0).sum()} zeros")
except (OSError, KeyError) as error:
    said = str(error)
    reasons = ("truncated file", "already open for write")
    print(type(error).__name__, next((r for r in reasons if r in said), said))
PYTHON
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import subprocess
import sys
from pathlib import Path

import h5py

folder = Path(sys.argv[1])
print(f"h5py {h5py.__version__}, HDF5 {h5py.version.hdf5_version}")
changed = []


def record(what, seen, recorded):
    print(f"  {what}: {seen}")
    if seen != recorded:
        changed.append(f"CHANGED: {what}: recorded {recorded}, now {seen}")


def written(name, how):
    path = folder / name
    subprocess.run([sys.executable, folder / "writer.py", path, how], check=True)
    return path, path.read_bytes()


def read(path, how):
    call = [sys.executable, folder / "reader.py", path, how]
    return subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()


killed, content = written("killed.h5", "killed")
closed, whole = written("closed.h5", "closed")
print("byte 11 of the superblock")
record("writer killed in SWMR mode", content[11], 5)
record("closed", whole[11], 0)
print("a writer was killed; ten frames have place and were not written")
record("plain", read(killed, "plain"), "OSError already open for write")
record("swmr", read(killed, "swmr"), "100 written, 10 zeros")
print("half of the file")
killed.write_bytes(content[: len(content) // 2])
closed.write_bytes(whole[: len(whole) // 2])
record("of a killed writer, swmr", read(killed, "swmr"), "49 written, 61 zeros")
record("of a closed file, plain", read(closed, "plain"), "OSError truncated file")
record("of a closed file, swmr", read(closed, "swmr"), "49 written, 61 zeros")

print("\n".join(changed) or "as recorded")
sys.exit(bool(changed))
PYTHON
