"""How much memory a process takes to read files: `python peak.py`.

A line of JSON names a reader, a good file and further ones. They are read by a fork, which finds
everything imported and nothing read before. The line in answer holds for each of the further files
the bytes at the peak beyond those before, and what was said, or null where the file was accepted.
"""

import gc
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ptychopareto.files import FileError, read_dataset, read_json
from ptychopareto.models.registry import load_model
from ptychopareto.study.table import read_table

READERS: dict[str, Callable[[Path], Any]] = {
    "dataset": read_dataset,
    "model": load_model,
    "json": read_json,
    "table": read_table,
}
MOST = 2**30  # bytes: so that a reader without limits fails here and not the machine


def measure(read: Callable[[Path], Any], path: Path) -> dict[str, Any]:
    gc.collect()
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    said = None
    try:
        read(path)
    except FileError as error:
        said = str(error)
    return {"peak": status("VmHWM") - before, "said": said}


def status(name: str) -> int:
    """A line of /proc/self/status [bytes]."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return 1024 * int(line.split()[1])


def answer(reader: str, good: str, *files: str) -> None:
    read = READERS[reader]
    read(Path(good))  # what is made once is there
    most = status("VmSize") + MOST
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    print(json.dumps([measure(read, Path(file)) for file in files]), flush=True)


def main() -> None:
    """Until the input ends. A line that gets no answer ends this process as well."""
    gc.collect()
    gc.freeze()  # a fork would copy the memory of all this to look for garbage in it
    for line in sys.stdin:
        child = os.fork()
        if not child:
            answer(*json.loads(line))
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            sys.exit(1)


if __name__ == "__main__":
    main()
