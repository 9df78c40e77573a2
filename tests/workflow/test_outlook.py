"""What a dry run of a search says: what is decided, and what is at most to come."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import estimates
from outlook import decisions_so_far, outlook
from ptychopareto.config import StudyConfig, parse_study
from ptychopareto.study.rungs import Decision
from ptychopareto.study.runs import Run, expand
from tiny_study import ROOT

NAMES = [f"fno_tnone_m12_w{width}_teacher" for width in (4, 8, 16, 32)]


@pytest.fixture
def study() -> StudyConfig:
    block = {"architecture": ["fno"], "input_transform": ["none"], "modes": [12]}
    return parse_study(
        {
            "sweep": [{**block, "width": [4, 8, 16, 32]}],
            "seeds": [0, 1, 2],
            "training": {"epochs": 10},
            "search": {"rungs": [1, 4], "keep": [0.5, 0.25]},
            "device": "cuda",
        }
    )


def hours(text: str) -> list[float]:
    last = text.splitlines()[-1]
    return [float(word.strip(";")) for word in last.split() if word[0].isdigit()]


def said(study: StudyConfig, decisions: list[Decision]) -> str:
    runs = list(expand(study).values())
    return outlook(study, runs, dict.fromkeys(NAMES, "teacher"), decisions)


def entry(name: str, goes_on: bool) -> dict[str, Any]:
    return {
        **{"configuration": name, "group": "teacher", "cost": 1.0, "loss": 0.1, "front": 0},
        **{"goes_on": goes_on, "runs": []},
    }


def test_before_anything_is_decided(study: StudyConfig) -> None:
    text = said(study, [])
    assert text.splitlines()[0] == ("The search of 4 configurations, 1 of 3 seeds tried first:")
    assert "after 1 epoch at most 2 of 4 configurations go on" in text
    assert "after 4 epochs at most 1 of 2 configurations go on" in text
    assert "at most 3 of 12 runs are trained to the end" in text
    run: list[Run] = list(expand(study).values())[::3]
    first, fourth, last = (
        [estimates.training_seconds(one, study, until) / 3600 for one in run]
        for until in (1, 4, None)
    )
    most = sum(first) + sum(fourth[2:]) - sum(first[2:]) + 3 * last[3] - fourth[3]
    assert hours(text) == pytest.approx([most, 3 * sum(last)], rel=0.01)


def test_what_is_decided_is_no_longer_a_bound(study: StudyConfig) -> None:
    first = Decision(1, [entry(name, name in NAMES[:2]) for name in NAMES])
    text = said(study, [first])
    assert "after 1 epoch 2 of 4 configurations went on" in text
    assert "after 4 epochs at most 1 of 2 configurations go on" in text
    assert hours(text)[0] < hours(said(study, []))[0]
    second = Decision(4, [entry(NAMES[0], True), entry(NAMES[1], False)])
    text = said(study, [first, second])
    assert "at most" not in text
    assert "3 of 12 runs are trained to the end" in text


def test_decisions_about_another_grid_are_not_known(tmp_path: Path) -> None:
    files = [str(tmp_path / f"rung_{rung}.json") for rung in (1, 4)]
    assert decisions_so_far(files, NAMES) == []
    content = {"rung": 1, "configurations": [entry(name, name == NAMES[0]) for name in NAMES]}
    Path(files[0]).write_text(json.dumps(content))
    assert [one.rung for one in decisions_so_far(files, NAMES)] == [1]
    assert decisions_so_far(files, NAMES[:3]) == []
    Path(files[1]).write_text(json.dumps({"rung": 4, "configurations": [entry(NAMES[1], True)]}))
    assert [one.rung for one in decisions_so_far(files, NAMES)] == [1]


def test_the_grid_of_the_proof_is_what_it_says() -> None:
    text = (ROOT / "studies/search.yaml").read_text()
    runs = expand(parse_study(yaml.safe_load(text))).values()
    assert len({run.configuration for run in runs}) >= 48
    assert len({run.architecture for run in runs}) >= 4
