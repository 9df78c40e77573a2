"""A search killed at random moments, and continued: the same decisions; long, the same table."""

import contextlib
import random
import signal
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from counts import LONG, SEARCH_KILLS
from disturbed import finish, the_same_call
from search_study import GRID, SEARCH, TABLE, copy_for_search, finished_search, table_of, verdicts
from tiny_study import Project

# What a killed search has to make: its decisions, or with the full counts its table.
RESULT = TABLE if LONG else f"results/search/rung_{SEARCH['rungs'][-1]}.json"

pytestmark = pytest.mark.xdist_group("faults_search")


def killed_and_continued(project: Project, kills: int, rng: random.Random) -> int:
    """Call, kill and call again until the study is finished or all kills are done; how many were.

    The moment is measured in the work of the jobs, some 60 s for all of them.
    """
    killed = 0
    while killed < kills:
        with the_same_call(project, RESULT, cold=True) as call:
            work = rng.uniform(0, 12 if LONG else 6)
            while call.work_done() < work and call.process.poll() is None:
                time.sleep(0.02)
            if call.process.poll() is not None:
                assert call.process.returncode == 0, call.screen()
                break
            victims = [psutil.Process(call.process.pid), *call.jobs()]
            for victim in victims if rng.random() < 0.5 else victims[:1]:
                with contextlib.suppress(psutil.NoSuchProcess):  # it ended at this very moment
                    victim.send_signal(rng.choice([signal.SIGKILL, signal.SIGTERM]))
            killed += 1
            call.end()
            assert "Traceback" not in call.screen()
    return killed


def test_killed_and_continued_search_is_the_same(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As many searches as it takes for all kills."""
    undisturbed = finished_search(tmp_path_factory)
    rng = random.Random(0)
    killed, number = 0, 0
    while killed < SEARCH_KILLS:
        project = copy_for_search(tmp_path / f"project_{number}")
        project.configure(**GRID, search=SEARCH)
        killed += killed_and_continued(project, SEARCH_KILLS - killed, rng)
        number += 1
        finish(project, RESULT)
        assert verdicts(project) == verdicts(undisturbed)
        if LONG:
            ours, theirs = table_of(project), table_of(undisturbed)
            pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
        print(f"\n{killed} kills over {number} searches")
