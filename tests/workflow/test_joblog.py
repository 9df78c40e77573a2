"""The log of a job: everything is in it, and the screen gets the gist."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tiny_study import ROOT

SCRIPT = """
import logging, os, sys, time, types, warnings
sys.path.insert(0, {scripts!r})
from joblog import run_job

def work(job):
    print("printed")
    os.write(2, b"from compiled code\\n")
    warnings.warn("a warning")
    logging.getLogger("ptychopareto.learning").info("half way")
    {end}

run_job(
    work,
    types.SimpleNamespace(
        rule="train",
        wildcards=["fno_s0"],
        input={inputs!r},
        output=["results/made"],
        log=["logs/train.log"],
    ),
)
"""


def command(end: str, inputs: list[str]) -> list[str]:
    text = SCRIPT.format(scripts=str(ROOT / "workflow/scripts"), end=end, inputs=inputs)
    return [sys.executable, "-c", text]


def run(folder: Path, end: str = "pass", inputs: list[str] | None = None) -> tuple[int, str, str]:
    """Exit status, screen and log of a job that ends like this."""
    line = command(end, inputs or [])
    job = subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=60)
    assert job.stdout == ""
    return job.returncode, job.stderr, (folder / "logs/train.log").read_text()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_log_tells_everything_and_screen_the_progress(tmp_path: Path) -> None:
    status, screen, log = run(tmp_path)
    assert status == 0
    assert screen == "train fno_s0: half way\n"
    told = ["train fno_s0", "printed", "from compiled code", "a warning", "half way", "done in"]
    assert sorted(told, key=log.index) == told


def test_defect_leaves_its_traceback_in_the_log(tmp_path: Path) -> None:
    status, screen, log = run(tmp_path, "raise RuntimeError('broken\\nin two')")
    assert status == 1
    assert screen.splitlines()[1:] == [
        "train fno_s0 failed: RuntimeError: broken in two (the whole story: logs/train.log)"
    ]
    assert "Traceback" in log


@pytest.mark.parametrize(
    "error", ["ptychopareto.config import ConfigError", "ptychopareto.files import FileError"]
)
def test_what_a_user_can_mend_needs_no_traceback(tmp_path: Path, error: str) -> None:
    kind = error.split()[-1]
    status, screen, log = run(tmp_path, f"from {error}; raise {kind}('x.npz: is not there')")
    assert status == 1
    assert "failed: x.npz: is not there (" in screen
    assert "failed: x.npz: is not there" in log
    assert "Traceback" not in log


def test_request_to_stop_passes_with_its_status(tmp_path: Path) -> None:
    status, screen, _ = run(tmp_path, "raise SystemExit(143)")
    assert status == 143
    assert "failed" not in screen


@pytest.mark.parametrize("file", ["results/x.npz", "scans/x.npz"])
def test_only_what_the_study_made_is_to_be_deleted(tmp_path: Path, file: str) -> None:
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).touch()
    error = f"from ptychopareto.files import FileError; raise FileError('{file}: is cut off')"
    _, screen, _ = run(tmp_path, error, [file])
    hint = "is cut off; delete it, and the same call makes it anew (the whole story"
    assert (hint in screen) == file.startswith("results/")


def test_full_disk_is_told_on_the_screen(tmp_path: Path) -> None:
    """Nothing can be written, to the log neither."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/train.log").symlink_to("/dev/full")
    job = subprocess.run(
        command("pass", []), cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert job.returncode == 1
    reason = "results: No space left on device; mend that, and the same call goes on"
    assert job.stderr == f"train fno_s0 failed: {reason} (the whole story: logs/train.log)\n"


def test_log_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("no folder")
    job = subprocess.run(command("pass", []), cwd=tmp_path, capture_output=True, text=True)
    assert job.returncode == 1
    assert job.stderr == "train fno_s0 failed: logs/train.log: File exists\n"


def test_job_ends_with_its_snakemake(tmp_path: Path) -> None:
    """The parent is killed outright; the job is told, and does not print its end."""
    starter = f"import subprocess; subprocess.run({command('time.sleep(50)', [])!r})"
    log = tmp_path / "logs/train.log"
    parent = subprocess.Popen([sys.executable, "-c", starter], cwd=tmp_path)
    until(lambda: log.exists() and "half way" in log.read_text())
    (job,) = psutil.Process(parent.pid).children()
    parent.kill()
    parent.wait()
    psutil.wait_procs([job], timeout=30)
    assert not job.is_running()
    assert "done in" not in log.read_text()


def test_log_of_a_repeated_job_tells_its_whole_story(tmp_path: Path) -> None:
    run(tmp_path, "raise RuntimeError('the first time')")
    (tmp_path / "logs/train.log").unlink()  # as Snakemake does
    log = run(tmp_path)[2]
    assert log.count("=== ") == 2
    assert log.index("the first time") < log.index("done in")


def test_job_waits_for_an_older_one_of_its_name(tmp_path: Path) -> None:
    log = tmp_path / "logs/train.log"
    older = subprocess.Popen(command("input()", []), cwd=tmp_path, stdin=subprocess.PIPE)
    until(lambda: log.exists() and "half way" in log.read_text())
    log.unlink()  # as Snakemake does before it repeats the job
    line = command("pass", [])
    newer = subprocess.Popen(line, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert newer.stderr is not None
    waiting = "train fno_s0: waiting for an earlier job of this name to end\n"
    assert newer.stderr.readline() == waiting
    assert log.read_text().count("=== ") == 1
    older.communicate(b"the end\n")
    assert newer.wait(timeout=60) == 0
    newer.stderr.close()
    lines = [
        line.split()[0] for line in log.read_text().splitlines() if line[:4] in ("=== ", "done")
    ]
    assert lines == ["===", "done", "===", "done"]


def test_clock_that_was_set_back(tmp_path: Path) -> None:
    """What comes from the future is as old as the job's end; the order and the rest stay."""
    results = tmp_path / "results"
    results.mkdir()
    ages = {"old": -100.0, "made": 3600.0, "made_from_it": 3700.0}
    before = time.time()
    for name, age in ages.items():
        (results / name).touch()
        os.utime(results / name, (before + age,) * 2)
    _, _, log = run(tmp_path, inputs=["results/made"])
    old, made, made_from_it = ((results / name).stat().st_mtime for name in ages)
    assert old == pytest.approx(before - 100, abs=1e-3)
    assert before <= made == made_from_it <= time.time()
    assert "the clock was set back" in log
    assert "the clock" not in run(tmp_path, inputs=["results/made"])[2].split("===")[-1]
