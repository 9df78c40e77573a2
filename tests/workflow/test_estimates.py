"""What jobs ask a cluster for: enough, and more where more is needed."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

import estimates
import network_costs
from ptychopareto.config import StudyConfig, parse_study
from ptychopareto.study.runs import Run, expand

AXES = {
    "architecture": ["fno"],
    "input_transform": ["none"],
    "modes": [12],
    "width": [16],
    "supervision": ["teacher"],
}

# Trains a network for two steps of 16 patterns, validates on 256, and prints its peak memory [MiB].
# The kernel's VmHWM, as ru_maxrss begins with that of the process which started this one.
TRAIN = """
import sys, torch
from pathlib import Path
from ptychopareto.models.registry import NetworkConfig, build
def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
torch.set_num_threads(1)
before = peak()
network = build(NetworkConfig(sys.argv[1], "none", int(sys.argv[2]), int(sys.argv[3]), 64))
optimizer = torch.optim.AdamW(network.parameters(), fused=True)
for _ in range(2):
    optimizer.zero_grad()
    network(torch.rand(16, 1, 64, 64)).abs().mean().backward()
    optimizer.step()
with torch.inference_mode():
    network(torch.rand(256, 1, 64, 64))
print(peak() - before)
"""


def study(**sections: Any) -> tuple[Run, StudyConfig]:
    """The first run of a study, and the study."""
    axes = {axis: sections.pop(axis, values) for axis, values in AXES.items()}
    config = parse_study({"sweep": [axes], **sections})
    return next(iter(expand(config).values())), config


@pytest.mark.parametrize(
    ("architecture", "modes", "width"),
    [
        ("fno", 12, 8),
        pytest.param("fno", 12, 16, marks=pytest.mark.long),
        pytest.param("hybrid", 12, 16, marks=pytest.mark.long),
        pytest.param("hybrid", 24, 16, marks=pytest.mark.long),
    ],
)
def test_memory_is_enough(architecture: str, modes: int, width: int) -> None:
    command = [sys.executable, "-c", TRAIN, architecture, str(modes), str(width)]
    used = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    run, config = study(
        architecture=[architecture], modes=[modes], width=[width], training={"batch_size": 16}
    )
    estimate = estimates.training(run, config).mem_mb - estimates.PROGRAM_MB
    assert used < estimate < 8 * used + 500


@pytest.mark.parametrize(
    "larger",
    [
        {"width": [64]},
        {"modes": [24], "width": [48]},
        {"training": {"batch_size": 64}},
        {"dataset": {"scan_step_train": 2}},
        {"dataset": {"N": 128}},
    ],
)
def test_memory_grows_with_the_configuration(larger: dict[str, Any]) -> None:
    small, large = (estimates.training(*study(**sections)) for sections in ({}, larger))
    assert large.mem_mb > small.mem_mb
    assert large.gpu_mem_mb > small.gpu_mem_mb


def test_patterns_of_a_large_scan_stay_in_their_file() -> None:
    """Jobs that make the scan hold it; those that use it take what the largest held scan takes."""
    whole, large, larger = (
        study(dataset={"size": 1024, "N": 128, "scan_step_train": step})[1] for step in (32, 4, 2)
    )
    assert 4 * network_costs.pixels(whole, "train") < estimates.LARGE
    for job in (
        lambda config: estimates.training(study()[0], config),
        lambda config: estimates.rpie(config, "train", 10),
    ):
        assert job(whole).mem_mb < job(large).mem_mb == job(larger).mem_mb
    assert estimates.simulation(large).mem_mb < estimates.simulation(larger).mem_mb
    assert estimates.rpie(large, "train", 1, held=True) == replace(
        estimates.rpie(large, "train", 1), mem_mb=estimates.simulation(large).mem_mb
    )


def test_constants_are_those_of_the_trainer() -> None:
    from ptychopareto.learning import trainer

    names = ("VALIDATION_SIDE", "VALIDATION_STEPS")
    assert all(getattr(network_costs, name) == getattr(trainer, name) for name in names)
    assert trainer.VALIDATION_BATCH == network_costs.VALIDATION_PATTERNS


def test_network_without_modes_has_an_estimate() -> None:
    run, config = study(width=[32])
    without, most = replace(run, modes=None), replace(run, modes=16)
    small, large = (estimates.training(one, config) for one in (without, most))
    assert estimates.PROGRAM_MB < small.mem_mb < large.mem_mb
    assert small.runtime == large.runtime


@pytest.mark.parametrize("larger", [{"width": [64]}, {"training": {"epochs": 100}}])
def test_time_grows_with_the_configuration(larger: dict[str, Any]) -> None:
    for device in ("auto", "cpu"):
        small, large = (
            estimates.training(*study(device=device, **sections)) for sections in ({}, larger)
        )
        assert large.runtime > small.runtime


def test_cpu_study_asks_for_no_gpu_and_more_time() -> None:
    on_cpu, on_gpu = (estimates.training(*study(device=device)) for device in ("cpu", "auto"))
    assert (on_cpu.gpu_mem_mb, on_cpu.mem_mb) == (0, on_gpu.mem_mb)
    assert on_cpu.runtime > on_gpu.runtime


def test_timing_takes_longer_for_more_networks_and_hardly_for_more_seeds() -> None:
    run, config = study()
    seeds = [replace(run, seed=seed) for seed in range(300)]
    widths = [replace(run, width=width) for width in range(1, 301)]
    one, same, others = (estimates.timing(runs, config) for runs in ([run], seeds, widths))
    assert one.runtime < same.runtime < others.runtime
    assert one.mem_mb == same.mem_mb


def test_a_finer_scan_in_a_scenario_asks_for_more() -> None:
    (run, few), (_, many) = (
        study(scenarios=[{"name": "dim", "photons": 10}, {"name": "grid", "scan_step": step}])
        for step in (20, 2)
    )
    assert estimates.scenario(many).mem_mb > estimates.scenario(few).mem_mb
    assert estimates.scenario(many).gpu_mem_mb == 0
    assert estimates.robustness([run], many).mem_mb > estimates.robustness([run], few).mem_mb
    one, hundred = (estimates.robustness([run] * count, few) for count in (1, 100))
    assert hundred.runtime > one.runtime


def test_each_attempt_asks_for_more() -> None:
    run, config = study()
    demands = estimates.demands(lambda wildcards: estimates.training(run, config))
    first, second = ({name: ask(None, n) for name, ask in demands.items()} for n in (1, 2))
    assert first.keys() == {"mem_mb", "gpu_mem_mb", "runtime"}
    assert all(second[name] == 2 * first[name] for name in first)
    assert first["mem_mb"] != first["gpu_mem_mb"]


def test_only_short_trainings_share_a_job() -> None:
    assert estimates.is_short(*study(training={"epochs": 1}))
    assert not estimates.is_short(*study(training={"epochs": 100}))
