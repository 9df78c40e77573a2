import copy
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import ptychopareto
from counts import EXAMPLES
from ptychopareto.config import (
    ARCHITECTURES,
    ConfigError,
    ExistingDataset,
    ProbeDisk,
    Scenario,
    SiemensObject,
    SimulatedDataset,
    StudyConfig,
    check_pattern_size,
    json_schema,
    parse_study,
)
from ptychopareto.config.architectures import NEEDS, Key

SRC = Path(ptychopareto.__file__).parents[1]
SCHEMA = SRC.parent / "workflow" / "schemas" / "config.schema.json"

SIMULATED = {
    "dataset": {
        "N": 64,
        "size": 392,
        "scan_step_train": 4,
        "scan_step_test": 10,
        "photons": 1.0e9,
        "seed": 1,
        "object": {"kind": "lines", "segments": 400},
        "probe": {"kind": "zone_plate", "aperture": 0.42, "mask_radius": None},
    },
    "teacher": {"epochs": 60, "alpha": 0.1},
    "sweep": [
        {
            "architecture": ["fno", "hybrid"],
            "input_transform": ["none", "log1p", "sqrt"],
            "modes": [8, 12, 16],
            "width": [8, 16],
            "supervision": ["teacher"],
        }
    ],
    "seeds": [0, 1],
    "training": {"epochs": 3, "batch_size": 16, "learning_rate": 4.0e-3},
    "pareto": {"cost": "model_params", "quality": "ssim_phase"},
    "device": "cpu",
}
EXISTING = {
    **SIMULATED,
    "dataset": {"train_npz": "train.npz", "test_npz": "data/test.npz", "register_input": "none"},
}


def changed(text: str, config: dict[str, Any] = SIMULATED) -> dict[str, Any]:
    """A config with one place set, written as in `sweep.0.modes = [12]` with a YAML value."""
    path, _, value = text.partition(" = ")
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    config = copy.deepcopy(config)
    section: Any = config
    for key in parents:
        section = section[key]
    section[last] = yaml.safe_load(value)
    return config


def refusal(config: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_study(config)
    return str(caught.value)


def test_a_study_is_typed() -> None:
    study = parse_study(SIMULATED)
    assert isinstance(study.dataset, SimulatedDataset)
    assert study.sweep[0].modes == (8, 12, 16)
    assert study.training.learning_rate == 4e-3
    assert study.training.batch_size == 16


def test_defaults_fill_what_is_left_out() -> None:
    study = parse_study({"sweep": SIMULATED["sweep"]})
    assert study.dataset == SimulatedDataset()
    assert study.dataset.probe.kind == "zone_plate"
    assert study.seeds == (0,)


def test_existing_files_are_chosen_by_their_keys() -> None:
    dataset = parse_study(EXISTING).dataset
    assert isinstance(dataset, ExistingDataset)
    assert dataset.test_npz == Path("data/test.npz")


def test_a_scenario_may_change_several_things() -> None:
    study = parse_study(changed("scenarios = [{name: bad_day, photons: 100, position_error: 1}]"))
    assert study.scenarios == (Scenario(name="bad_day", photons=100.0, position_error=1.0),)
    assert parse_study(SIMULATED).scenarios == parse_study(changed("scenarios = []")).scenarios


def test_rpie_is_at_its_best_in_all_scenarios_or_none() -> None:
    dim = {**SIMULATED, "scenarios": [{"name": "dim", "photons": 100}]}
    assert parse_study(dim).scenarios_at_best == ("as_trained", "dim")
    assert parse_study({**dim, "at_best": None}).scenarios_at_best == ()
    assert parse_study(SIMULATED).scenarios_at_best == ()


def test_scan_step_of_existing_files_is_not_guessed_at() -> None:
    parse_study(changed("scenarios = [{name: far, scan_step: 65}]", EXISTING))


def test_a_whole_number_is_a_number() -> None:
    photons = parse_study(changed("dataset.photons = 1000000")).dataset.photons
    assert isinstance(photons, float)
    assert photons == 1e6


def test_a_probe_has_the_keys_of_its_kind() -> None:
    probe = parse_study(changed("dataset.probe = {kind: disk, radius: 0.3}")).dataset.probe
    assert probe == ProbeDisk(radius=0.3)


def test_an_object_has_the_keys_of_its_kind() -> None:
    obj = parse_study(changed("dataset.object = {kind: siemens, spokes: 9}")).dataset.object
    assert obj == SiemensObject(spokes=9, phase="coupled")


GIVEN = changed("dataset.object = {kind: npz, path: a.npz, test_path: b.npz}")


CAPPED = {
    "sweep": [
        {**SIMULATED["sweep"][0], "architecture": ["hybrid"], "max_channels": [32, None]},
        {**SIMULATED["sweep"][0], "head": ["amp_phase"]},
    ]
}


@pytest.mark.parametrize("config", [SIMULATED, EXISTING, GIVEN, CAPPED])
def test_a_study_survives_json(config: dict[str, Any]) -> None:
    study = parse_study(config)
    assert parse_study(json.loads(study.model_dump_json())) == study


def test_how_a_study_is_run_is_no_part_of_its_dump() -> None:
    """Else a change of it would be one of the jobs' parameters, and repeat them."""
    study = parse_study({**SIMULATED, "checkpoint_minutes": 0.5, "retry_failed": True})
    assert (study.checkpoint_minutes, study.retry_failed) == (0.5, True)
    assert study.model_dump() == parse_study(SIMULATED).model_dump()


@pytest.mark.parametrize(
    ("place", "n", "said"),
    [
        (
            "sweep.0.modes = [8, 40]",
            32,
            "sweep[0].modes[1]: 40 is too large; at most N/2 = 16 is allowed "
            "(the patterns have 32 px)",
        ),
        (
            "sweep.0 = {architecture: [fno, hybrid], input_transform: [none], modes: [2], "
            "width: [8], supervision: [physics]}",
            8,
            "sweep[0].architecture[1]: hybrid takes patterns of at least 9 px "
            "(the patterns have 8 px)",
        ),
    ],
)
def test_networks_that_patterns_of_existing_files_are_too_small_for(
    place: str, n: int, said: str
) -> None:
    study = parse_study(changed(place, EXISTING))
    check_pattern_size(study, 128)
    with pytest.raises(ConfigError) as caught:
        check_pattern_size(study, n)
    assert str(caught.value) == said


def test_modes_of_existing_files_are_not_guessed_at() -> None:
    parse_study(changed("sweep.0.modes = [64]", EXISTING))


MISTAKES = [
    (
        "training.learning_rate = 1e-3",
        "training.learning_rate: '1e-3' is a string, a number is wanted "
        "(YAML reads 1e-3 as text; write 1.0e-3)",
    ),
    (
        "dataset.photons = 1.0e9",
        "dataset.photons: '1.0e9' is a string, a number is wanted "
        "(YAML reads 1.0e9 as text; write 1.0e+9)",
    ),
    (
        "training.epochs = '12'",
        "training.epochs: '12' is a string, a whole number is wanted (write it without quotes)",
    ),
    ("training.epochs = many", "training.epochs: 'many' is a string, a whole number is wanted"),
    ("training.epochs = true", "training.epochs: true is a truth value, a whole number is wanted"),
    ("training.warmup = false", "training.warmup: false is a truth value, a number is wanted"),
    ("training.epochs = 3.0", "training.epochs: 3.0 is a decimal number, a whole number is wanted"),
    ("training.epochs = null", "training.epochs: null is empty, a whole number is wanted"),
    ("training.epochs = 0", "training.epochs: 0 is too small; at least 1 is allowed"),
    ("training.warmup = 1", "training.warmup: 1 is too large; less than 1 is allowed"),
    (
        "training.learning_rate = 0.0",
        "training.learning_rate: 0.0 is too small; more than 0 is allowed",
    ),
    (
        "training.learning_rate = .nan",
        "training.learning_rate: nan is not allowed; a finite number is wanted",
    ),
    (
        "dataset.photons = .inf",
        "dataset.photons: inf is not allowed; a finite number is wanted",
    ),
    ("training.epoch = 3", "training.epoch: unknown key; did you mean epochs?"),
    ("pareto.z = 3", "pareto.z: unknown key; allowed are cost, quality"),
    (
        "sweep.0.architecture = [fno, unet]",
        "sweep[0].architecture[1]: 'unet' is not allowed; allowed is ",
    ),
    (
        "sweep.0 = {architecture: [fno], input_transform: [none], modes: [12], width: [8], "
        "supervision: [physics, teacher], gauge: [free]}",
        "sweep[0].gauge: physics has no gauge, only teacher and truth have one "
        "(put it into a block of its own)",
    ),
    (
        "sweep.0 = {architecture: [fno], input_transform: [none], modes: [12], width: [8], "
        "supervision: [physics], physics_weight: [0, 1]}",
        "sweep[0].physics_weight: physics is no object loss to add to, only teacher and truth are",
    ),
    (
        "sweep.0.modes = [12, 16, 40]",
        "sweep[0].modes[2]: 40 is too large; at most N/2 = 32 is allowed (dataset.N = 64)",
    ),
    (
        "sweep.0.modes = 12",
        "sweep[0].modes: 12 is a whole number, a list is wanted, such as [12]",
    ),
    ("sweep.0.modes = []", "sweep[0].modes: [] is empty; at least one value is wanted"),
    (
        "sweep.0.modes = [12, 12]",
        "sweep[0].modes[1]: 12 stands twice; each value is allowed once",
    ),
    (
        "sweep.0.modes = null",
        "sweep[0].modes: missing; list of numbers of kept frequencies per axis and side, "
        "zero counted, at most N/2 is wanted",
    ),
    (
        "sweep.0.max_channels = [64]",
        "sweep[0].max_channels: fno has no max_channels; its keys are modes, width, blocks "
        "(put it into a block of its own)",
    ),
    (
        "sweep.0.skips = [false]",
        "sweep[0].skips: fno has no skips; its keys are modes, width, blocks "
        "(put it into a block of its own)",
    ),
    (
        "sweep.0.max_channels = 64",
        "sweep[0].max_channels: 64 is a whole number, a list is wanted, such as [64]",
    ),
    ("sweep.0.max_channels = [0]", "sweep[0].max_channels[0]: 0 is too small; "),
    ("sweep.0.skips = [1]", "sweep[0].skips[0]: 1 is a whole number, true or false is wanted"),
    (
        "sweep.0.head = [polar]",
        "sweep[0].head[0]: 'polar' is not allowed; allowed is 'real_imag' or 'amp_phase'",
    ),
    ("sweep.0.head = []", "sweep[0].head: [] is empty; at least one value is wanted"),
    ("sweep = []", "sweep: [] is empty; at least one value is wanted"),
    ("sweep.0 = null", "sweep[0]: null is empty, a section of keys is wanted"),
    ("seeds = [1, 2, 1]", "seeds[2]: 1 stands twice; each value is allowed once"),
    ("seeds = [-1]", "seeds[0]: -1 is too small; at least 0 is allowed"),
    ("dataset.N = 63", "dataset.N: 63 is not allowed; a multiple of 2 is wanted"),
    ("dataset.size = 32", "dataset.size: 32 is too small; at least N = 64 is allowed"),
    (
        "dataset.scan_step_test = 400",
        "dataset.scan_step_test: 400 is too large for N = 64 on an object of size = 392; "
        "at most 64 is allowed (no more than N and than size - N)",
    ),
    ("dataset.probe.kind = gauss", "dataset.probe.kind: 'gauss' is not allowed; "),
    ("dataset.probe = {}", "dataset.probe.kind: missing; allowed are zone_plate, disk, npz"),
    ("dataset.probe = {kind: npz}", "dataset.probe.path: missing; "),
    (
        "dataset.probe = {kind: npz, path: probe.mat}",
        "dataset.probe.path: 'probe.mat' is not allowed; the path of a .npz file is wanted",
    ),
    ("dataset.probe.apperture = 1", "dataset.probe.apperture: unknown key; did you mean aperture?"),
    (
        "dataset.object.kind = line",
        "dataset.object.kind: 'line' is not allowed; allowed are lines, grf, siemens, npz",
    ),
    ("dataset.object = {}", "dataset.object.kind: missing; allowed are lines, grf, siemens, npz"),
    (
        "dataset.object.spokes = 9",
        "dataset.object.spokes: unknown key; allowed are phase, kind, segments",
    ),
    ("dataset.object = {kind: npz, path: a.npz}", "dataset.object.test_path: missing; "),
    (
        "dataset.object = {kind: npz, path: a.npz, test_path: ./a.npz}",
        "dataset.object.test_path: 'a.npz' is the training file; another one is wanted",
    ),
    (
        "dataset.object = {kind: grf, correlation_length: 0}",
        "dataset.object.correlation_length: 0 is too small; more than 0 is allowed",
    ),
    (
        "dataset.scan_jitter = 2",
        "dataset.scan_jitter: 2 is too large for steps of 4 and 10 px, N = 64 and size = 392; "
        "at most 1 is allowed",
    ),
    (
        "dataset = {train_npz: a.npz}",
        "dataset.test_npz: missing; path of the scored scan (.npz) is wanted",
    ),
    (
        "dataset.train_npz = a.npz",
        "dataset.N: unknown key; allowed are train_npz, test_npz, register_input, gridsize",
    ),
    (
        "dataset.object.phase = none",
        "pareto.quality: 'ssim_phase' is void for an object of flat phase "
        "(dataset.object.phase = none); allowed are ssim_amp, psnr_amp, mae_amp, frc50_amp, "
        "r_work, r_free",
    ),
    (
        "pareto = [{quality: ssim_amp}, {quality: void}]",
        "pareto[1].quality: 'void' is not allowed; ",
    ),
    (
        "pareto = [{quality: ssim_amp}, {quality: ssim_amp}]",
        "pareto[1]: ssim_amp against model_params stands twice; one plot is enough",
    ),
    ("refine = {epochs: [-1]}", "refine.epochs[0]: -1 is too small; at least 0 is allowed"),
    ("classical = {epochs: [0]}", "classical.epochs[0]: 0 is too small; at least 1 is allowed"),
    (
        "scenarios = [{name: Dim, photons: 10}]",
        "scenarios[0].name: 'Dim' is not allowed; up to 30 lowercase letters, digits and _ are "
        "wanted, and not as_trained, which is the scan without a change",
    ),
    ("scenarios = [{name: as_trained, photons: 10}]", "scenarios[0].name: 'as_trained' is not "),
    ("scenarios = [{name: 3, photons: 10}]", "scenarios[0].name: 3 is a whole number, a string "),
    ("scenarios = [{photons: 10}]", "scenarios[0].name: missing; "),
    (
        "scenarios = [{name: dim, photons: 10}, {name: dim, photons: 20}]",
        "scenarios[1].name: 'dim' stands twice; each name is allowed once",
    ),
    (
        "scenarios = [{name: sure, assumed: {probe_blur: 0}}]",
        "scenarios[0].assumed: nothing is assumed wrongly; one of probe_blur, probe_defocus, ",
    ),
    (
        "scenarios = [{name: sure, assumed: {probe_shift: 1}}]",
        "scenarios[0].assumed.probe_shift: unknown key; ",
    ),
    (
        "scenarios = [{name: mixed, second_mode: 0.6}]",
        "scenarios[0].second_mode: 0.6 is too large; at most 0.5 is allowed",
    ),
    (
        "scenarios = [{name: same, photons: null, defocus_error: 0}]",
        "scenarios[0]: changes nothing; one of photons, object, scan_step, defocus_error, "
        "position_error, second_mode, assumed is wanted",
    ),
    (
        "scenarios = [{name: far, scan_step: 65}]",
        "scenarios[0].scan_step: 65 is too large for N = 64 on an object of size = 392; "
        "at most 64 is allowed (no more than N and than size - N)",
    ),
    (
        "scenarios = [{name: wrong, defocus_error: -1}]",
        "scenarios[0].defocus_error: -1 is too small; at least -0.5 is allowed",
    ),
    (
        "scenarios = [{name: other, object: {kind: lines, segments: 0}}]",
        "scenarios[0].object.segments: 0 is too small; at least 1 is allowed",
    ),
    (
        "scenarios = [{name: other, object: {kind: rings}}]",
        "scenarios[0].object.kind: 'rings' is not allowed; allowed are lines, grf, siemens, npz",
    ),
    (
        "scenarios = {name: dim, photons: 10}",
        "scenarios: {'name': 'dim', 'photons': 10} is a section of keys, a list is wanted",
    ),
    (
        "search = {}",
        "search.rungs: missing; list of rising numbers of epochs after which "
        "configurations are compared is wanted",
    ),
    (
        "search = {rungs: [1, 3], keep: [0.4]}",
        "search.keep: 1 values; one for each of the 2 rungs is wanted",
    ),
    (
        "search = {rungs: [3, 1], keep: [0.4, 0.2]}",
        "search.rungs[1]: 1 is too small; more than 3 is wanted",
    ),
    (
        "search = {rungs: [1, 3], keep: [0.2, 0.4]}",
        "search.keep[1]: 0.4 is too large; at most 0.2 is allowed",
    ),
    (
        "search = {rungs: [1], keep: [1.5]}",
        "search.keep[0]: 1.5 is too large; at most 1 is allowed",
    ),
    ("search = {rungs: [1], keep: [0]}", "search.keep[0]: 0 is too small; more than 0 is allowed"),
    ("search = {rungs: [0], keep: [1]}", "search.rungs[0]: 0 is too small; at least 1 is allowed"),
    (
        "search = {rungs: [1], keep: [0.5], first_seeds: 3}",
        "search.first_seeds: 3 are too many; at most all 2 are allowed",
    ),
    (
        "search = {rungs: [1], keep: [0.5], seeds: 1}",
        "search.seeds: unknown key; did you mean first_seeds?",
    ),
    ("checkpoint_minutes = 0", "checkpoint_minutes: 0 is too small; more than 0 is allowed"),
    ("retry_failed = 1", "retry_failed: 1 is a whole number, true or false is wanted"),
    ("device = gpu", "device: 'gpu' is not allowed; allowed is 'auto', 'cpu' or 'cuda'"),
]


@pytest.mark.parametrize(("change", "message"), MISTAKES)
def test_a_mistake_is_named_in_one_line(change: str, message: str) -> None:
    said = refusal(changed(change))
    # A message that ends in a blank is the beginning of a longer one.
    assert said.startswith(message) if message.endswith(" ") else said == message


def test_a_search_needs_a_cost_that_is_known_before_the_end() -> None:
    search = {"rungs": [1], "keep": [0.5]}
    said = refusal({**SIMULATED, "search": search, "pareto": {"cost": "peak_memory_mb"}})
    allowed = "model_params, model_params_real, inference_time_s, train_time_s"
    assert said == (
        f"pareto.cost: 'peak_memory_mb' is not known during a search; allowed are {allowed}"
    )
    assert parse_study({**SIMULATED, "pareto": {"cost": "peak_memory_mb"}}).search is None


def test_a_search_is_in_no_dump_of_the_study() -> None:
    """So no fingerprint changes by it, and no training is repeated."""
    search = {"rungs": [1, 3], "keep": [0.5, 0.25]}
    with_it, without = (parse_study({**SIMULATED, "search": one}) for one in (search, None))
    assert with_it.search is not None
    assert with_it.search.first_seeds == 1
    assert with_it.model_dump_json() == without.model_dump_json()


def test_an_unknown_key_is_named_before_what_is_missing_for_it() -> None:
    block = {key: value for key, value in SIMULATED["sweep"][0].items() if key != "modes"}
    said = refusal({**SIMULATED, "sweep": [{**block, "mode": [12]}]})
    assert said == "sweep[0].mode: unknown key; did you mean modes?"


def test_further_mistakes_are_counted() -> None:
    said = refusal(changed("training = {epochs: 0, batch_size: x, learning_rate: 2}"))
    assert said.startswith("training.epochs: 0 is too small")
    assert said.endswith(" (and 2 more)")


def test_a_missing_axis_is_described() -> None:
    said = refusal({"sweep": [{"architecture": ["fno"]}]})
    assert said.startswith("sweep[0].input_transform: missing; list of transforms")


HYBRID = {**SIMULATED, "sweep": [{**SIMULATED["sweep"][0], "architecture": ["hybrid"]}]}


def test_the_keys_of_an_architecture_are_its_own() -> None:
    block = parse_study(changed("sweep.0.max_channels = [64, null]", HYBRID)).sweep[0]
    assert block.max_channels == (64, None)
    assert (block.skips, block.head) == (None, ("real_imag",))
    alone = changed("sweep.0.architecture = [fno]", changed("sweep.0.max_channels = [64]"))
    said = "sweep[0].max_channels: fno has no max_channels; its keys are modes, width, blocks"
    assert refusal(alone) == said


def test_a_cap_below_the_first_level_is_refused() -> None:
    said = refusal(changed("sweep.0.max_channels = [null, 8]", HYBRID))
    assert said == (
        "sweep[0].max_channels[1]: 8 is too small; at least the largest width = 16 is allowed"
    )


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NEEDS, "hybrid", ("no_such_module", "no-such-package"))
    assert refusal(SIMULATED) == (
        "sweep[0].architecture[1]: hybrid needs the package no-such-package, which is not "
        "installed: pip install no-such-package"
    )
    monkeypatch.setitem(NEEDS, "hybrid", ("json", "python"))
    parse_study(SIMULATED)


def test_each_package_that_an_architecture_needs_is_an_extra() -> None:
    project = tomllib.loads((SRC.parent / "pyproject.toml").read_text())["project"]
    assert {module for module, _ in NEEDS.values()} <= project["optional-dependencies"].keys()


def test_each_architecture_has_a_name_for_files_and_a_width() -> None:
    for name, keys in ARCHITECTURES.items():
        assert re.fullmatch("[a-z][a-z0-9_]*", name)
        assert "width" in keys
        assert set(keys) <= set(get_args(Key))


def test_a_scan_that_just_fits_is_allowed() -> None:
    parse_study(changed("dataset = {N: 64, size: 74}"))
    assert "scan_step_test: 10 is too large" in refusal(changed("dataset = {N: 64, size: 73}"))


@pytest.mark.parametrize(
    ("scan", "most"),
    [
        ({"scan_step_train": 8, "scan_step_test": 10}, 3),  # positions stay apart
        ({"scan_step_train": 60, "scan_step_test": 60}, 2),  # patterns overlap
        ({"size": 74, "scan_step_train": 10, "scan_step_test": 10}, 0),  # enough to be scored
        ({"size": 96, "scan_step_train": 16, "scan_step_test": 16}, 4),
    ],
)
def test_the_jitter_that_just_fits_is_allowed(scan: dict[str, int], most: int) -> None:
    for jitter in (most, most + 1):
        config = {**SIMULATED, "dataset": {**SIMULATED["dataset"], **scan, "scan_jitter": jitter}}
        if jitter <= most:
            parse_study(config)
        else:
            assert refusal(config).endswith(f"at most {most} is allowed")


@pytest.mark.parametrize(
    "value", [np.float64(3.0), np.int64(3), np.arange(3), {1, 2}, (1, 2), b"x", 1j, object()]
)
def test_only_what_yaml_knows_is_a_value(value: object) -> None:
    said = refusal({**SIMULATED, "seeds": value})
    assert said.startswith(f"seeds: a {type(value).__name__} is not allowed")


def test_nesting_without_end_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert "nested too deeply" in refusal({**SIMULATED, "sweep": endless})


@pytest.mark.parametrize("key", [1, None, True, "a\nb", ("a", 1)])
def test_a_key_is_a_word(key: object) -> None:
    assert refusal({**SIMULATED, key: 1}).startswith("the config: the key ")


@pytest.mark.parametrize("config", [None, [], "text", 3])
def test_a_config_is_a_section(config: object) -> None:
    assert refusal(config).endswith("a section of keys is wanted")


# --- whatever is given, the answer is a study or one plain line -------------------------------

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, 2**63, -(2**70), "1e-3", "a\nb", "\ud800", "none", "x.npz"])
    | st.floats()
    | st.text(max_size=5)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container of a config with each of its keys."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    config = copy.deepcopy(draw(st.sampled_from([SIMULATED, EXISTING, GIVEN])))
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(list(places(config)) or [([None], 0)]))
        match draw(st.sampled_from(["replace", "remove", "rename", "swap"])):
            case "replace":
                container[key] = draw(values)
            case "remove":
                del container[key]
            case "rename" if isinstance(container, dict):
                container[draw(st.text(max_size=8))] = container.pop(key)
            case "swap":
                other, other_key = draw(st.sampled_from(list(places(config)) or [(container, key)]))
                container[key] = copy.deepcopy(other[other_key])
    return config


def is_study_or_one_plain_line(config: Any) -> None:
    try:
        assert isinstance(parse_study(config), StudyConfig)
    except ConfigError as error:
        line = str(error)
        assert line.isprintable()  # and therefore one line
        own = repr(config)  # a key that hypothesis makes up may be one of these words
        words = ("pydantic", "Input should", "Dataset", "Probe", "Object")
        assert not any(word in line for word in words if word not in own)


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated())
def test_a_mutated_config_is_accepted_or_refused_plainly(config: Any) -> None:
    is_study_or_one_plain_line(config)


@settings(max_examples=EXAMPLES, deadline=None)
@given(values)
def test_anything_is_accepted_or_refused_plainly(config: Any) -> None:
    is_study_or_one_plain_line(config)


# --- the schema -------------------------------------------------------------------------------


def python(*arguments: str) -> str:
    """What a fresh interpreter prints; in this folder it finds the package without installation."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=SRC, check=True, stdout=subprocess.PIPE, text=True).stdout


def test_the_schema_file_is_in_step() -> None:
    """If this fails: python -m ptychopareto.config > workflow/schemas/config.schema.json."""
    made = python("-m", "ptychopareto.config")
    assert SCHEMA.read_text(encoding="utf-8") == made
    assert json.loads(made) == json_schema()


def test_the_page_of_all_keys_is_in_step() -> None:
    """If this fails: python -m ptychopareto.config page > docs/config.md."""
    made = python("-m", "ptychopareto.config", "page")
    assert (SRC.parent / "docs" / "config.md").read_text(encoding="utf-8") == made
    for section in json_schema()["$defs"]:
        assert f"\n## {section}\n" in made


def test_every_key_of_the_schema_is_described() -> None:
    schema = json_schema()
    sections = [schema, *schema["$defs"].values()]
    keys = [key for section in sections for key in section.get("properties", {}).items()]
    assert len(keys) > 40
    assert [name for name, key in keys if not key.get("description")] == []


@pytest.mark.parametrize("config", [SIMULATED, EXISTING, GIVEN, CAPPED])
def test_the_schema_accepts_what_is_a_study(config: dict[str, Any]) -> None:
    jsonschema.validate(config, json_schema())


@pytest.mark.parametrize(
    "change",
    [
        *("training.epoch = 3", "dataset.probe = {}", "seeds = [1, 1]"),
        *("training.learning_rate = 1e-3", "sweep.0.architecture = [unet]", "sweep.0.skips = [1]"),
    ],
)
def test_the_schema_refuses_what_is_none(change: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed(change), json_schema())


def test_the_import_is_light() -> None:
    """`snakemake -n` imports the config: nothing heavy may come with it."""
    code = "import sys, ptychopareto.config; print(*sys.modules)"
    loaded = set(python("-c", code).split())
    assert not {"torch", "numpy", "pandas", "scipy", "matplotlib", "snakemake"} & loaded


def test_a_scan_too_small_to_be_scored_is_refused() -> None:
    scan = {"size": 69, "scan_step_train": 1, "scan_step_test": 5}
    said = refusal({**SIMULATED, "dataset": {**SIMULATED["dataset"], **scan}})
    assert said.startswith("dataset.scan_step_train: 1 lets the patterns span 6 px of an object")
