"""A search killed at random moments, and continued: the same decisions, the same table."""

import random
import signal
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from counts import LONG
from disturbed import the_same_call
from search_study import GRID, SEARCH, TABLE, finished_search, table_of, verdicts
from tiny_study import copy_of_project

pytestmark = pytest.mark.xdist_group("faults_search")

KILLS = 10 if LONG else 1


def test_killed_and_continued_search_is_the_same(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    undisturbed = finished_search(tmp_path_factory)
    project = copy_of_project(tmp_path / "project")
    project.configure(**GRID, search=SEARCH)
    rng = random.Random(0)
    killed = 0
    for _ in range(5 * KILLS):
        with the_same_call(project, TABLE) as call:
            # Snakemake and its jobs are some CPU seconds from one end to the other.
            deadline = time.monotonic() + rng.uniform(3, 25)
            while time.monotonic() < deadline and call.process.poll() is None:
                time.sleep(0.05)
            if call.process.poll() is not None:
                assert call.process.returncode == 0, call.screen()
                break
            victims = [psutil.Process(call.process.pid), *call.jobs()]
            for victim in victims if rng.random() < 0.5 else victims[:1]:
                victim.send_signal(rng.choice([signal.SIGKILL, signal.SIGTERM]))
            killed += 1
            call.end()
        if killed == KILLS:
            break
    with the_same_call(project, TABLE) as call:
        assert call.end() == 0, call.screen()
    assert killed > 0
    assert verdicts(project) == verdicts(undisturbed)
    pd.testing.assert_frame_equal(table_of(project), table_of(undisturbed), check_exact=True)
