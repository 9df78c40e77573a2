"""A clock that is set back: what was made before then seems to come from the future."""

import os

import pytest

from disturbed import (
    EPOCHS,
    RESULTS,
    assert_nothing_was_repeated,
    assert_same_results,
    assert_same_weights,
    epochs_trained,
    finish,
    log_of_training,
    the_same_call,
)
from tiny_study import FNO, PHYSICS, Project

pytestmark = pytest.mark.xdist_group("faults_clock")

MODEL = f"results/runs/{PHYSICS}/model.safetensors"


def set_clock_back(project: Project, hours: float = 1) -> None:
    """As seen from the files: all of the project are that much later than they were."""
    for path in project.folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            at = path.stat().st_mtime + 3600 * hours
            os.utime(path, (at, at))


def test_clock_is_set_back_during_a_training(scanned: Project, undisturbed: Project) -> None:
    study = scanned
    with the_same_call(study, MODEL) as call:
        while not epochs_trained(log_of_training(study, PHYSICS)):
            assert call.process.poll() is None, call.screen()
        set_clock_back(study)
        assert call.end() == 0, call.screen()
    assert "the clock was set back" in log_of_training(study, PHYSICS)
    assert "Nothing to be done" in finish(study, MODEL)
    assert_same_weights(study[MODEL], undisturbed[MODEL])
    assert epochs_trained(log_of_training(study, PHYSICS)) == list(range(1, EPOCHS + 1))


def test_study_from_before_the_clock_was_set_back(finished: Project, undisturbed: Project) -> None:
    finished[f"results/runs/{FNO}/metrics.json"].unlink()
    set_clock_back(finished)
    assert "Nothing to be done" not in finish(finished, *RESULTS)
    assert "Nothing to be done" in finish(finished, *RESULTS)
    assert_same_results(finished, undisturbed)
    assert_nothing_was_repeated(finished)
