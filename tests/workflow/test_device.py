"""How the jobs of a study share the GPUs of a machine: real processes, made-up GPUs."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device import Gpu, reserve
from tiny_study import ROOT

SMALL, LARGE = Gpu("small", 10_000), Gpu("large", 24_000)
JOB = """
import sys
sys.path.insert(0, {scripts!r})
from pathlib import Path
from device import Gpu, reserve
sys.stdin.readline()  # all begin at the same moment
print(reserve(Path({table!r}), {gpus}, {memory}), flush=True)
sys.stdin.readline()  # and work until they are told to end
"""

Jobs = Callable[..., list[subprocess.Popen[str]]]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "results" / ".gpus.json"


@pytest.fixture
def jobs(table: Path) -> Iterator[Jobs]:
    """Start so many jobs that reserve so much of these GPUs."""
    started: list[subprocess.Popen[str]] = []

    def start(count: int, gpus: list[Gpu], memory: int) -> list[subprocess.Popen[str]]:
        scripts = str(ROOT / "workflow/scripts")
        text = JOB.format(scripts=scripts, table=str(table), gpus=gpus, memory=memory)
        new = [
            subprocess.Popen(
                [sys.executable, "-c", text],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(count)
        ]
        started.extend(new)
        for job in new:
            _tell(job)
        return new

    yield start
    for job in started:
        job.kill()
        job.communicate()


def _tell(job: subprocess.Popen[str]) -> None:
    assert job.stdin is not None
    job.stdin.write("\n")
    job.stdin.flush()


def chosen(jobs: list[subprocess.Popen[str]]) -> list[int]:
    return [int(job.stdout.readline()) for job in jobs if job.stdout is not None]


def test_jobs_that_start_together_spread_over_the_gpus(jobs: Jobs) -> None:
    gpus = [Gpu("a", 10_000), Gpu("b", 10_000), Gpu("c", 10_000)]
    assert Counter(chosen(jobs(9, gpus, 2000))) == {0: 3, 1: 3, 2: 3}


def test_jobs_of_unknown_size_spread_too(jobs: Jobs) -> None:
    assert Counter(chosen(jobs(4, [SMALL, SMALL._replace(uuid="other")], 0))) == {0: 2, 1: 2}


def test_a_larger_gpu_takes_more_jobs(jobs: Jobs) -> None:
    assert Counter(chosen(jobs(6, [SMALL, LARGE], 5000))) == {0: 2, 1: 4}


def test_the_same_gpu_may_have_another_index_elsewhere(jobs: Jobs) -> None:
    assert chosen(jobs(1, [SMALL, LARGE], 20_000)) == [1]
    assert chosen(jobs(1, [LARGE, SMALL], 1000)) == [1]


@pytest.mark.parametrize("end", [signal.SIGKILL, None])
def test_what_a_process_reserved_is_free_when_it_has_ended(
    end: signal.Signals | None, jobs: Jobs, table: Path
) -> None:
    gpus = [SMALL, LARGE]
    (first,) = jobs(1, gpus, 20_000)
    assert chosen([first]) == [1]
    assert chosen(jobs(1, gpus, 1000)) == [0]
    if end is None:
        _tell(first)
        assert first.wait() == 0
    else:
        first.send_signal(end)
        os.waitid(os.P_PID, first.pid, os.WEXITED | os.WNOWAIT)  # a zombie holds nothing either
    assert chosen(jobs(1, gpus, 1000)) == [1]
    assert str(first.pid) not in table.read_text()


def test_another_process_of_the_same_number_holds_nothing(table: Path) -> None:
    reserve(table, [SMALL, LARGE], 20_000)
    ((pid, started, uuid, memory),) = json.loads(table.read_text())
    assert (pid, uuid, memory) == (os.getpid(), "large", 20_000)
    impostor = [os.getppid(), started - 1, "large", 20_000]
    table.write_text(json.dumps([impostor]) + "\n")
    assert reserve(table, [SMALL, LARGE], 1000) == 1


def test_a_process_holds_one_reservation(table: Path) -> None:
    gpus = [SMALL, LARGE]
    assert [reserve(table, gpus, memory) for memory in (20_000, 1000, 1000)] == [1, 1, 1]
    assert len(json.loads(table.read_text())) == 1


@pytest.mark.parametrize("content", ["", "[", "\0" * 100, "{}", "[1, 2]", '[["a"]]', "null"])
def test_a_damaged_table_is_an_empty_one(content: str, table: Path) -> None:
    table.parent.mkdir()
    table.write_text(content)
    assert reserve(table, [SMALL, LARGE], 1000) == 1


def test_the_rest_of_a_longer_line_is_not_read(table: Path) -> None:
    """As a kill between writing and shortening leaves the table."""
    reserve(table, [SMALL, LARGE], 1000)
    whole = table.read_text()
    with open(table, "a") as stream:
        stream.write('"large", 20000]]\n')
    assert reserve(table, [SMALL, LARGE], 1000) == 1
    assert table.read_text() == whole
