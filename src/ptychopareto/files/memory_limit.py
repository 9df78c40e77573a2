"""How much memory this process may take: the machine's, or less in a container or a Slurm job."""

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

_MIB = 2**20
_CGROUPS, _OWN_CGROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def memory_limit(
    cgroups: Path = _CGROUPS,
    own: Path = _OWN_CGROUP,
    environment: Mapping[str, str] = os.environ,
) -> int:
    """Return how much memory this process may take together with those beside it.

    Parameters
    ----------
    cgroups : Path, optional
        Where the control groups of Linux are mounted, of version 1, 2 or both.
    own : Path, optional
        The file that names the control groups of this process.
    environment : dict of str, optional
        The environment, in which Slurm says how much memory a job has on its node.

    Returns
    -------
    int
        The least of the physical memory, the limits of the own control group and of the groups
        around it, and what Slurm granted [bytes]. A limit that cannot be read is none.

    Notes
    -----
    The files are those of the kernel's documentation: `memory.max` in
    Documentation/admin-guide/cgroup-v2.rst, `memory.limit_in_bytes` in
    Documentation/admin-guide/cgroup-v1/memory.rst. Inside a container `own` may name a folder of
    the host, which is not there; the container's limit then stands at the mount itself.
    """
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([physical, *_of_control_groups(cgroups, own), *_of_slurm(environment)])


def _of_control_groups(cgroups: Path, own: Path) -> Iterator[int]:
    """Yield the limits of the own control groups and of all that they lie in."""
    for line in _text(own).splitlines():
        _, controllers, path = line.split(":", 2)
        group = PurePosixPath(path)
        folders = [part.as_posix().lstrip("/") for part in (group, *group.parents)]
        if controllers == "":  # version 2; `unified` is where it lies beside version 1
            files = [
                cgroups / root / folder / "memory.max"
                for root in ("", "unified")
                for folder in folders
            ]
        elif "memory" in controllers.split(","):
            files = [cgroups / "memory" / folder / "memory.limit_in_bytes" for folder in folders]
        else:
            continue
        for file in dict.fromkeys(files):
            limit = _text(file).strip()
            if limit.isdecimal():  # `max`: there is none
                yield int(limit)


def _of_slurm(environment: Mapping[str, str]) -> Iterator[int]:
    """Yield what Slurm granted; 0 is all that the node has."""
    if "SLURM_MEM_PER_NODE" in environment:
        granted = [environment["SLURM_MEM_PER_NODE"]]
    else:
        names = ("SLURM_MEM_PER_CPU", "SLURM_CPUS_ON_NODE")
        granted = [environment.get(name, "") for name in names]
    if all(number.isdecimal() for number in granted):
        mebibytes = math.prod(map(int, granted))
        yield from [mebibytes * _MIB] if mebibytes else []


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # another system, another version, or not for this user
        return ""
