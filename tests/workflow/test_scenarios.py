"""Scenarios: what they add to a study, and what they leave alone."""

import json
from html import escape

import pandas as pd
import pytest

from counts import LONG
from tiny_study import RUNS, Project

pytestmark = pytest.mark.xdist_group("workflow_scenarios")

DIM = {"name": "dim", "photons": 1.0e4}
NAN = {"name": "nan", "photons": 1.0e3}
OFF = {"name": "off", "position_error": 1.0}
COARSE = {"name": "coarse", "scan_step": 32}
QUICK = {"alphas": [0.1, 1.0], "most_passes": 3, "most_passes_after_network": 2}
# What comes after the scores of all scenarios.
AFTER = {"gather_scenarios", "robustness", "recommend", "export", "page"}


def own(*names: str) -> set[str]:
    jobs = ("scenario", "evaluate_scenario", "at_best")
    return {f"{job}/{name}" for job in jobs for name in names}


def test_scenarios_are_added_to_a_finished_study_one_by_one(project: Project) -> None:
    project.configure(scenarios=[NAN, OFF], at_best=QUICK)
    assert project.build() == own("nan", "off") | {"at_best/as_trained"} | AFTER
    table = pd.read_csv(project["results/scenarios.csv"], keep_default_na=False, na_values=[""])
    at_best = table[table["at_best"]]
    assert set(at_best["scenario"]) == {"as_trained", "nan", "off"}
    assert at_best["run"].tolist().count("rpie") == 3
    assert len(at_best) > 3  # the networks of the front
    assert at_best["alpha"].isin(QUICK["alphas"]).all()
    assert at_best["rpie_epochs"].max() <= 3
    table = table[~table["at_best"]]
    assert table["scenario"].tolist() == ["as_trained"] * 4 + ["nan"] * 4 + ["off"] * 4
    assert table["run"].tolist() == 3 * [*RUNS, "rpie"]
    assert table["ssim_phase"].notna().all()
    assert project["results/robustness.png"].stat().st_size > 0
    assert "robustness" in project["results/index.html"].read_text()
    chosen = json.loads(project["results/recommendation.json"].read_text())
    assert [record["scenario"] for record in chosen["robustness"]] == ["nan", "off"]
    assert escape(chosen["reason"]) in project["results/index.html"].read_text()
    assert (
        "less than on the scan as it is" in chosen["reason"] or "loses nothing" in chosen["reason"]
    )

    project.configure(scenarios=[NAN, OFF, COARSE], at_best=QUICK)
    assert project.plan() == {"scenario", "evaluate_scenario", "at_best", *AFTER}
    if LONG:
        assert project.build() == own("coarse") | AFTER
        assert project.plan() == set()


def test_rpie_at_its_best_may_be_left_out(project: Project) -> None:
    project.configure(scenarios=[NAN], at_best=None)
    assert project.plan() == {"scenario", "evaluate_scenario", *AFTER}


def test_no_scenario_no_job(project: Project) -> None:
    project.configure(scenarios=[])
    assert project.plan() == set()
    listed = project.snakemake("--list-rules")
    assert "scenario" not in listed.stdout


def test_an_unknown_scenario_is_no_target(fresh: Project) -> None:
    fresh.configure(scenarios=[DIM])
    wanted = fresh.snakemake("-n", "results/scenarios/dimm/scores.json")
    assert wanted.returncode != 0
    assert "MissingRuleException" in wanted.stdout
