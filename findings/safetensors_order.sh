#!/bin/sh
# Does `safetensors.numpy` give back the array that it was given, whatever its order in memory?
#
# Guess, written down before the run: yes, as `np.save` does. The torch side of safetensors refuses a
# tensor that is not in C order, so its numpy side either copies into C order or refuses.
#
# Seen (numpy 2.4.6, scipy 1.17.1): safetensors 0.7.0 copies and is right. safetensors 0.8.0 does
# neither: it writes the memory as it lies under the shape of the array. An array in Fortran order
# (contiguous and dense, as the documentation asks) comes back with its values in other places, and
# no warning is given. Such arrays come from `.T`, from `np.load` of an array saved so, and from
# SciPy's `loadmat`: a probe or a matrix of weights read from MATLAB and written on is scrambled.
# `np.ascontiguousarray` mends it.
# Upstream: github.com/safetensors/safetensors/issues/825, open when this was written.
#
# Needs Python 3.11 or newer. Ends with 0 if all is as recorded, else with 1 and a line for each
# thing that changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scipy==1.17.1 numpy==2.4.6
cat >"$folder/check.py" <<'PYTHON'
import sys
import warnings
from pathlib import Path

import numpy as np
import safetensors
from safetensors.numpy import load_file, save_file
from scipy.io import loadmat, savemat

warnings.simplefilter("error")  # a warning would be a change too
folder = Path(sys.argv[1])
intact = {"0.7.0": True, "0.8.0": False}[safetensors.__version__]
print(f"safetensors {safetensors.__version__}, numpy {np.__version__}")
changed = []


def record(what, array, recorded):
    save_file({"array": array}, folder / "array.safetensors")
    read = load_file(folder / "array.safetensors")["array"]
    equal = bool(np.array_equal(read, array))
    print(f"  {what}: {array.tolist()} comes back as {read.tolist()}")
    if equal != recorded:
        was, now = ("equal" if value else "scrambled" for value in (recorded, equal))
        changed.append(f"CHANGED: {what}: recorded {was}, now {now}")


rows = np.arange(6, dtype=np.float32).reshape(2, 3)
np.save(folder / "fortran.npy", np.asfortranarray(rows))
savemat(folder / "probe.mat", {"probe": rows * np.complex64(1j)})
record("C order", rows, True)
record("the transpose of an array", rows.T, intact)
record("np.load of an array in Fortran order", np.load(folder / "fortran.npy"), intact)
record("loadmat of a complex probe", loadmat(folder / "probe.mat")["probe"], intact)
record("the transpose through ascontiguousarray", np.ascontiguousarray(rows.T), True)

print("\n".join(changed) or "as recorded")
sys.exit(bool(changed))
PYTHON
status=0
for version in 0.7.0 0.8.0; do
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check safetensors==$version
    "$folder/venv/bin/python" "$folder/check.py" "$folder" || status=1
done
exit $status
