import platform
import resource
import subprocess
import sys

import pytest

# Page faults of asking for the same block again and again, beside those of the first time.
PROGRAM = """
import resource, sys
import numpy as np
from ptychopareto.memory import keep_freed_memory

if sys.argv[1] == "keep":
    keep_freed_memory()

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(2**23)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
print(sum(faults() for _ in range(4)))
"""


def faults(setting: str) -> int:
    command = [sys.executable, "-c", PROGRAM, setting]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has this setting")
def test_a_freed_block_keeps_its_pages() -> None:
    pages = 2**26 // resource.getpagesize()
    assert faults("keep") < pages / 100
    # Otherwise each of the four times brings at least huge pages, if not all of the small ones.
    assert faults("leave") > 4 * 2**26 / 2**21 / 2
