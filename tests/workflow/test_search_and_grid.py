"""A search beside its full grid: equal rows, equal decisions, and the way from one to the other."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from benchmarks.search_histories import collect, read

from benchmarks import search_strategies as strategies
from counts import LONG
from disturbed import assert_same_weights
from ptychopareto.study.halving import Rungs
from search_study import (
    CONFIGURATIONS,
    GRID,
    PATIENCE,
    SEARCH,
    TABLE,
    decision,
    finished_grid,
    finished_search,
    survivors,
    table_of,
    trainings,
)
from tiny_study import Project, copy_of

pytestmark = pytest.mark.xdist_group("workflow_search_and_grid")


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return finished_search(tmp_path_factory)


@pytest.fixture(scope="module")
def full_grid(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return finished_grid(tmp_path_factory)


@pytest.fixture
def project(searched: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of the finished search, to change something in."""
    with copy_of(searched, tmp_path / "project") as copy:
        yield copy


def test_rows_of_survivors_are_those_of_the_full_grid(
    searched: Project, full_grid: Project
) -> None:
    ours, theirs = table_of(searched), table_of(full_grid)
    assert "rung" not in theirs
    finished = ours[ours["status"] == "ok"].drop(columns=["rung", "rung_loss"])
    assert len(finished) == 2
    # Whole numbers beside missing ones are read as fractions.
    pd.testing.assert_frame_equal(
        finished, theirs.loc[finished.index], check_exact=True, check_dtype=False
    )
    for run in finished.index:
        losses = [
            pd.read_csv(of[f"results/runs/{run}/history.csv"]).drop(columns="seconds")
            for of in (searched, full_grid)
        ]
        pd.testing.assert_frame_equal(*losses, check_exact=True)


def test_without_the_search_the_rest_of_the_grid_goes_on_from_its_checkpoints(
    project: Project, full_grid: Project
) -> None:
    """In `make test` one run that was stopped, and one of another seed; in `make test-long` all."""
    (last,) = survivors(project, 2)
    project.configure(**GRID)
    left = [f"{name}_s{seed}" for name in CONFIGURATIONS if name != last for seed in (0, 1)]
    if not LONG:
        left = left[:2]
    models = [f"results/runs/{run}/model.safetensors" for run in left]
    done = project.build(*([TABLE] if LONG else models), timeout=PATIENCE)
    assert trainings(done) == {f"train/{run}" for run in left}
    for model in models:
        assert_same_weights(project[model], full_grid[model])
    if LONG:
        pd.testing.assert_frame_equal(table_of(project), table_of(full_grid), check_exact=True)
    stopped = next(run for run in left if run.endswith("_s0"))
    log = project[f"results/logs/train/{stopped}.log"].read_text()
    assert "continuing from the checkpoint" in log


def test_a_search_of_a_grid_that_was_trained_takes_what_is_there(
    full_grid: Project, searched: Project, tmp_path: Path
) -> None:
    """Rungs are read from the histories of the trainings, to the same decisions."""
    with copy_of(full_grid, tmp_path / "grid") as project:
        models = {path: path.read_bytes() for path in project["results"].rglob("model.safetensors")}
        project.configure(**GRID, search=SEARCH)
        done = project.build(TABLE, timeout=PATIENCE)
        assert not {job for job in done if job.startswith("train/")}
        for log in project["results/logs"].glob("rung_*/*.log"):
            assert "epoch 1/" not in log.read_text(), log
        for rung in (1, 2):
            assert survivors(project, rung) == survivors(searched, rung)
            for ours, theirs in zip(
                decision(project, rung)["configurations"],
                decision(searched, rung)["configurations"],
                strict=True,
            ):
                assert ours["loss"] == theirs["loss"]
                assert ours["cost"] == theirs["cost"]
        table = table_of(project)
        assert list(table["status"]) == list(table_of(searched)["status"])
        assert all(path.read_bytes() == content for path, content in models.items())


def test_replays_from_the_histories_of_the_full_grid_decide_as_the_search_did(
    searched: Project, full_grid: Project, tmp_path: Path
) -> None:
    histories = tmp_path / "histories.csv"
    collect(full_grid["results"], "model_params", "ssim_phase", histories)
    grid = read(histories)
    assert [one.name for one in grid] == CONFIGURATIONS
    assert all(run.start_s > 0 for one in grid for run in one.runs)
    rungs = Rungs(tuple(SEARCH["rungs"]), tuple(SEARCH["keep"]))
    replayed = strategies.searched(grid, rungs, SEARCH["first_seeds"])
    assert list(replayed.names) == survivors(searched, 2)
    epochs = sum(sum(run.seconds) for one in grid for run in one.runs)
    assert strategies.full_grid(grid).seconds > epochs


@pytest.mark.long
def test_a_rung_beyond_the_end_of_the_trainings_leaves_finished_runs(
    project: Project, full_grid: Project
) -> None:
    project.configure(**GRID, search={**SEARCH, "rungs": [1, 9]})
    done = project.build(TABLE, timeout=PATIENCE)
    tried, last = survivors(project, 1), survivors(project, 9)
    assert {job for job in done if job.startswith("rung_")} == {f"rung_9/{n}_s0" for n in tried}
    table = table_of(project)
    ended = [f"{name}_s0" for name in tried]
    finished = [*ended, *(f"{name}_s1" for name in last)]
    assert set(table.index[table["status"] == "ok"]) == set(finished)
    pd.testing.assert_frame_equal(
        table.loc[finished].drop(columns=["rung", "rung_loss"]),
        table_of(full_grid).loc[finished],
        check_exact=True,
        check_dtype=False,
    )
    (lost,) = set(tried) - set(last)
    assert (table.loc[f"{lost}_s1", ["status", "rung"]] == ["stopped", 9]).all()
