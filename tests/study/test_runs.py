from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counts import EXAMPLES
from ptychopareto.config import ConfigError, parse_study
from ptychopareto.study.runs import Run, expand

BLOCK = {
    "architecture": ["hybrid", "fno"],
    "input_transform": ["sqrt", "none"],
    "modes": [12, 8],
    "width": [32],
    "supervision": ["teacher", "physics"],
}


def runs_of(*blocks: dict[str, Any], seeds: list[int], **rest: dict[str, Any]) -> dict[str, Run]:
    return expand(parse_study({"sweep": list(blocks), "seeds": seeds, **rest}))


def test_a_run_is_named_by_what_it_is() -> None:
    run = Run("fno", "sqrt", 12, 32, "teacher", 0)
    assert run.id == "fno_tsqrt_m12_w32_teacher_s0"
    assert run.configuration == "fno_tsqrt_m12_w32_teacher"


@pytest.mark.parametrize(
    ("run", "name"),
    [
        (
            Run("cnn", "sqrt", None, 16, "teacher", 0, max_channels=64, head="amp_phase"),
            "cnn_tsqrt_w16_c64_amp_phase_teacher_s0",
        ),
        (
            Run("hybrid_resnet", "none", 12, 8, "teacher", 0, skips=False),
            "hybrid_resnet_tnone_m12_w8_noskips_teacher_s0",
        ),
        (
            Run("fno", "none", 12, 8, "teacher", 0, gauge="fixed", physics_weight=10),
            "fno_tnone_m12_w8_fixed_p10_teacher_s0",
        ),
        (
            Run("hybrid_resnet", "none", 12, 8, "physics", 3, skips=True),
            "hybrid_resnet_tnone_m12_w8_physics_s3",
        ),
    ],
)
def test_a_default_leaves_no_trace_in_a_name(run: Run, name: str) -> None:
    assert run.id == name


def test_a_key_that_is_not_named_has_its_default() -> None:
    assert list(runs_of({**BLOCK, "head": ["real_imag"]}, seeds=[0])) == list(
        runs_of(BLOCK, seeds=[0])
    )
    block = {**BLOCK, "architecture": ["hybrid"]}
    assert runs_of({**block, "max_channels": [None]}, seeds=[0]) == runs_of(block, seeds=[0])
    assert {run.skips for run in runs_of(BLOCK, seeds=[0]).values()} == {None}


def test_the_keys_of_an_architecture_are_axes_too() -> None:
    block = {**BLOCK, "architecture": ["hybrid"], "input_transform": ["sqrt"], "modes": [8]}
    block |= {"max_channels": [64, None], "head": ["amp_phase", "real_imag"]}
    block |= {"supervision": ["teacher"]}
    assert list(runs_of(block, seeds=[0])) == [
        "hybrid_tsqrt_m8_w32_c64_amp_phase_teacher_s0",
        "hybrid_tsqrt_m8_w32_c64_teacher_s0",
        "hybrid_tsqrt_m8_w32_amp_phase_teacher_s0",
        "hybrid_tsqrt_m8_w32_teacher_s0",
    ]


@pytest.mark.parametrize(
    "run",
    [
        Run("fno", "none", 8, 4, "teacher", 2),
        Run("hybrid", "sqrt", 8, 4, "truth", 0, max_channels=16, head="amp_phase"),
    ],
)
def test_the_block_of_a_run_gives_that_run(run: Run) -> None:
    assert runs_of(run.block, seeds=[run.seed]) == {run.id: run}


def test_runs_are_in_grid_order_with_the_seeds_innermost() -> None:
    runs = runs_of(BLOCK, seeds=[1, 0])
    expected = [Run(*values) for values in product(*BLOCK.values(), [1, 0])]
    assert list(runs.values()) == expected
    assert list(runs)[:3] == [
        "hybrid_tsqrt_m12_w32_teacher_s1",
        "hybrid_tsqrt_m12_w32_teacher_s0",
        "hybrid_tsqrt_m12_w32_physics_s1",
    ]


def test_blocks_follow_each_other() -> None:
    runs = runs_of({**BLOCK, "width": [16]}, BLOCK, seeds=[0])
    assert [run.width for run in runs.values()] == [16] * 16 + [32] * 16


def test_the_same_run_in_two_blocks_is_refused() -> None:
    other = {**BLOCK, "modes": [16, 8], "architecture": ["fno"]}
    with pytest.raises(ConfigError) as caught:
        runs_of(BLOCK, other, seeds=[0])
    assert str(caught.value) == (
        "sweep[1]: the run fno_tsqrt_m8_w32_teacher_s0 stands already in sweep[0]; "
        "each run is allowed once"
    )


def test_more_runs_than_can_be_planned_are_refused_before_they_are_made() -> None:
    block = {**BLOCK, "width": list(range(1, 1025))}
    with pytest.raises(ConfigError) as caught:
        runs_of(block, seeds=list(range(1000)))
    said = "sweep: 16384000 runs are too many; at most 10000 are allowed"
    assert str(caught.value) == said


@st.composite
def blocks(draw: st.DrawFn) -> dict[str, Any]:
    choices: dict[str, Any] = {
        "architecture": st.sampled_from(["fno", "hybrid"]),
        "input_transform": st.sampled_from(["none", "log1p", "sqrt"]),
        "modes": st.integers(2, 32),
        "width": st.integers(1, 64),
        "supervision": st.sampled_from(["physics", "teacher", "truth"]),
    }
    axes = {
        axis: st.lists(values, min_size=1, max_size=3, unique=True)
        for axis, values in choices.items()
    }
    return {axis: draw(values) for axis, values in axes.items()}


@settings(max_examples=EXAMPLES, deadline=None)
@given(blocks(), st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True))
def test_each_combination_is_one_run_under_its_own_id(
    block: dict[str, Any], seeds: list[int]
) -> None:
    runs = runs_of(block, seeds=seeds)
    assert list(runs.values()) == [Run(*values) for values in product(*block.values(), seeds)]
    assert all(run.id == id for id, run in runs.items())


@settings(max_examples=EXAMPLES, deadline=None)
@given(blocks(), st.sampled_from(["modes", "width"]))
def test_a_new_value_renames_no_run(block: dict[str, Any], axis: str) -> None:
    before = runs_of(block, seeds=[0])
    new = next(value for value in range(2, 32) if value not in block[axis])
    after = runs_of({**block, axis: [*block[axis], new]}, seeds=[0])
    assert {id: after[id] for id in before} == before


def test_the_gauge_is_that_of_the_training_unless_a_block_names_it() -> None:
    block = {**BLOCK, "supervision": ["teacher"]}
    fixed = {"training": {"gauge": "fixed"}}
    assert {run.gauge for run in runs_of(block, seeds=[0]).values()} == {"free"}
    assert {run.gauge for run in runs_of(block, seeds=[0], **fixed).values()} == {"fixed"}
    named = {**block, "gauge": ["fixed", "free"], "physics_weight": [0, 10]}
    runs = runs_of(named, seeds=[0], **fixed).values()
    assert {(run.gauge, run.physics_weight) for run in runs} == {
        *(("fixed", 0), ("fixed", 10), ("free", 0), ("free", 10))
    }
    physics = runs_of({**BLOCK, "supervision": ["physics"]}, seeds=[0], **fixed).values()
    assert {run.gauge for run in physics} == {None}
