"""Two studies in one folder: one works, the other is refused, and nothing is done twice."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from disturbed import the_same_call
from tiny_study import Project

pytestmark = pytest.mark.xdist_group("faults_two_at_once")

SCAN = "results/dataset/train.npz"
SNAKEMAKE = f"{sys.executable} -m snakemake --cores 2 --rerun-incomplete {SCAN}"
MAKE_STUDY = f"{sys.executable} workflow/unlock.py && {SNAKEMAKE}"
REFUSALS = ("A study still runs", "A study already runs", "Directory cannot be locked")


def start(command: str, study: Project) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["bash", "-c", command],
        cwd=study.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def times_simulated(project: Project) -> int:
    return project["results/logs/simulate.log"].read_text().count("=== ")


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(SNAKEMAKE, id="snakemake", marks=pytest.mark.long),
        pytest.param(MAKE_STUDY, id="make study"),
    ],
)
def test_two_that_start_at_the_same_moment(study: Project, command: str) -> None:
    both = [start(command, study) for _ in range(2)]
    screens = [call.communicate(timeout=120)[0] for call in both]
    assert sorted(call.returncode for call in both) == [0, 1], screens
    (refused,) = (screens[i] for i in range(2) if both[i].returncode)
    assert any(words in refused for words in REFUSALS)
    assert str(study.folder) in refused
    assert "Traceback" not in refused
    assert times_simulated(study) == 1
    again = subprocess.run(
        ["bash", "-c", command], cwd=study.folder, capture_output=True, text=True
    )
    assert "Nothing to be done" in again.stderr
    assert times_simulated(study) == 1


def test_second_call_is_refused_while_the_first_works(study: Project) -> None:
    with the_same_call(study, SCAN, cold=True) as call:
        second = study.python("workflow/unlock.py")
        assert call.end() == 0
    assert second.returncode == 1
    assert f"process {call.process.pid})" in second.stderr
    assert len(second.stderr.splitlines()) == 1


def test_second_snakemake_is_refused_without_the_first_ones_lock(study: Project) -> None:
    """As after `snakemake partial` beside the first, which takes all locks of the folder away."""
    with the_same_call(study, SCAN) as call:
        claimed = study[".snakemake/claimed"]
        while not (claimed.exists() and claimed.read_text()):
            assert call.process.poll() is None
        os.killpg(call.process.pid, signal.SIGSTOP)
        shutil.rmtree(study[".snakemake/locks"])
        second = study.snakemake("--cores", "1", SCAN)
        os.killpg(call.process.pid, signal.SIGCONT)
        assert call.end() == 0
    assert second.returncode == 1
    (line,) = (line for line in second.stderr.splitlines() if "already runs" in line)
    assert f"process {call.process.pid} on " in line
    assert str(study.folder) in line
    assert "Traceback" not in second.stderr
    assert times_simulated(study) == 1


@pytest.mark.long
def test_partial_results_are_shown_beside_a_study(study: Project) -> None:
    with the_same_call(study, SCAN) as call:
        assert study.snakemake("--cores", "1", "partial").returncode == 0
        assert call.end() == 0
    assert study["results/partial/index.html"].exists()
