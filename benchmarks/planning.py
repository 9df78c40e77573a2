"""What Snakemake takes to plan a study: `snakemake -n`, nothing run."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from benchmarks.measuring import table

ROOT = Path(__file__).parents[1]
RUNS = (100, 1_000, 10_000)


def section() -> str:
    """Wall time, processor time and peak memory of a dry run, by the number of runs."""
    measured = {runs: dry_run(runs) for runs in RUNS}
    rows = [
        [f"{runs:,}", f"{wall:.1f}", f"{cpu:.1f}", f"{memory:.2f}"]
        for runs, (wall, cpu, memory) in measured.items()
    ]
    growth = measured[RUNS[-1]][0] / measured[RUNS[-2]][0]
    return (
        "`snakemake -n` of a fresh study, once each, output thrown away.\n\n"
        + table(["runs", "wall time [s]", "processor time [s]", "peak memory [GB]"], rows)
        + f"\nFrom {RUNS[-2]:,} to {RUNS[-1]:,} runs the wall time grows {growth:.1f}-fold.\n"
    )


def dry_run(runs: int) -> tuple[float, float, float]:
    """Wall time [s], processor time [s] and peak memory [GB] of planning a study of `runs` runs."""
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
        # Unlike getrusage, wait4 tells of this one child.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"the dry run of {runs} runs ended with exit code {process.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e9
