"""How often a test with random input tries: fewer times in `make test`, all in `make test-long`."""

import os

LONG = os.environ.get("TEST_LONG") == "1"  # as `make test-long` sets it
KILLS = int(os.environ.get("KILLS", "20" if LONG else "1"))
SEARCH_KILLS = 10 if LONG else 1
MUTATIONS = 500 if LONG else 100
HDF5_MUTATIONS = 500 if LONG else 30
EXAMPLES = 200 if LONG else 25  # of hypothesis, for each property
