"""The Slurm of the tests, and what they do to it."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

HERE = Path(__file__).parent


class Cluster:
    """The cluster of the tests, and what is done to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self) -> None:
        """Start the daemons that do not run."""
        environment = {**os.environ, "CLUSTER_GPUS": "2"}
        command = ["bash", str(HERE / "start.sh"), str(self.folder)]
        subprocess.run(command, env=environment, check=True)

    def stop(self) -> None:
        subprocess.run(["scancel", "--me"], check=False)
        subprocess.run(["bash", str(HERE / "stop.sh"), str(self.folder)], check=True)

    def kill_slurmd(self) -> None:
        """What a crash of the node's daemon does; its jobs run on."""
        daemon = psutil.Process(int((self.folder / "slurmd.pid").read_text()))
        daemon.kill()
        psutil.wait_procs([daemon], timeout=10)

    @contextmanager
    def setting(self, key: str, value: str) -> Iterator[None]:
        """A key of slurm.conf with another value, for a while."""
        file = Path("/etc/slurm/slurm.conf")
        before = file.read_text()
        file.write_text(re.sub(rf"^{key}=.*$", f"{key}={value}", before, flags=re.MULTILINE))
        self.ask("scontrol", "reconfigure")
        try:
            yield
        finally:
            file.write_text(before)
            self.ask("scontrol", "reconfigure")

    def ask(self, *command: str) -> str:
        """What a Slurm command answers."""
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=True
        ).stdout.strip()

    def job(self, words: str) -> str:
        """The id of the running job whose comment holds `words`."""
        rows = self.ask("squeue", "--noheader", "--states", "running", "--format", "%i|%k")
        (number,) = (row.split("|")[0] for row in rows.splitlines() if words in row)
        return number


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for something to become true; fail, naming it, if it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.2)
