"""What a dry run of a search says: what is decided, and what is at most to come."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from network_costs import training_seconds
from outlook import epochs_done, outlook
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
    """All trainings, those to come, and the full grid."""
    last = text.splitlines()[-1]
    return [float(word.strip(";")) for word in last.split() if word[0].isdigit()]


def said(
    study: StudyConfig, decisions: list[Decision], done: Mapping[str, int] | None = None
) -> str:
    runs = list(expand(study).values())
    return outlook(study, runs, dict.fromkeys(NAMES, "teacher"), decisions, done or {})


def decision(rung: int, names: list[str], going_on: list[str]) -> Decision:
    known = {"group": "teacher", "cost": 1.0, "loss": 0.1, "front": 0, "runs": []}
    ones: list[dict[str, Any]] = [
        {"configuration": name, **known, "goes_on": name in going_on} for name in names
    ]
    return Decision(rung, 0.5, "model_params", ones)


def test_before_anything_is_decided(study: StudyConfig) -> None:
    text = said(study, [])
    assert text.splitlines()[0] == ("The search of 4 configurations, 1 of 3 seeds tried first:")
    assert "after 1 epoch at most 2 of 4 configurations go on" in text
    assert "after 4 epochs at most 1 of 2 configurations go on" in text
    assert "at most 3 of 12 runs are trained to the end" in text
    run: list[Run] = list(expand(study).values())[::3]
    first, fourth, last = (
        [training_seconds(one, study, until) / 3600 for one in run] for until in (1, 4, None)
    )
    most = sum(first) + sum(fourth[2:]) - sum(first[2:]) + 3 * last[3] - fourth[3]
    assert hours(text) == pytest.approx([most, most, 3 * sum(last)], rel=0.01)


def test_what_is_decided_is_no_longer_a_bound(study: StudyConfig) -> None:
    first = decision(1, NAMES, NAMES[:2])
    text = said(study, [first])
    assert "after 1 epoch 2 of 4 configurations went on" in text
    assert "after 4 epochs at most 1 of 2 configurations go on" in text
    assert hours(text)[0] < hours(said(study, []))[0]
    second = decision(4, NAMES[:2], NAMES[:1])
    text = said(study, [first, second])
    assert "at most" not in text
    assert "3 of 12 runs are trained to the end" in text


def test_what_is_trained_is_not_to_come(study: StudyConfig) -> None:
    runs = expand(study)
    nothing = hours(said(study, []))
    assert nothing[0] == nothing[1]
    tried = dict.fromkeys((f"{name}_s0" for name in NAMES), 1)
    first = sum(training_seconds(runs[run], study, 1) for run in tried) / 3600
    assert hours(said(study, [], tried))[:2] == pytest.approx(
        [nothing[0], nothing[0] - first], 0.01
    )
    everything = {run.id: 10 for run in runs.values()}
    assert hours(said(study, [], everything))[1] == 0


def test_at_most_is_not_what_is_trained_already(study: StudyConfig) -> None:
    """The dearest configuration may be trained to the end, and a cheap one take its place."""
    runs = expand(study)
    dearest = {f"{NAMES[3]}_s{seed}": 10 for seed in (0, 1, 2)}
    second = sum(training_seconds(runs[f"{NAMES[2]}_s{seed}"], study) for seed in (0, 1, 2))
    assert hours(said(study, [], dearest))[1] > second / 3600


def test_epochs_done_are_those_of_these_settings(study: StudyConfig, tmp_path: Path) -> None:
    runs = expand(study)
    settings = dict.fromkeys(runs, "ours")
    ids = [f"{name}_s0" for name in NAMES]
    for run, rung, own in ((0, 1, "ours"), (1, 1, "ours"), (1, 4, "ours"), (2, 1, "others")):
        path = tmp_path / ids[run] / f"rung_{rung}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"settings": own}))
    (tmp_path / ids[3]).mkdir()
    (tmp_path / ids[3] / "rung_4.json").write_text("{")  # damaged
    found = epochs_done(runs.values(), study, settings, tmp_path)
    assert found == {ids[0]: 1, ids[1]: 4}


def test_two_kinds_of_loss_have_places_of_their_own(study: StudyConfig) -> None:
    groups = dict(zip(NAMES, ("teacher", "teacher", "physics", "physics"), strict=True))
    text = outlook(study, list(expand(study).values()), groups, [], {})
    assert "after 1 epoch at most 2 of 4 configurations go on" in text
    assert "after 4 epochs at most 2 of 2 configurations go on" in text  # one of each kind


def test_the_grid_of_the_proof_is_what_it_says() -> None:
    text = (ROOT / "studies/search.yaml").read_text()
    runs = expand(parse_study(yaml.safe_load(text))).values()
    assert len({run.configuration for run in runs}) >= 48
    assert len({run.architecture for run in runs}) >= 4
