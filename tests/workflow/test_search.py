"""A search on the real Snakemake: who goes on, and what is repeated."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from counts import LONG
from search_study import (
    CONFIGURATIONS,
    GRID,
    PATIENCE,
    SEARCH,
    TABLE,
    decision,
    finished_search,
    survivors,
    table_of,
    trainings,
)
from tiny_study import Project, copy_of

pytestmark = pytest.mark.xdist_group("workflow_search")

RECOMMENDATION = "results/recommendation.json"


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return finished_search(tmp_path_factory)


@pytest.fixture
def project(searched: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of the finished search, to change something in."""
    with copy_of(searched, tmp_path / "project") as copy:
        yield copy


def test_rungs_thin_the_grid(searched: Project) -> None:
    names = [one["configuration"] for one in decision(searched, 1)["configurations"]]
    assert names == CONFIGURATIONS
    first, last = survivors(searched, 1), survivors(searched, 2)
    assert len(first) == 2
    assert len(last) == 1
    assert set(last) < set(first)
    assert [one["configuration"] for one in decision(searched, 2)["configurations"]] == first


def test_a_stopped_configuration_keeps_its_rows(searched: Project) -> None:
    table = table_of(searched)
    assert list(table.index) == [f"{name}_s{seed}" for name in CONFIGURATIONS for seed in (0, 1)]
    (last,) = survivors(searched, 2)
    for name in CONFIGURATIONS:
        tried, other = table.loc[f"{name}_s0"], table.loc[f"{name}_s1"]
        if name == last:
            assert tried["status"] == other["status"] == "ok"
            assert pd.isna(tried["rung"])
            continue
        rung = 2 if name in survivors(searched, 1) else 1
        assert tried["status"] == other["status"] == "stopped"
        assert tried["rung"] == other["rung"] == rung
        record = json.loads(searched[f"results/runs/{name}_s0/rung_{rung}.json"].read_text())
        assert tried["rung_loss"] == min(record["val_loss"])
        assert pd.isna(other["rung_loss"])
        assert tried["model_params"] == other["model_params"] > 0
        assert pd.isna(tried["ssim_phase"])


def test_second_call_does_nothing(project: Project) -> None:
    again = project.snakemake("--cores", "1")
    assert again.returncode == 0, again.stderr
    assert "Nothing to be done" in again.stderr
    assert project.plan() == set()


def test_a_new_value_trains_only_what_is_new_and_decides_again(project: Project) -> None:
    block = {**GRID["sweep"][0], "width": [4, 6, 8]}
    project.configure(**{**GRID, "sweep": [block]}, search=SEARCH)
    new = {f"{name}_tnone_m4_w8_teacher_s0" for name in ("fno", "ffno")}
    before = decision(project, 1)
    target = TABLE if LONG else "results/search/rung_2.json"
    done = project.build(target, timeout=PATIENCE)
    first = {job for job in trainings(done) if job.startswith("rung_1/")}
    assert first == {f"rung_1/{run}" for run in new}
    assert {"decide/1", "decide/2"} <= done
    assert ("gather" in done) == LONG
    assert len(decision(project, 1)["configurations"]) == len(before["configurations"]) + 2
    known = [one for one in decision(project, 1)["configurations"] if "_w8_" not in str(one)]
    assert [one["runs"] for one in known] == [one["runs"] for one in before["configurations"]]
    assert project.plan(target) == set()


def test_a_new_seed_and_lost_data_repeat_nothing_that_is_finished(project: Project) -> None:
    """The scan is made anew for the new runs alone, to the same bits."""
    (last,) = survivors(project, 2)
    decided = [decision(project, rung) for rung in (1, 2)]
    before = table_of(project)
    project["results/dataset/train.npz"].unlink()
    project.configure(**{**GRID, "seeds": [0, 1, 2]}, search=SEARCH)
    assert trainings(project.plan()) == {f"train/{last}_s2"}
    done = project.build(TABLE, timeout=PATIENCE)
    assert trainings(done) == {f"train/{last}_s2"}
    assert not {job for job in done if job.startswith("decide")}
    assert [decision(project, rung) for rung in (1, 2)] == decided
    after = table_of(project)
    pd.testing.assert_frame_equal(after.loc[before.index], before, check_exact=True)
    new = after.drop(before.index)
    assert list(new.index) == [f"{name}_s2" for name in CONFIGURATIONS]
    assert set(new["status"][new.index != f"{last}_s2"]) == {"stopped"}
    assert new.loc[f"{last}_s2", "status"] == "ok"
    assert project.plan(TABLE) == set()


@pytest.mark.long
def test_other_parts_decide_again_and_train_what_goes_on_now(project: Project) -> None:
    project.configure(**GRID, search={**SEARCH, "keep": [0.5, 0.5]})
    stopped = set(survivors(project, 1)) - set(survivors(project, 2))
    done = project.build(TABLE, timeout=PATIENCE)
    assert trainings(done) == {f"train/{name}_s{seed}" for name in stopped for seed in (0, 1)}
    assert (table_of(project)["status"] == "ok").sum() == 4


def test_a_training_that_failed_on_its_way_up_is_retried_when_asked(project: Project) -> None:
    run = f"{CONFIGURATIONS[0]}_s0"
    path = project[f"results/runs/{run}/rung_1.json"]
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "status": "diverged", "error": "non-finite loss"}))
    assert f"rung/{run}" not in project.plan(TABLE)
    project.configure(**GRID, search=SEARCH, retry_failed=True)
    assert f"rung/{run}" in project.plan(TABLE)


def test_where_all_have_failed_the_study_ends_with_rows_that_say_so(project: Project) -> None:
    for name in CONFIGURATIONS:
        path = project[f"results/runs/{name}_s0/rung_1.json"]
        failed = {"status": "diverged", "error": "non-finite loss", "val_loss": []}
        path.write_text(json.dumps({**json.loads(path.read_text()), **failed}))
    done = project.build(*([] if LONG else [TABLE, RECOMMENDATION]), timeout=PATIENCE)
    assert not trainings(done)
    assert survivors(project, 1) == []
    assert decision(project, 2)["configurations"] == []
    table = table_of(project)
    for run, row in table.iterrows():
        assert row["status"] == ("diverged" if str(run).endswith("_s0") else "stopped")
    recommendation = json.loads(project[RECOMMENDATION].read_text())
    assert recommendation["configuration"] is None
    assert "0 of 4 configurations to the end" in recommendation["reason"]


def test_what_was_spent_is_in_the_recommendation_and_the_log(searched: Project) -> None:
    recommendation = json.loads(searched[RECOMMENDATION].read_text())
    search = recommendation["search"]
    assert [rung["kept"] for rung in search["rungs"]] == [2, 1]
    assert 0 < search["part"] < 1
    assert search["train_time_s"] > 0
    assert search["saved_s"] > 0
    assert set(search["certainty"]) == set(survivors(searched, 2))
    assert "The search trained 1 of 4 configurations to the end" in recommendation["reason"]
    log = searched["results/logs/recommend.log"].read_text()
    assert "The search trained 1 of 4 configurations to the end" in log
    page = searched["results/index.html"].read_text()
    assert "The search trained 1 of 4 configurations to the end" in page
    assert searched["results/rungs.png"].stat().st_size > 0
