"""How much memory a process takes to read files: `python peak.py READER GOOD FILE...`.

Prints a JSON list: of each file the bytes at the peak beyond those before, and what was said, or
null where the file was accepted. GOOD is read first, so that everything is imported.
"""

import gc
import json
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


def main(reader: str, good: str, *files: str) -> None:
    read = READERS[reader]
    read(Path(good))
    most = status("VmSize") + MOST
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    json.dump([measure(read, Path(file)) for file in files], sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
