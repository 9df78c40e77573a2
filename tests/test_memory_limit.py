"""The memory that a process may take, from files as Linux has them and from Slurm's variables."""

import os
from pathlib import Path

import pytest

from ptychopareto.files.memory_limit import memory_limit
from ptychopareto.files.npz import largest_content

PHYSICAL = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
GROUP = "system.slice/slurmstepd.scope/job_7/step_0"
UNLIMITED = "9223372036854771712"  # of version 1: the largest whole number of pages


def limit(folder: Path, own: str, limits: dict[str, str], **environment: str) -> int:
    """The limit where `own` is /proc/self/cgroup and `limits` are files below /sys/fs/cgroup."""
    for name, text in limits.items():
        file = folder / "cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    (folder / "self").write_text(own)
    return memory_limit(folder / "cgroup", folder / "self", environment)


def test_without_limits_it_is_the_physical_memory(tmp_path: Path) -> None:
    assert memory_limit(tmp_path / "none", tmp_path / "none", {}) == PHYSICAL
    assert limit(tmp_path, f"0::/{GROUP}\n", {f"{GROUP}/memory.max": "max"}) == PHYSICAL


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ({f"{GROUP}/memory.max": "5000"}, 5000),
        ({f"{GROUP}/memory.max": "max", "system.slice/slurmstepd.scope/memory.max": "6000"}, 6000),
        ({f"{GROUP}/memory.max": "5000", "system.slice/memory.max": "4000"}, 4000),
        ({"memory.max": "3000"}, 3000),  # a container, which does not see its group on the host
        ({f"unified/{GROUP}/memory.max": "2000"}, 2000),
        ({"other.slice/memory.max": "10"}, PHYSICAL),
        ({"memory.max": str(10 * PHYSICAL)}, PHYSICAL),
    ],
)
def test_version_2_counts_the_own_group_and_all_around_it(
    tmp_path: Path, limits: dict[str, str], wanted: int
) -> None:
    assert limit(tmp_path, f"0::/{GROUP}\n", limits) == wanted


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ({"memory/docker/0123/memory.limit_in_bytes": "7000"}, 7000),
        ({"memory/docker/0123/memory.limit_in_bytes": UNLIMITED}, PHYSICAL),
        (
            {
                "memory/docker/0123/memory.limit_in_bytes": UNLIMITED,
                "memory/docker/memory.limit_in_bytes": "8000",
            },
            8000,
        ),
        ({"memory/memory.limit_in_bytes": "9000"}, 9000),
        ({"cpu/docker/0123/memory.limit_in_bytes": "10"}, PHYSICAL),
    ],
)
def test_version_1_too(tmp_path: Path, limits: dict[str, str], wanted: int) -> None:
    own = "9:name=systemd:/\n4:memory:/docker/0123\n1:cpu,cpuacct:/docker/0123\n0::/\n"
    assert limit(tmp_path, own, limits) == wanted


def test_both_versions_at_once(tmp_path: Path) -> None:
    limits = {"memory/a/memory.limit_in_bytes": "7000", "unified/b/memory.max": "6000"}
    assert limit(tmp_path, "4:memory:/a\n0::/b\n", limits) == 6000


@pytest.mark.parametrize(
    ("variables", "mebibytes"),
    [
        ({"MEM_PER_NODE": "64"}, 64),
        ({"MEM_PER_CPU": "16", "CPUS_ON_NODE": "3"}, 48),
        ({"MEM_PER_NODE": "0"}, None),  # all that the node has
        ({"MEM_PER_CPU": "16"}, None),
        ({"MEM_PER_NODE": "much"}, None),
    ],
)
def test_what_slurm_grants(
    tmp_path: Path, variables: dict[str, str], mebibytes: int | None
) -> None:
    granted = {f"SLURM_{name}": value for name, value in variables.items()}
    wanted = PHYSICAL if mebibytes is None else mebibytes * 2**20
    assert limit(tmp_path, "", {}, **granted) == wanted


def test_the_least_of_all_counts(tmp_path: Path) -> None:
    limits = {"memory.max": str(100 * 2**20)}
    assert limit(tmp_path, "0::/\n", limits, SLURM_MEM_PER_NODE="64") == 64 * 2**20
    assert limit(tmp_path, "0::/\n", limits, SLURM_MEM_PER_NODE="128") == 100 * 2**20


def test_readers_take_half_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "64")
    assert largest_content() <= 32 * 2**20
