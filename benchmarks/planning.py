"""What Snakemake takes to plan a study: `snakemake -n`, nothing run."""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import yaml

from benchmarks.measuring import ROOT, table

RUNS = (100, 1_000, 10_000)
PATIENCE = 300.0  # seconds after which a plan is given up


class Plan(NamedTuple):
    """What planning took; `ended` is false if it was given up."""

    ended: bool
    wall_s: float
    processor_s: float
    memory_gb: float


def section() -> str:
    """Wall time, processor time and peak memory of a dry run, by the number of runs."""
    plans = {runs: dry_run(runs) for runs in RUNS}
    rows = [
        [
            f"{runs:,}",
            f"{plan.wall_s:.1f}" if plan.ended else f"not ended within {PATIENCE:.0f}",
            f"{plan.processor_s:.1f}",
            f"{plan.memory_gb:.2f}",
        ]
        for runs, plan in plans.items()
    ]
    head = ["runs", "wall time [s]", "processor time [s]", "peak memory [GB]"]
    text = f"`snakemake -n` of a fresh study, once each, output thrown away.\n\n{table(head, rows)}"
    fewer, most = (plans[runs] for runs in RUNS[-2:])
    if most.ended:
        growth = most.wall_s / fewer.wall_s
        text += f"\nFrom {RUNS[-2]:,} to {RUNS[-1]:,} runs the wall time grows {growth:.1f}-fold.\n"
    return text


def dry_run(runs: int) -> Plan:
    """Plan a study of `runs` runs, or give up after `PATIENCE` seconds."""
    study = yaml.safe_load((ROOT / "config.yaml").read_text())
    block = {
        "architecture": ["fno", "hybrid"],
        "input_transform": ["none"],
        "modes": [12],
        "width": [8, 16, 24, 32, 48],
        "supervision": ["teacher"],
    }
    study |= {"sweep": [block], "seeds": list(range(runs // 10))}
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "study.yaml")
        config.write_text(yaml.safe_dump(study))
        command = [sys.executable, "-m", "snakemake", "-n", "--snakefile", str(ROOT / "Snakefile")]
        began = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--configfile", str(config), "--directory", folder],
            stdout=subprocess.DEVNULL,
        )
        end = threading.Timer(PATIENCE, process.kill)
        end.start()
        peak = Peak(process.pid)
        peak.start()
        # Unlike getrusage, wait4 tells of this one child.
        _, status, usage = os.wait4(process.pid, 0)
        end.cancel()
        peak.join()
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    ended = wall < PATIENCE
    if ended and process.returncode != 0:
        sys.exit(f"the dry run of {runs} runs ended with exit code {process.returncode}")
    processor = usage.ru_utime + usage.ru_stime
    return Plan(ended, wall, processor, peak.bytes / 1e9)


class Peak(threading.Thread):
    """Watches the peak memory of a process until it ends.

    What wait4 tells of it begins with the memory of the program that started it.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.status, self.bytes = Path(f"/proc/{pid}/status"), 0

    def run(self) -> None:
        while found := re.search(r"VmHWM:\s+(\d+) kB", self._text()):
            self.bytes = int(found[1]) * 1024
            time.sleep(0.05)

    def _text(self) -> str:
        with suppress(FileNotFoundError, ProcessLookupError):
            return self.status.read_text()
        return ""
