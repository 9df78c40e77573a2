"""Settings given with `--config`: they mean what they would mean in a study file."""

import json
from typing import Any

import pytest
from safetensors import safe_open

from command_line import typed
from tiny_study import PHYSICS, TINY, Project

pytestmark = pytest.mark.xdist_group("workflow_command_line")


@pytest.mark.parametrize(
    ("text", "read", "value"),
    [
        ('{"epochs": 2}', {"epochs": "2"}, {"epochs": 2}),
        ('{"learning_rate": 1e-3}', {"learning_rate": "1e-3"}, {"learning_rate": 1e-3}),
        ("{epochs: 2, schedule: cosine}", {}, {"epochs": 2, "schedule": "cosine"}),
        ('{"epochs": "2"}', {"epochs": "2"}, {"epochs": "2"}),
        ("[0, 1]", ["0", "1"], [0, 1]),
        ("true", "true", True),
        ("null", "null", None),
        ("NaN", "NaN", "NaN"),
        ("cpu", "cpu", "cpu"),
        ("a: b: c", "a: b: c", "a: b: c"),
        ("a=b", "a=b", "a=b"),
        ("1e-3", 1e-3, 1e-3),
        ("True", True, True),
        ("", None, None),
    ],
)
def test_a_value_has_the_type_it_is_written_with(text: str, read: Any, value: Any) -> None:
    assert typed([f"key={text}"], {"key": read}) == {"key": value}


def test_sections_and_truth_values_are_accepted(fresh: Project) -> None:
    """They are merged into the study, and reach the jobs."""
    fresh.configure(sweep=TINY["sweep"][1:], training={"epochs": 1, "batch_size": 8})
    given = ('training={"epochs": 2}', "retry_failed=true", "checkpoint_minutes=1e-1")
    model = f"results/runs/{PHYSICS}/model.safetensors"
    made = fresh.snakemake("--cores", "1", model, "--config", *given)
    assert made.returncode == 0, made.stderr
    history = fresh[f"results/runs/{PHYSICS}/history.csv"].read_text()
    assert len(history.splitlines()) == 3
    with safe_open(fresh[model], "numpy") as stored:
        training = json.loads(stored.metadata()["training"])
    assert (training["epochs"], training["batch_size"]) == (2, 8)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('training={"epochs": "2"}', "training.epochs: '2' is a string, "),
        ('training={"epoch": 2}', "training.epoch: unknown key"),
        ("retry_failed=maybe", "retry_failed: 'maybe' is a string, "),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(fresh: Project, given: str, said: str) -> None:
    refused = fresh.snakemake("-n", "--config", given)
    assert refused.returncode != 0
    (line,) = refused.stderr.splitlines()
    assert line.startswith(said), line
