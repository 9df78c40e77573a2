#!/bin/sh
# Does `gc.freeze()` after the imports, a known way to make long test runs faster, disturb Hypothesis?
#
# Guess, written down before the run: no. Frozen objects are skipped by collections and are
# otherwise what they were.
#
# Seen (hypothesis 6.170.17, Python 3.11): `gc.get_referrers`, which Hypothesis asks, does not see
# frozen objects. So `register_random` warns of a generator that a module holds (trio has such a
# one, and registers it when Hypothesis loads its plugins) that it "could be garbage collected
# immediately" and cannot be managed. It is managed all the same: each example begins with the same
# numbers. Where warnings are errors, the test run ends there.
#
# Needs Python 3.11 or newer. Ends with 0 if all is as recorded, else with 1 and a line that says
# what changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check hypothesis==6.170.17
cat >"$folder/try.py" <<'PYTHON'
import gc
import random
import sys
import warnings

from hypothesis import given, register_random, settings
from hypothesis import strategies as st

GENERATOR = random.Random()
if sys.argv[1] == "frozen":
    gc.collect()
    gc.freeze()
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    register_random(GENERATOR)
seen = set()


@settings(max_examples=5, database=None)
@given(st.integers())
def draw(number):
    seen.add(GENERATOR.random())


draw()
print(len(said), len(seen))
PYTHON
expect() {
  said=$("$folder/venv/bin/python" "$folder/try.py" "$1")
  [ "$said" = "$2" ] || { echo "CHANGED: $1: warnings and different numbers are $said, not $2"; exit 1; }
}
expect as_it_is "0 1"
expect frozen "1 1"
echo "as recorded"
