"""The axes of the grid: everything about an axis derives from its line, and the new ones train."""

import inspect
import re
from dataclasses import fields
from typing import Any

import pytest
import torch

from ptychopareto.config import (
    ARCHITECTURES,
    AXES,
    BLOCKS,
    ConfigError,
    SweepBlock,
    Training,
    parse_study,
)
from ptychopareto.models.registry import NetworkConfig, build, operator
from ptychopareto.pictures import marginals, training_curves
from ptychopareto.pictures.names import words
from ptychopareto.study.configurations import CONFIGURATION
from ptychopareto.study.runs import Run, expand
from ptychopareto.study.table import COLUMNS, TYPES

BLOCK = {"architecture": ["fno"], "input_transform": ["sqrt"], "modes": [8], "width": [4]}


def runs(training: dict[str, Any] | None = None, **values: Any) -> dict[str, Run]:
    return expand(parse_study({"sweep": [{**BLOCK, **values}], "training": training or {}}))


def test_every_place_knows_every_axis() -> None:
    names = set(AXES)
    assert set(SweepBlock.model_fields) == names
    assert {field.name for field in fields(Run)} == names | {"seed"}
    assert set(CONFIGURATION) == names == set(marginals.ORDERS)
    assert {*training_curves.AXES, "supervision"} == names
    assert all(TYPES[name] == axis.column for name, axis in AXES.items())
    network = {name for name, axis in AXES.items() if axis.owner == "network"}
    assert network <= {field.name for field in fields(NetworkConfig)}
    [one] = words([Run("fno", "sqrt", 8, 4, "teacher", 0).settings(Training())])
    assert set(one) == names


def test_new_columns_stand_at_the_end() -> None:
    assert COLUMNS[:8] == (
        *("run", "architecture", "input_transform", "modes", "width", "supervision", "seed"),
        "epochs",
    )
    assert COLUMNS[-28:-13] == (
        *("device", "max_channels", "skips", "head", "gauge", "physics_weight"),
        *("blocks", "learning_rate", "batch_size", "train_patterns"),
        *("r_work", "r_free", "r_free_flat", "frc50_halves", "reference"),
    )
    assert COLUMNS[-13:] == (
        *("read_s", "transform_s", "stitch_s", "end_to_end_s", "end_to_end_pattern_s"),
        *("single_pattern_p99_s", "batch64_s", "batch64_p99_s"),
        *("onnx_inference_time_s", "onnx_end_to_end_s"),
        *("contrast_phase", "contrast_amp", "warning"),
    )


def test_a_block_learns_from_the_teacher_by_default() -> None:
    assert list(runs()) == ["fno_tsqrt_m8_w4_teacher_s0"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"blocks": [4, 6]}, ["", "_b6"]),
        ({"learning_rate": [0.001, 0.0005, 1e-5, 1]}, ["", "_lr0p0005", "_lr1em05", "_lr1"]),
        ({"batch_size": [4, 16]}, ["_bs4", ""]),
        ({"epochs": [5, 20]}, ["_e5", ""]),
        ({"epochs": [5], "blocks": [2], "batch_size": [8]}, ["_b2_bs8_e5"]),
        ({"train_patterns": [64, None]}, ["_n64", ""]),
    ],
)
def test_only_what_is_not_the_default_stands_in_the_name(
    values: dict[str, list[Any]], words: list[str]
) -> None:
    names = list(runs(**values))
    assert names == [f"fno_tsqrt_m8_w4{word}_teacher_s0" for word in words]
    assert all(re.fullmatch("[a-z0-9_]+", name) for name in names)


def test_a_run_is_trained_as_its_block_says() -> None:
    training = {"epochs": 7, "batch_size": 2, "gauge": "fixed"}
    study = parse_study({"sweep": [{**BLOCK, "epochs": [7, 20]}], "training": training})
    default, named = expand(study).values()
    assert (default.epochs, named.epochs) == (None, 20)
    assert default.training(study.training) == study.training
    assert named.training(study.training).epochs == 20
    assert named.training(study.training).batch_size == 2
    assert named.settings(study.training)["learning_rate"] == 1e-3
    assert [named.block["epochs"], "epochs" in default.block] == [[20], False]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"blocks": [0]}, "sweep[0].blocks[0]: 0 is too small; at least 1 is allowed"),
        ({"blocks": 4}, "sweep[0].blocks: 4 is a whole number, a list is wanted, such as [4]"),
        ({"learning_rate": [2]}, "sweep[0].learning_rate[0]: 2 is too large; at most 1 is allowed"),
        ({"batch_size": [8, 8]}, "sweep[0].batch_size[1]: 8 stands twice"),
        ({"train_patterns": [1]}, "sweep[0].train_patterns[0]: 1 is too small; at least 2 is"),
        (
            {"train_patterns": [64, 8000]},
            "sweep[0].train_patterns[1]: 8000 is too large; at most 6889, all patterns of the",
        ),
        ({"epochs": [1.5]}, "sweep[0].epochs[0]: 1.5 is a decimal number, a whole number is"),
        (
            {"architecture": ["cnn"], "modes": None, "blocks": [2]},
            "sweep[0].blocks: cnn has no blocks; its keys are width, max_channels",
        ),
    ],
)
def test_what_is_refused(values: dict[str, Any], said: str) -> None:
    block = {name: value for name, value in {**BLOCK, **values}.items() if value is not None}
    with pytest.raises(ConfigError, match=re.escape(said)):
        expand(parse_study({"sweep": [block]}))


@pytest.mark.parametrize("architecture", BLOCKS)
def test_the_default_depth_is_the_architectures_own(architecture: str) -> None:
    """And its weights are the same, bit for bit, whether it is named or not."""
    own = inspect.signature(operator(architecture)).parameters["blocks"].default
    assert own == BLOCKS[architecture]
    weights = []
    for blocks in (None, own, own + 1):
        torch.manual_seed(0)
        network = build(
            NetworkConfig(architecture, "none", modes=2, width=2, N=16, skips=True, blocks=blocks)
        )
        weights.append(network.state_dict())
    assert list(weights[0]) == list(weights[1])
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert len(weights[2]) > len(weights[0])


def test_each_architecture_with_blocks_has_a_depth() -> None:
    assert set(BLOCKS) == {name for name, keys in ARCHITECTURES.items() if "blocks" in keys}
