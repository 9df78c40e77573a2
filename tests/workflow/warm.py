"""Snakemake without the start of Python: a process that has imported it, and forks for each call.

A line of JSON asks for a call: its arguments, its folder, its environment, the files for what it
says on its two streams, and the seconds it may take. The line that answers is its exit status.
Each call is a process of its own, which runs Snakemake's own `main` in its folder, on the sources
that lie there; what it is spared are the imports, three quarters of the time of a plan.
"""

import atexit
import gc
import importlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NoReturn

# What a plan imports of others. Nothing of this project, whose sources differ between folders.
FOR_A_PLAN = (
    *("snakemake.cli", "snakemake.report.html_reporter", "snakemake.storage", "yte", "jsonschema"),
    *("numpy", "psutil", "pydantic", "yaml", "docutils.core", "nbformat", "requests", "graphlib"),
    *("PIL.Image", "smart_open", "pygments.formatters", "pygments.lexers", "h5py", "hdf5plugin"),
)


def snakemake(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Call Snakemake in a folder, and wait for it."""
    with tempfile.TemporaryDirectory() as temporary:
        streams = [Path(temporary, name) for name in ("stdout", "stderr")]
        call = {
            "arguments": arguments,
            "folder": str(folder.resolve()),
            "environment": dict(environment),
            "streams": list(map(str, streams)),
            "timeout": round(timeout),
        }
        process = _process()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(call) + "\n")
        process.stdin.flush()
        status = int(process.stdout.readline())
        said = [stream.read_text() for stream in streams]
    if status == -signal.SIGALRM:
        raise subprocess.TimeoutExpired(["snakemake", *arguments], timeout, *said)
    return subprocess.CompletedProcess(["snakemake", *arguments], status, *said)


@cache
def _process() -> subprocess.Popen[str]:
    """The process that has imported Snakemake; it ends with this one."""
    process = subprocess.Popen(
        [sys.executable, __file__],
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # a process with threads must not fork
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.communicate)
    return process


def _call(
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
    streams: list[str],
    timeout: int,
) -> NoReturn:
    """Do what `python -m snakemake` does, in the process that the fork made."""
    signal.alarm(timeout)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in enumerate(streams, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = ["snakemake", *arguments]
    sys.path[0] = folder
    status: str | int | None = 0
    try:
        sys.modules["snakemake.cli"].main(arguments)
    except SystemExit as end:
        status = end.code
    except BaseException:
        status = traceback.format_exc()
    logging.shutdown()
    if isinstance(status, str):  # as Python does at its end
        print(status, file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(1 if isinstance(status, str) else status or 0)  # without tidying all that was imported


def main() -> None:
    for name in FOR_A_PLAN:
        importlib.import_module(name)
    gc.freeze()  # a call would copy the memory of all this to look for garbage in it
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _call(**json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
