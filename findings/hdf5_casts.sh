#!/bin/sh
# What becomes of a value that does not fit, when h5py converts between integer types?
#
# Guess, written down before the run: h5py converts as numpy does, so `data.astype("uint16")[...]`
# equals `data[...].astype("uint16")`: a detector's -1 (dead pixel) becomes 65,535 and stays
# recognisable, and 70,000 counts become 4,464. The same array in a Zarr store gives the same values.
#
# Seen (h5py 3.16.0, zarr 3.1.6, numpy 2.4.6): h5py converts inside the HDF5 library, which clips to
# the range of the type. -1 and NaN become 0, a dark pixel that looks valid. 70,000 counts become
# 65,535, which looks like a dead pixel. The marker 2**32 - 1 read as int32 becomes 2,147,483,647,
# where numpy gives -1.
# So it goes in `Dataset.astype`, in `read_direct`, in writing, and in a virtual dataset whose layout
# has another type than its sources. Zarr wraps as numpy does. Not one of them warns.
#
# Needs Python 3.11 or newer. Ends with 0 if all is as recorded, else with 1 and a line for each
# thing that changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    h5py==3.16.0 zarr==3.1.6 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import warnings
from pathlib import Path

import h5py
import numpy as np
import zarr

warnings.simplefilter("error")  # a warning from any of the three would be a change too
folder = Path(sys.argv[1])
print(f"h5py {h5py.__version__}, HDF5 {h5py.version.hdf5_version}, zarr {zarr.__version__}, ", end="")
print(f"numpy {np.__version__}")
changed = []


def record(what, seen, recorded):
    seen = np.asarray(seen).tolist()
    print(f"  {what}: {seen}")
    if seen != recorded:
        changed.append(f"CHANGED: {what}: recorded {recorded}, now {seen}")


pixels = np.array([-1, 5, 70_000], dtype=np.int32)
marked = np.array([5, 70_000, 2**32 - 1], dtype=np.uint32)
wrapped, clipped = [65_535, 5, 4_464], [0, 5, 65_535]

print(f"int32 {pixels.tolist()} as uint16")
record("numpy", pixels.astype(np.uint16), wrapped)
with h5py.File(folder / "scan.h5", "w") as file:
    data = file.create_dataset("data", data=pixels)
    record("h5py, data[...].astype(...)", data[...].astype(np.uint16), wrapped)
    record("h5py, data.astype(...)[...]", data.astype(np.uint16)[...], clipped)
    into = np.empty(3, dtype=np.uint16)
    data.read_direct(into)
    record("h5py, read_direct", into, clipped)
    target = file.create_dataset("target", shape=3, dtype=np.uint16)
    target[...] = pixels
    record("h5py, written to uint16", target[...], clipped)
    layout = h5py.VirtualLayout(shape=(3,), dtype=np.uint16)
    layout[:] = h5py.VirtualSource(data)
    record("h5py, virtual dataset", file.create_virtual_dataset("virtual", layout)[...], clipped)
store = zarr.create_array(folder / "scan.zarr", shape=(3,), dtype="uint16")
store[...] = pixels
record("zarr, written to uint16", store[...], wrapped)

print(f"uint32 {marked.tolist()} as int32")
record("numpy", marked.astype(np.int32), [5, 70_000, -1])
with h5py.File(folder / "marked.h5", "w") as file:
    data = file.create_dataset("data", data=marked)
    record("h5py, data.astype(...)[...]", data.astype(np.int32)[...], [5, 70_000, 2**31 - 1])

print("float64 [nan, -3.0, 2.7] as uint16")
with h5py.File(folder / "float.h5", "w") as file:
    data = file.create_dataset("data", data=np.array([np.nan, -3.0, 2.7]))
    record("h5py, data.astype(...)[...]", data.astype(np.uint16)[...], [0, 0, 2])

print("\n".join(changed) or "as recorded")
sys.exit(bool(changed))
PYTHON
