"""The log of a job: everything is in it, and the screen gets the gist."""

import subprocess
import sys
from pathlib import Path

import pytest

from tiny_study import ROOT

SCRIPT = """
import logging, os, sys, types, warnings
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
        rule="train", wildcards=["fno_s0"], input=[], output=["made"], log=["logs/train.log"]
    ),
)
"""


def run(folder: Path, end: str = "pass") -> tuple[int, str, str]:
    """Exit status, screen and log of a job that ends like this."""
    text = SCRIPT.format(scripts=str(ROOT / "workflow/scripts"), end=end)
    job = subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True)
    assert job.stdout == ""
    return job.returncode, job.stderr, (folder / "logs/train.log").read_text()


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
