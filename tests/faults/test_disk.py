"""A full disk and a read-only one: a real, small file system, mounted at results/."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from disturbed import (
    EPOCHS,
    assert_same_weights,
    epochs_trained,
    fail,
    finish,
    log_of_training,
    the_same_call,
)
from mounts import mount, small_disk
from tiny_study import PHYSICS, Project

pytestmark = pytest.mark.xdist_group("faults_disk")

SCAN = "results/dataset/train.npz"
MODEL = f"results/runs/{PHYSICS}/model.safetensors"


@pytest.fixture
def disk(study: Project) -> Iterator[Path]:
    """A disk of 64 MB as the results folder of `study`."""
    results = study["results"]
    results.mkdir()
    with small_disk(results, "size=64m"):
        yield results


def fill(disk: Path) -> Path:
    """Leave not one byte on the disk; the file to delete for room."""
    ballast = disk / "ballast"
    with open(ballast, "ab", buffering=0) as stream:
        for size in (1 << 20, 1 << 12):
            with suppress(OSError):  # that it is full
                while True:
                    stream.write(bytes(size))
    return ballast


def files(folder: Path) -> set[str]:
    """All results but logs, also hidden ones."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] not in ("logs", "benchmarks")
    }


def failure(screen: str, job: str) -> str:
    """The one line that says that a job failed."""
    assert "Traceback" not in screen
    (line,) = (line for line in screen.splitlines() if line.startswith(f"{job} failed: "))
    return line


def test_full_disk(study: Project, undisturbed: Project, disk: Path) -> None:
    ballast = fill(disk)
    line = failure(fail(study, MODEL), "simulate")
    assert "results/dataset: No space left on device" in line
    assert files(disk) == {"ballast"}

    ballast.unlink()
    with the_same_call(study, MODEL) as call:
        while not epochs_trained(log_of_training(study, PHYSICS)):
            assert call.process.poll() is None, call.screen()
        scan = study[SCAN].read_bytes()
        ballast = fill(disk)
        assert call.end() != 0
    line = failure(call.screen(), f"train {PHYSICS}")
    assert "No space left on device" in line
    assert f"results/runs/{PHYSICS}" in line
    checkpoint = f"runs/{PHYSICS}/checkpoint.pt"
    assert files(disk) == {"ballast", "dataset/train.npz", "dataset/test.npz", checkpoint}
    assert study[SCAN].read_bytes() == scan

    ballast.unlink()
    assert "continuing from the checkpoint" in finish(study, MODEL)
    assert_same_weights(study[MODEL], undisturbed[MODEL])
    assert epochs_trained(log_of_training(study, PHYSICS))[-1] == EPOCHS


def test_read_only_results(study: Project, undisturbed: Project, disk: Path) -> None:
    finish(study, SCAN)
    before = files(disk)
    assert mount("-o", "remount,ro", str(disk)).returncode == 0
    screen = fail(study, MODEL)
    (line,) = (line for line in screen.splitlines() if "Read-only file system" in line)
    assert "results/" in line
    assert "Traceback" not in screen
    assert files(disk) == before
    assert mount("-o", "remount,rw", str(disk)).returncode == 0
    finish(study, MODEL)
    assert_same_weights(study[MODEL], undisturbed[MODEL])
