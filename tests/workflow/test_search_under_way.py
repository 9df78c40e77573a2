"""A search that is planned or under way: what a dry run says of it, and what there is to see."""

import json
import re
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml

from ptychopareto.study.configurations import names_of
from search_study import (
    CONFIGURATIONS,
    GRID,
    PATIENCE,
    SEARCH,
    decision,
    finished_search,
)
from tiny_study import ROOT, Project, copy_of

pytestmark = pytest.mark.xdist_group("workflow_search_under_way")


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return finished_search(tmp_path_factory)


@pytest.fixture
def begun(searched: Project, tmp_path: Path) -> Iterator[Project]:
    """The search after its first decision: what was made later is deleted."""
    with copy_of(searched, tmp_path / "begun") as copy:
        for path in (copy["results/search/rung_2.json"], *copy["results/runs"].glob("*/*")):
            if path.name != "rung_1.json":
                path.unlink()
        yield copy


def test_a_dry_run_says_what_is_known(searched: Project, fresh: Project) -> None:
    fresh.configure(**GRID, search=SEARCH)
    said = fresh.snakemake("-n", "--quiet")
    assert said.returncode == 0, said.stderr
    text = " ".join((said.stdout + said.stderr).split())
    assert "after 1 epoch at most 2 of 4 configurations go on" in text
    assert "at most" in text
    text = " ".join(searched.snakemake("-n", "--quiet").stderr.split())
    assert "after 1 epoch 2 of 4 configurations went on" in text


def test_full_study_with_a_search_is_planned_quickly(fresh: Project) -> None:
    """In seconds of the processor, so that other work on the machine does not count."""
    study = yaml.safe_load((ROOT / "studies/full.yaml").read_text())
    study["search"] = {"rungs": [2, 6], "keep": [0.3, 0.15]}
    fresh["full.yaml"].write_text(yaml.safe_dump(study))
    cold = Project(fresh.folder, cold=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = cold.snakemake("-n", "--quiet", "--configfile", "full.yaml")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert said.returncode == 0, said.stderr
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 20
    text = " ".join(said.stderr.split())
    assert "The search of 108 configurations, 1 of 3 seeds tried first" in text
    assert "at most 54 of 324 runs are trained to the end" in text
    hours = re.search(r"at most ([\d.]+) GPU hours, .* of the full grid ([\d.]+)", text)
    assert hours is not None, text
    assert float(hours[1]) < 0.6 * float(hours[2])
    without = re.search(r"without a GPU \(device: auto\): at most ([\d.,]+) core hours", text)
    assert without is not None, text
    assert float(without[1].replace(",", "")) > 10 * float(hours[1])


def test_a_search_is_planned_for_a_cluster(fresh: Project) -> None:
    fresh.configure(**GRID, search=SEARCH)
    shutil.copytree(ROOT / "slurm", fresh["slurm"])
    shown = fresh.snakemake("-n", "--profile", "slurm")
    assert shown.returncode == 0, shown.stderr
    for name in CONFIGURATIONS:
        assert f"Training {name}_s0 for 1 epochs" in shown.stdout
    assert "after 1 epoch at most 2 of 4 configurations go on" in shown.stderr


def test_partial_shows_the_rungs_so_far(begun: Project) -> None:
    shown = begun.snakemake("--cores", "1", "partial")
    assert shown.returncode == 0, shown.stderr
    table = pd.read_csv(begun["results/partial/study_results.csv"])
    assert table["status"].value_counts().to_dict() == {"stopped": 4, "missing": 4}
    assert set(table["rung"][table["status"] == "stopped"]) == {1}
    page = begun["results/partial/index.html"].read_text()
    assert begun["results/partial/rungs.png"].stat().st_size > 0
    assert 'alt="rungs"' in page

    begun.configure(**GRID, search={**SEARCH, "keep": [1.0, 0.25]})  # it will be decided again
    shown = begun.snakemake("--cores", "1", "partial")
    assert shown.returncode == 0, shown.stderr
    table = pd.read_csv(begun["results/partial/study_results.csv"])
    assert set(table["status"]) == {"missing"}
    assert 'alt="rungs"' not in begun["results/partial/index.html"].read_text()


def test_inference_time_is_measured_before_the_first_decision(begun: Project) -> None:
    """In a search that has begun, and decides again for another cost."""
    begun.configure(**GRID, search=SEARCH, pareto={"cost": "inference_time_s"})
    done = begun.build("results/search/rung_1.json", timeout=PATIENCE)
    assert done == {"time_untrained", "decide/1"}
    times = json.loads(begun["results/search/untrained.json"].read_text())["inference_time_s"]
    assert list(times) == CONFIGURATIONS
    costs = {one["configuration"]: one["cost"] for one in decision(begun, 1)["configurations"]}
    assert costs == times
    shown = begun.snakemake("--cores", "1", "partial")
    assert shown.returncode == 0, shown.stderr
    table = pd.read_csv(begun["results/partial/study_results.csv"])
    stopped = table[table["status"] == "stopped"]
    assert len(stopped) == 4
    assert list(stopped["inference_time_s"]) == [times[name] for name in names_of(stopped)]
