"""A study of a measured scan, from its file to the table, the pictures and the recommendation."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from counts import LONG
from ptychopareto.files import read_dataset, read_json
from readers.writers import a_scan, write_cxi
from readers.writers_npz import write_tike
from tiny_study import AXES, Project, built_once, copy_of, copy_of_project

pytestmark = pytest.mark.xdist_group("workflow_measured")

GOOD = np.ones((32, 32), bool)  # the NPZ format of tike has no mask
SEEDS = [0, 1] if LONG else [0]
STUDY: dict[str, Any] = {
    "dataset": {"scan": "scan.npz", "joint": {"most_epochs": 15}},
    "sweep": [{"architecture": ["fno", "ffno"], **AXES}],
    "seeds": SEEDS,
    "training": {"epochs": 2},
    "classical": {"epochs": [1, 5], "alpha": 1.0},
    "pareto": {"quality": "r_free"},
}


def measured_project(folder: Path) -> Project:
    project = copy_of_project(folder)
    project.configure(**STUDY)
    write_tike(project["scan.npz"], a_scan(rows=11, columns=9))
    return project


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return built_once("measured", lambda folder: measured_project(folder).build(), tmp_path_factory)


def test_every_run_is_scored_without_a_truth(finished: Project) -> None:
    table = pd.read_csv(finished["results/study_results.csv"])
    assert (table["status"] == "ok").all()
    assert len(table) == 2 * len(SEEDS)
    assert table["r_free"].between(0.02, 1).all()
    assert table["r_work"].between(0.02, 1).all()
    assert (table["reference"] == "classical").all()
    assert table["ssim_phase"].between(-1, 1).all()
    front = pd.read_csv(finished["results/pareto_front.csv"])
    assert front["r_free"].min() == pytest.approx(
        table.groupby("architecture")["r_free"].mean().min()
    )


def test_both_classical_engines_stand_on_the_same_axes(finished: Project) -> None:
    classical = pd.read_csv(finished["results/classical.csv"])
    assert set(classical["engine"]) == {"rpie", "lsqml"}
    assert classical["r_free"].between(0, 1).all()
    assert (classical["seconds"] > 0).all()
    record = read_json(finished["results/classical.json"])
    assert record["best_epochs"] in (1, 5)


def test_free_patterns_and_the_scored_part_reach_no_network(finished: Project) -> None:
    train, test = (read_dataset(finished[f"results/dataset/{p}.npz"]) for p in ("train", "test"))
    assert test.free is not None
    assert test.free.any()
    assert train.free is not None
    assert not train.free.any()
    own = {(row.tobytes()) for row in train.diffraction}
    assert not own & {row.tobytes() for row in test.diffraction}


def test_pictures_and_the_page_are_there(finished: Project) -> None:
    names = ("scan", "probe", "pareto_plot", "gallery", "quality_vs_time", "marginals")
    for name in names:
        assert finished[f"results/{name}.png"].stat().st_size > 10_000
    assert "R-free" in finished["results/index.html"].read_text()
    scan = read_json(finished["results/scan.json"])
    assert scan["checks"]


def test_a_second_call_does_nothing(finished: Project) -> None:
    assert finished.plan() == set()


def test_another_scored_scan(tmp_path: Path) -> None:
    """Two files of other formats; the networks never see the second one."""
    project = copy_of_project(tmp_path / "project")
    write_cxi(project["one.cxi"], a_scan(rows=10, columns=9))
    write_cxi(project["two.cxi"], a_scan(rows=9, columns=10, seed=4))
    dataset = {"scan": "one.cxi", "test": {"scan": "two.cxi"}, "joint": {"epochs": 4}}
    block = {"architecture": ["fno"], **AXES}
    project.configure(**{**STUDY, "dataset": dataset, "sweep": [block], "seeds": [0]})
    scores = "results/runs/fno_tnone_m4_w4_teacher_s0/metrics.json"
    project.build(scores)
    assert 0 < read_json(project[scores])["r_free"] < 1
    train, test = (read_dataset(project[f"results/dataset/{p}.npz"]) for p in ("train", "test"))
    assert (len(train.corners), len(test.corners)) == (90, 90)
    np.testing.assert_array_equal(train.probe, test.probe)


@pytest.mark.long
def test_the_same_scan_in_another_format_gives_the_same_row(
    finished: Project, tmp_path: Path
) -> None:
    project = copy_of_project(tmp_path / "project")
    write_cxi(project["scan.cxi"], replace(a_scan(rows=11, columns=9), valid=GOOD))
    dataset = {**STUDY["dataset"], "scan": "scan.cxi"}
    block = {"architecture": ["fno"], **AXES}
    project.configure(**{**STUDY, "dataset": dataset, "sweep": [block], "seeds": [0]})
    scores = "results/runs/fno_tnone_m4_w4_teacher_s0/metrics.json"
    project.build(scores)
    ours, same = (read_json(of[scores]) for of in (project, finished))
    for name in ("r_work", "r_free", "ssim_phase"):
        assert ours[name] == pytest.approx(same[name], abs=0.003)


def test_a_changed_scan_is_prepared_anew(finished: Project, tmp_path: Path) -> None:
    with copy_of(finished, tmp_path / "project") as project:
        write_tike(project["scan.npz"], a_scan(rows=11, columns=9, seed=5))
        planned = project.plan("results/study_results.csv")
        assert {"prepare_scan", "prepare_probe", "reference", "gather"} <= planned
        trained = [job for job in planned if job.startswith("train/")]
        assert len(trained) == 2 * len(SEEDS)


def test_a_moved_scan_is_the_same_scan(finished: Project, tmp_path: Path) -> None:
    with copy_of(finished, tmp_path / "project") as project:
        project["scans"].mkdir()
        moved = project["scan.npz"].rename(project["scans/moved.npz"])
        moved.touch()
        project.configure(**{**STUDY, "dataset": {**STUDY["dataset"], "scan": str(moved)}})
        assert project.plan("results/study_results.csv") == set()


@pytest.mark.parametrize(
    "name",
    [
        "scan/train.npz",
        pytest.param("dataset/train.npz", marks=pytest.mark.long),
        pytest.param("dataset/teacher.npz", marks=pytest.mark.long),
    ],
)
def test_deleted_parts_train_no_finished_run_again(
    name: str, finished: Project, tmp_path: Path
) -> None:
    with copy_of(finished, tmp_path / "project") as project:
        project[f"results/{name}"].unlink()
        project.configure(**{**STUDY, "seeds": [*SEEDS, 2]})
        trained = {job for job in project.plan() if job.startswith("train/")}
        assert len(trained) == 2
        assert all(job.endswith("_s2") for job in trained)


def test_another_picture_of_the_scan_trains_nothing(finished: Project, tmp_path: Path) -> None:
    with copy_of(finished, tmp_path / "project") as project:
        project.append("src/ptychopareto/pictures/scan.py", "\nCHANGED = True\n")
        planned = project.plan()
        assert "prepare_scan" in planned
        assert not [job for job in planned if job.startswith("train/")]


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ({"scan": "none.cxi"}, "dataset.scan[0]: there is no file 'none.cxi'"),
        ({"scan": "scan.npz", "mask": "none.npz"}, "dataset.mask: there is no file 'none.npz'"),
        ({"scan": "scan.npz", "format": "xyz"}, "dataset.format"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    tmp_path: Path, dataset: dict[str, Any], said: str
) -> None:
    project = measured_project(tmp_path / "project")
    project.configure(**{**STUDY, "dataset": dataset})
    done = project.snakemake("-n")
    assert done.returncode != 0
    assert said in done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"sweep": [{"architecture": ["fno"], "supervision": ["truth"], **AXES}]},
            "sweep[0].supervision: 'truth' is not known of a measured scan",
        ),
        ({"scenarios": [{"name": "dim", "photons": 100.0}]}, "scenarios: a measured scan has no"),
    ],
)
def test_what_needs_a_truth_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    project = measured_project(tmp_path / "project")
    project.configure(**{**STUDY, **changes})
    done = project.snakemake("-n")
    assert done.returncode != 0
    assert said in done.stderr
