"""Let one study at a time run in a folder, and none be locked for ever.

Snakemake's lock names no process, so a study that was killed outright (kill -9, a power cut) stays
locked until somebody types `snakemake --unlock`. `make study` asks here first. Snakemake's lock
also does not keep two studies apart that start at the same moment, or after a `snakemake partial`
took it away; so the Snakefile claims the folder here, by a lock that ends with the process, however
it ends.
"""

import fcntl
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import psutil

# The jobs of a killed Snakemake are told to stop (see joblog); a training saves its state first.
JOBS_MAY_TAKE_S = 120.0
# The name that `files.atomic` gives to a file while it is written, which takes seconds.
UNFINISHED = re.compile(r"\.[0-9a-f]{32}(\.\w+)?")
UNFINISHED_FOR_S = 3600.0

# A claim lasts until the process ends.
_claims: list[TextIO] = []


@dataclass(frozen=True)
class Workers:
    """Ids of the processes that work in a folder.

    Attributes
    ----------
    studies : list of int
        Processes of Snakemake.
    jobs : list of int
        Processes of the scripts of its jobs.
    """

    studies: list[int]
    jobs: list[int]


def workers(folder: Path) -> Workers:
    """Find the processes of this machine that work in `folder`."""
    found = Workers([], [])
    for process in psutil.process_iter():
        try:
            command, at = process.cmdline(), Path(process.cwd())
        except psutil.Error:  # it ended meanwhile, or belongs to somebody else
            continue
        if at != folder:
            continue
        if command[1:3] == ["-m", "snakemake"] or Path(*command[1:2]).name == "snakemake":
            found.studies.append(process.pid)
        elif Path(*command[1:2]).parent == folder / ".snakemake" / "scripts":
            found.jobs.append(process.pid)
    return found


def claim(folder: Path) -> None:
    """Let this process be the only one that runs a study in `folder`.

    Raises
    ------
    SystemExit
        Another one runs there; in one line.
    """
    claimed = open(folder / ".snakemake" / "claimed", "a+")  # noqa: SIM115 (open to the very end)
    try:
        fcntl.flock(claimed, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        claimed.seek(0)
        sys.exit(f"A study already runs in {folder} ({claimed.read()}): wait for it, or end it.")
    except OSError:
        return  # a file system without locks: Snakemake's own has to do
    claimed.truncate(0)
    claimed.write(f"process {os.getpid()} on {socket.gethostname()}")
    claimed.flush()
    _claims.append(claimed)


def main(options: Sequence[str] = ()) -> int:
    """Return the exit status: 0 if the folder is free now, 1 if a study still works in it.

    Parameters
    ----------
    options : sequence of str, optional
        What Snakemake has to be told of a study whose Snakefile and config lie elsewhere.
    """
    folder = Path.cwd()
    deadline = time.monotonic() + JOBS_MAY_TAKE_S
    told = False
    # Asked whatever the locks say: a `snakemake partial` beside the study takes its lock away.
    while (running := workers(folder)) != Workers([], []):
        ids = ", ".join(map(str, running.studies or running.jobs))
        if running.studies or time.monotonic() > deadline:
            print(
                f"A study still runs in {folder} (process {ids}): wait for it, or end it.",
                file=sys.stderr,
            )
            return 1
        if not told:
            print(f"Waiting for the last jobs of a killed study to stop (process {ids}).")
            told = True
        time.sleep(0.2)
    _remove_unfinished(folder / "results")
    if not any((folder / ".snakemake" / "locks").glob("*")):
        return 0
    print("Removing the lock of an earlier study that was killed; it continues where it stopped.")
    return subprocess.call(
        [sys.executable, "-m", "snakemake", "--unlock", "--quiet", "all", *options]
    )


def _remove_unfinished(results: Path) -> None:
    """Remove files that a killed job was writing, but none that another machine may be writing."""
    old = time.time() - UNFINISHED_FOR_S
    for path in results.rglob(".*"):
        if UNFINISHED.fullmatch(path.name) and path.is_file() and path.stat().st_mtime < old:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
