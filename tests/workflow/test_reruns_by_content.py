"""What is done again goes by content: not by paths, by times, or by what lies there."""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tiny_study import (
    AXES,
    FNO,
    HYBRID,
    PHYSICS,
    RUNS,
    TINY,
    Project,
    built_once,
    copy_of,
    copy_of_project,
    finished_study,
)

pytestmark = pytest.mark.xdist_group("workflow_reruns_by_content")

SCAN, TEACHER = "results/dataset/train.npz", "results/dataset/teacher.npz"
NEW = tuple(run.replace("_s0", "_s1") for run in RUNS)


def model_of(run: str) -> str:
    return f"results/runs/{run}/model.safetensors"


def trained(jobs: set[str]) -> set[str]:
    """The runs whose training is among the jobs."""
    return {job.partition("/")[2] for job in jobs if job.startswith("train/")}


def contents(project: Project) -> dict[str, bytes]:
    return {run: project[model_of(run)].read_bytes() for run in RUNS}


def touch(*paths: Path) -> None:
    """As a clone or a copy does: all times are those of now, in no order."""
    files = [file for path in paths for file in path.rglob("*") if file.is_file()]
    random.Random(0).shuffle(files)
    for age, file in enumerate(files):
        at = file.stat().st_mtime + 1000 - age
        os.utime(file, (at, at))


def test_deleted_scan_and_a_new_seed_train_the_new_seed(project: Project) -> None:
    before = contents(project)
    project[SCAN].unlink()
    project.configure(seeds=[0, 1])
    assert trained(project.plan()) == set(NEW)

    made = project.build(*map(model_of, (*RUNS, *NEW)))
    assert made == {"simulate", "teach", *(f"train/{run}" for run in NEW)}
    assert contents(project) == before
    assert trained(project.plan()) == set()


@pytest.mark.parametrize("name", [SCAN, "results/dataset/test.npz", TEACHER])
def test_deleted_data_and_a_new_seed_train_the_new_seed(name: str, project: Project) -> None:
    project[name].unlink()
    project.configure(seeds=[0, 1])
    assert trained(project.plan()) == set(NEW)


def test_deleted_scan_and_a_changed_setting_train_all_that_it_changes(project: Project) -> None:
    project[SCAN].unlink()
    project.configure(teacher={"epochs": 3})
    assert trained(project.plan()) == {FNO, HYBRID}
    project.configure(dataset={**TINY["dataset"], "seed": 2})
    assert trained(project.plan()) == set(RUNS)


def test_deleted_scan_and_a_changed_source_train_what_it_changes(project: Project) -> None:
    project[SCAN].unlink()
    project.append("src/ptychopareto/models/hybrid.py", "\nCHANGED = True\n")
    project.configure(seeds=[0, 1])
    assert trained(project.plan()) == {HYBRID, *NEW}


def test_changed_script_of_the_training_trains_all(project: Project) -> None:
    project.append("workflow/scripts/train.py", "\nCHANGED = True\n")
    assert trained(project.plan()) == set(RUNS)


def test_who_forces_a_training_has_it(project: Project) -> None:
    project[SCAN].unlink()
    planned = project.plan("--forcerun", model_of(FNO))
    assert "simulate" in planned
    assert FNO in trained(planned)
    assert trained(project.plan("--forcerun", "train")) == set(RUNS)


def test_settings_that_return_find_their_trainings(project: Project) -> None:
    """The scan of other settings was made in between, and nothing was trained on it."""
    project.configure(dataset={**TINY["dataset"], "seed": 2})
    project.build(SCAN)
    assert trained(project.plan()) == set(RUNS)
    project.configure()
    planned = project.plan()
    assert "simulate" in planned
    assert trained(planned) == set()


def test_checkout_cloned_anew_or_renamed(project: Project) -> None:
    touch(project["src"], project["workflow"])
    renamed = Project(project.folder.rename(project.folder.with_name("renamed")))
    assert renamed.plan() == set()
    renamed.folder.rename(project.folder)


def test_study_folder_that_is_moved(project: Project, tmp_path: Path) -> None:
    for place in ("here", "there"):
        study = tmp_path / "studies" / place
        study.mkdir(parents=True)
        for name in ("results", ".snakemake", "config.yaml"):
            shutil.move(project[name] if place == "here" else study.parent / "here" / name, study)
        assert project.plan("--directory", str(study)) == set()
    touch(project["src"], project["workflow"])
    assert trained(project.plan("--directory", str(study))) == set()


class TestWithoutTheRecordsOfSnakemake:
    """Results that were copied without `.snakemake`, and got new times."""

    @pytest.fixture
    def copied(self, project: Project) -> Project:
        shutil.rmtree(project[".snakemake"])
        touch(project.folder)
        return project

    def test_nothing_is_trained_again(self, copied: Project) -> None:
        assert trained(copied.plan()) == set()

    def test_a_changed_setting_is_noticed(self, copied: Project) -> None:
        copied.configure(dataset={**TINY["dataset"], "seed": 2})
        planned = copied.plan()
        assert {"simulate", "teach"} <= planned
        assert trained(planned) == set(RUNS)

    def test_a_changed_source_is_noticed(self, copied: Project) -> None:
        copied.append("src/ptychopareto/models/hybrid.py", "\nCHANGED = True\n")
        assert trained(copied.plan()) == {HYBRID}


def test_whoever_touches_keeps_trainings_of_other_code(project: Project) -> None:
    """As docs/reruns.md advises where a change is known to change no result."""
    project.append("src/ptychopareto/models/layers.py", "\nCHANGED = True\n")
    assert trained(project.plan()) == set(RUNS)
    touched = project.snakemake("--cores", "1", "--touch")
    assert touched.returncode == 0, touched.stderr
    assert project.plan() == set()


OF_FILES = PHYSICS
SCORED = f"results/runs/{OF_FILES}/metrics.json"


def configure_files(project: Project, folder: str | Path) -> None:
    project.configure(
        dataset={"train_npz": f"{folder}/train.npz", "test_npz": f"{folder}/test.npz"},
        sweep=[{"architecture": ["fno"], "supervision": ["physics"], **AXES}],
    )


@pytest.fixture
def of_files(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Project]:
    """A copy of a study of the user's own files, one run of which is finished."""

    def build(folder: Path) -> None:
        project = copy_of_project(folder)
        project["scans"].mkdir()
        for split in ("train", "test"):
            simulated = finished_study(tmp_path_factory)[f"results/dataset/{split}.npz"]
            shutil.copy(simulated, project[f"scans/{split}.npz"])
        configure_files(project, "scans")
        project.build(SCORED)

    with copy_of(built_once("of_files", build, tmp_path_factory), tmp_path / "project") as copy:
        yield copy


def test_files_that_are_moved_or_named_otherwise_or_touched(of_files: Project) -> None:
    assert of_files.plan(SCORED) == set()
    configure_files(of_files, of_files["scans"])
    assert of_files.plan(SCORED) == set()
    of_files["scans"].rename(of_files["elsewhere"])
    configure_files(of_files, "elsewhere")
    assert of_files.plan(SCORED) == set()
    touch(of_files["elsewhere"])
    assert of_files.plan(SCORED) == set()


@pytest.mark.parametrize("keep_time", [False, True])
def test_file_of_another_content(of_files: Project, keep_time: bool) -> None:
    path = of_files["scans/train.npz"]
    before = path.stat()
    with np.load(path) as file:
        arrays = dict(file)
    arrays["diffraction"] = arrays["diffraction"][:, ::-1]
    np.savez(path, **arrays)
    if keep_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert of_files.plan(SCORED) == {"import_dataset", f"train/{OF_FILES}", f"evaluate/{OF_FILES}"}


def test_file_that_cannot_be_read(of_files: Project) -> None:
    of_files["scans/train.npz"].unlink()
    of_files["scans/train.npz"].symlink_to("/proc/self/mem")
    refused = of_files.snakemake("-n")
    assert refused.returncode == 1
    said = "scans/train.npz: Input/output error; a file that can be read is wanted\n"
    assert refused.stderr == said
