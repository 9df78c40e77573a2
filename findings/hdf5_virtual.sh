#!/bin/sh
# How can a virtual HDF5 dataset be checked before it is read?
#
# Guess, written down before the run: a virtual dataset whose source file is missing or too short
# raises an error when it is read, as an external link does. `virtual_sources()` says of each source
# which part is taken: `src_space.shape` is the shape of the source, `get_select_bounds()` the first
# and the last index that is taken of it.
#
# Seen (h5py 3.16.0, HDF5 2.0.0): a missing file and a missing dataset read as the fill value, 0:
# dark frames that look valid, and nothing is raised. A source that is two frames short raises
# OSError if it is taken as a whole, and reads as zeros if a part of it is taken. `src_space.shape`
# is not the shape of the source: it reaches as far as the part that is taken. And where the whole
# source is taken, which is the usual way to join files, `src_space` has the shape () and the
# selection type SEL_ALL, and `get_select_bounds()` raises ValueError, so the check that works for
# parts fails on whole files. The number of points of `vspace` is the one to compare.
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
from pathlib import Path

import h5py
import numpy as np

folder = Path(sys.argv[1])
print(f"h5py {h5py.__version__}, HDF5 {h5py.version.hdf5_version}, numpy {np.__version__}")
changed = []


def record(what, seen, recorded):
    print(f"  {what}: {seen}")
    if seen != recorded:
        changed.append(f"CHANGED: {what}: recorded {recorded}, now {seen}")


def bounds(space):
    try:
        return [list(map(int, corner)) for corner in space.get_select_bounds()]
    except ValueError:
        return "ValueError"


def written(path, piece, count):
    """Six frames of 2 x 3 pixels, taken as a whole or in parts of a file that has `count`."""
    source = h5py.VirtualSource("source.h5", "frames", (6, 2, 3))
    layout = h5py.VirtualLayout((6, 2, 3), np.uint16)
    layout[piece] = source if piece == slice(None) else source[piece]
    with h5py.File(folder / "source.h5", "w") as file:
        file["frames"] = np.ones((count, 2, 3), np.uint16)
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("data", layout)


def sums(path):
    with h5py.File(path) as file:
        try:
            return file["data"][()].sum(axis=(1, 2)).tolist()
        except OSError:
            return "OSError"


path = folder / "scan.h5"
print("counts of six frames")
written(path, slice(None), 6)
record("source whole", sums(path), [6] * 6)
written(path, slice(None), 4)
(folder / "source.h5").unlink()
record("source missing", sums(path), [0] * 6)
with h5py.File(folder / "source.h5", "w") as file:
    file["other"] = 1
record("dataset missing", sums(path), [0] * 6)
written(path, slice(None), 4)
record("source two frames short, taken as a whole", sums(path), "OSError")
written(path, slice(2, 6), 4)
record("source two frames short, a part taken", sums(path), [0] * 2 + [6] * 2 + [0] * 2)

for name, piece, shape, corners in (
    ("a part", slice(1, 4), [4, 2, 3], [[1, 0, 0], [3, 1, 2]]),
    ("the whole", slice(None), [], "ValueError"),
):
    print(f"{name} of the source is taken")
    written(path, piece, 6)
    with h5py.File(path) as file:
        (source,) = file["data"].virtual_sources()
        record("src_space.shape", list(source.src_space.shape), shape)
        record("src_space.get_select_bounds()", bounds(source.src_space), corners)
        record("points of vspace", source.vspace.get_select_npoints(), 6 * (3 if shape else 6))

print("\n".join(changed) or "as recorded")
sys.exit(bool(changed))
PYTHON
