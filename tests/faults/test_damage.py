"""Files cut in half: a clear line, and after what it says is done, the same call finishes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from safetensors.numpy import load_file

from disturbed import (
    EPOCHS,
    TABLE,
    TIMES,
    assert_same_weights,
    epochs_trained,
    fail,
    finish,
    log_of_training,
    the_same_call,
)
from tiny_study import FNO, PHYSICS, Project, copy_of, finished_study

pytestmark = pytest.mark.xdist_group("faults_damage")

# What timing.json has of latencies; all of it but how often.
TIMED = {"engine", "models"}
RUN = f"results/runs/{FNO}"
MODEL = f"{RUN}/model.safetensors"
PHYSICS_MODEL = f"results/runs/{PHYSICS}/model.safetensors"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The tiny study, finished. Tests only read it."""
    return finished_study(tmp_path_factory)


@pytest.fixture
def damaged(whole: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of it, to damage."""
    with copy_of(whole, tmp_path / "project") as copy:
        yield copy


def cut_in_half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def numbers(path: Path) -> object:
    """What a result says, without what differs from one undisturbed study to the next."""
    match path.suffix:
        case ".safetensors":
            return {name: weights.tobytes() for name, weights in load_file(path).items()}
        case ".csv":
            return pd.read_csv(path).drop(columns=TIMES).to_csv()
        case ".json":
            values = json.loads(path.read_text())
            return {name: values[name] for name in values.keys() - {*TIMES, *TIMED}}
        case _:
            return path.read_bytes()


@pytest.mark.parametrize(
    ("file", "job", "target"),
    [
        ("results/dataset/train.npz", f"train {PHYSICS}", PHYSICS_MODEL),
        pytest.param("results/dataset/teacher.npz", f"train {FNO}", MODEL, marks=pytest.mark.long),
        pytest.param(
            "results/dataset/test.npz",
            f"evaluate {FNO}",
            f"{RUN}/metrics.json",
            marks=pytest.mark.long,
        ),
        pytest.param(MODEL, f"evaluate {FNO}", f"{RUN}/metrics.json", marks=pytest.mark.long),
        (f"{RUN}/metrics.json", "gather", TABLE),
        pytest.param(
            *(f"{RUN}/reconstruction.npz", "gallery", "results/gallery.png"),
            marks=pytest.mark.long,
        ),
        pytest.param("results/timing.json", "gather", TABLE, marks=pytest.mark.long),
    ],
)
def test_damaged_result(damaged: Project, whole: Project, file: str, job: str, target: str) -> None:
    cut_in_half(damaged[file])
    # A gallery waits for the table, a finished training for no data: neither comes anew by itself.
    if job.startswith(("gallery", "train")):
        damaged[target].unlink()
    screen = fail(damaged, target)
    failures = [line for line in screen.splitlines() if " failed: " in line]
    line = next(line for line in failures if line.startswith(f"{job} failed: {file}: "))
    assert line.count("delete it") == 1
    assert "the whole story: results/logs/" in line
    assert "Traceback" not in screen

    damaged[file].unlink()
    finish(damaged, target)
    for name in {target, file}:
        assert numbers(damaged[name]) == numbers(whole[name])


def test_damaged_checkpoint(scanned: Project, undisturbed: Project) -> None:
    study = scanned
    checkpoint = study[f"results/runs/{PHYSICS}/checkpoint.pt"]
    with the_same_call(study, PHYSICS_MODEL) as call:
        while not epochs_trained(log_of_training(study, PHYSICS)):
            assert call.process.poll() is None, call.screen()
    cut_in_half(checkpoint)
    screen = finish(study, PHYSICS_MODEL)
    (line,) = (line for line in screen.splitlines() if "checkpoint.pt" in line)
    assert "the training starts over" in line
    assert_same_weights(study[PHYSICS_MODEL], undisturbed[PHYSICS_MODEL])
    assert epochs_trained(log_of_training(study, PHYSICS))[-EPOCHS:] == list(range(1, EPOCHS + 1))
