#!/bin/sh
# What type does a MATLAB matrix of doubles, or a logical mask, have when SciPy has read it?
#
# Guess, written down before the run: a matrix that MATLAB calls `double` arrives as float64, so that
# counts can be squared and summed, and a logical mask arrives as bool, so that `pattern[mask]`
# picks pixels.
#
# Seen (scipy 1.17.1, numpy 2.4.6): neither. MATLAB packs doubles that are whole numbers into a small
# integer type, and `loadmat` hands out that type: counts change their type with their values. 24
# squared is then 64, 4 - 5 is 255, and a square root (counts to amplitudes) is float16. A logical
# arrives as uint8: `pattern[mask]` takes rows 0 and 1, and `~mask` holds 254 and 255, both true.
# `mat_dtype=True` mends both. No warning.
#
# The matrices are MATLAB 7.4's own files, from the tests that the SciPy wheel carries.
# Needs Python 3.11 or newer. Ends with 0 if all is as recorded, else with 1 and a line for each
# thing that changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import warnings
from pathlib import Path

import numpy as np
import scipy
from scipy.io import loadmat, savemat, whosmat

warnings.simplefilter("error")  # a warning would be a change too
folder = Path(sys.argv[1])
matlab = Path(scipy.__file__).parent / "io" / "matlab" / "tests" / "data"
print(f"scipy {scipy.__version__}, numpy {np.__version__}")
changed = []


def record(what, seen, recorded):
    print(f"  {what}: {seen}")
    if seen != recorded:
        changed.append(f"CHANGED: {what}: recorded {recorded}, now {seen}")


print("a matrix of doubles, written by MATLAB 7.4 (whole numbers 1 to 24)")
file = matlab / "test3dmatrix_7.4_GLNX86.mat"
counts = loadmat(file)["test3dmatrix"]
record("class in the file", whosmat(file)[0][2], "double")
record("type that loadmat gives", str(counts.dtype), "uint8")
record("24 squared", int((counts**2)[counts == 24][0]), 64)
record("4 - 5", int((counts[counts == 4] - counts[counts == 5])[0]), 255)
record("type of the square root", str(np.sqrt(counts).dtype), "float16")
record("type with mat_dtype=True", str(loadmat(file, mat_dtype=True)["test3dmatrix"].dtype), "float64")

print("a matrix of doubles with fractions, and a scalar -1, written by MATLAB 7.4")
fractions = loadmat(matlab / "testdouble_7.4_GLNX86.mat")["testdouble"]
record("type of the fractions", str(fractions.dtype), "float64")
minus = loadmat(matlab / "testminus_7.4_GLNX86.mat")["testminus"]
record("type of -1", str(minus.dtype), "int16")

print("a logical mask, written by savemat")
mask = np.array([[True, False, True], [False, False, True], [True, True, True]])
pattern = np.arange(9.0).reshape(3, 3)
file = folder / "mask.mat"
savemat(file, {"mask": mask})
read = loadmat(file)["mask"]
record("class in the file", whosmat(file)[0][2], "logical")
record("type that loadmat gives", str(read.dtype), "uint8")
record("shape of pattern[mask], 6 pixels are true", pattern[read].shape, (3, 3, 3))
record("values of ~mask", sorted({int(value) for value in (~read).ravel()}), [254, 255])
record("type with mat_dtype=True", str(loadmat(file, mat_dtype=True)["mask"].dtype), "bool")

print("\n".join(changed) or "as recorded")
sys.exit(bool(changed))
PYTHON
