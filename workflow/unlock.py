"""Remove the lock that a killed Snakemake left in this folder, unless one still works here.

Snakemake's lock names no process, so a study that was killed outright (kill -9, a power cut)
stays locked until somebody types `snakemake --unlock`. `make study` asks here first.
"""

import subprocess
import sys
from pathlib import Path

import psutil


def workers(folder: Path) -> list[int]:
    """The processes of Snakemake, and of jobs it started, that work in `folder`."""
    found = []
    for process in psutil.process_iter():
        try:
            if "snakemake" in " ".join(process.cmdline()) and Path(process.cwd()) == folder:
                found.append(process.pid)
        except psutil.Error:  # it ended meanwhile, or belongs to somebody else
            continue
    return found


def main() -> int:
    """Exit status: 0 if the folder is free now, 1 if a study still runs in it."""
    folder = Path.cwd()
    # Asked whatever the locks say: a `snakemake partial` beside the study takes its lock away.
    running = workers(folder)
    if running:
        ids = ", ".join(map(str, running))
        print(
            f"A study still runs in {folder} (process {ids}): wait for it, or end it.",
            file=sys.stderr,
        )
        return 1
    if not any((folder / ".snakemake" / "locks").glob("*")):
        return 0
    print("Removing the lock of an earlier study that was killed; it continues where it stopped.")
    return subprocess.call([sys.executable, "-m", "snakemake", "--unlock", "--quiet", "all"])


if __name__ == "__main__":
    sys.exit(main())
