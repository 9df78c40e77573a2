"""A whole light study: where its wall time goes."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.measuring import ROOT, interleaved, table

# How a job's log begins, and how it ends.
STORY = re.compile(r"^=== (\S+ \S+) (\w+).*?^done in ([\d.]+) s$", re.DOTALL | re.MULTILINE)
WORK = ("train", "evaluate", "evaluate_scenario")

# Modules that a process imports before it does anything.
STARTS = {
    "Python alone": "sys",
    "the table of results": "ptychopareto.study.table",
    "a picture": "ptychopareto.pictures.pareto",
    "a training": "pandas, ptychopareto.learning.training",
    "an evaluation": "ptychopareto.assessment.evaluation, ptychopareto.pictures.reconstruction",
    "for comparison, torch alone": "torch",
}


class Job(NamedTuple):
    """A job from its first line to its last; loading Python comes before."""

    rule: str
    start: float
    seconds: float


def section() -> str:
    """The jobs by rule, and the share of the wall time in which none trains or evaluates."""
    with tempfile.TemporaryDirectory() as folder:
        wall = run(Path(folder))
        jobs = [job for log in Path(folder, "results", "logs").rglob("*.log") for job in read(log)]
    by_rule: dict[str, list[float]] = defaultdict(list)
    for job in sorted(jobs, key=lambda job: job.start):
        by_rule[job.rule].append(job.seconds)
    rows = [[rule, str(len(times)), f"{sum(times):.1f}"] for rule, times in by_rule.items()]
    working = covered(job for job in jobs if job.rule in WORK)
    return (
        f"`snakemake` of `config.yaml` on {os.cpu_count()} cores, once: {wall:.0f} s, of which "
        f"{100 * (1 - working / wall):.0f} % pass without any training or evaluation at work.\n\n"
        + table(["rule", "jobs", "time of all of them, without loading Python [s]"], rows)
        + "\nWhat a job loads before it begins, median of five:\n\n"
        + table(["what", "time [s]"], starts())
    )


def starts() -> list[list[str]]:
    """How long new processes take to import what jobs import."""
    seconds = interleaved({name: partial(load, modules) for name, modules in STARTS.items()}, 0)
    return [[name, f"{time:.2f}"] for name, time in seconds.items()]


def load(modules: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {modules}"], check=True)


def run(folder: Path) -> float:
    """Run the light study in a folder; its wall time [s]."""
    command = [sys.executable, "-m", "snakemake", "--cores", "all", "--quiet", "all"]
    command += ["--snakefile", str(ROOT / "Snakefile"), "--configfile", str(ROOT / "config.yaml")]
    began = time.perf_counter()
    subprocess.run([*command, "--directory", str(folder)], check=True)
    return time.perf_counter() - began


def read(log: Path) -> list[Job]:
    """What a log says of its job; nothing of one that did not end."""
    return [
        Job(rule, datetime.fromisoformat(start).timestamp(), float(seconds))
        for start, rule, seconds in STORY.findall(log.read_text())
    ]


def covered(jobs: Iterable[Job]) -> float:
    """The time [s] during which at least one of the jobs was running."""
    total, end = 0.0, float("-inf")
    for job in sorted(jobs, key=lambda job: job.start):
        stop = job.start + job.seconds
        total += max(0.0, stop - max(job.start, end))
        end = max(end, stop)
    return total
