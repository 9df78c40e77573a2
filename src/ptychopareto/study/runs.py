"""From the grid of a study to its runs, each with a readable and stable name."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from ptychopareto.config import (
    ARCHITECTURES,
    Architecture,
    ConfigError,
    Gauge,
    Head,
    InputTransform,
    StudyConfig,
    Supervision,
    SweepBlock,
)

# Each run is two jobs. Beyond this Snakemake plans for minutes what trains for months.
MOST_RUNS = 10_000


# The keys of a block, in grid order.
AXES = (
    "architecture",
    "input_transform",
    "modes",
    "width",
    "max_channels",
    "skips",
    "head",
    "gauge",
    "physics_weight",
    "supervision",
)
# The keys that not every architecture has, and their values where a block does not name them.
UNNAMED: dict[str, tuple[Any, ...]] = {"modes": (None,), "max_channels": (None,), "skips": (True,)}


@dataclass(frozen=True)
class Run:
    """One network to train: a point of the grid and a seed.

    `modes`, `max_channels` and `skips` are None where the architecture has no such key;
    `max_channels` also where there is no cap. `gauge` is None for supervision by physics.
    """

    architecture: Architecture
    input_transform: InputTransform
    modes: int | None
    width: int
    supervision: Supervision
    seed: int
    max_channels: int | None = None
    skips: bool | None = None
    head: Head = "real_imag"
    gauge: Gauge | None = "free"
    physics_weight: int = 0

    def __post_init__(self) -> None:
        if self.supervision == "physics":
            object.__setattr__(self, "gauge", None)  # patterns do not know of it

    @property
    def configuration(self) -> str:
        """The name shared by the runs that differ in nothing but the seed.

        A default leaves no trace in it: a key that is new to the grid renames no run.
        """
        words = (
            self.architecture,
            f"t{self.input_transform}",
            "" if self.modes is None else f"m{self.modes}",
            f"w{self.width}",
            "" if self.max_channels is None else f"c{self.max_channels}",
            "noskips" if self.skips is False else "",
            "" if self.head == "real_imag" else self.head,
            "fixed" if self.gauge == "fixed" else "",
            f"p{self.physics_weight}" if self.physics_weight else "",
            self.supervision,
        )
        return "_".join(filter(None, words))

    @property
    def id(self) -> str:
        """The name of the run and of its folder, such as ``fno_tsqrt_m12_w32_teacher_s0``."""
        return f"{self.configuration}_s{self.seed}"

    @property
    def block(self) -> dict[str, list[Any]]:
        """The block of a grid that holds nothing but this run's configuration."""
        return {
            axis: [getattr(self, axis)]
            for axis in AXES
            if axis not in UNNAMED or axis in ARCHITECTURES[self.architecture]
            if getattr(self, axis) is not None or axis != "gauge"
        }


def expand(study: StudyConfig) -> dict[str, Run]:
    """List the runs of a study by their id, in grid order.

    The order is that of the blocks, inside a block that of `AXES`, the seeds innermost.

    Raises:
        ConfigError: two blocks hold the same run, or all together more than `MOST_RUNS`.
    """
    count = sum(math.prod(map(len, _axes(block, study))) for block in study.sweep)
    if count > MOST_RUNS:
        raise ConfigError(f"sweep: {count} runs are too many; at most {MOST_RUNS} are allowed")
    runs: dict[str, Run] = {}
    block_of: dict[str, int] = {}
    for number, block in enumerate(study.sweep):
        for run in _runs(block, study):
            if run.id in runs:
                raise ConfigError(
                    f"sweep[{number}]: the run {run.id} stands already in "
                    f"sweep[{block_of[run.id]}]; each run is allowed once"
                )
            runs[run.id] = run
            block_of[run.id] = number
    return runs


def _runs(block: SweepBlock, study: StudyConfig) -> Iterator[Run]:
    for *values, seed in product(*_axes(block, study)):
        settings = dict(zip(AXES, values, strict=True))
        for axis in UNNAMED.keys() - set(ARCHITECTURES[settings["architecture"]]):
            settings[axis] = None
        yield Run(**settings, seed=seed)


def _axes(block: SweepBlock, study: StudyConfig) -> tuple[tuple[Any, ...], ...]:
    unnamed = {**UNNAMED, "gauge": (study.training.gauge,)}
    return (*(getattr(block, axis) or unnamed[axis] for axis in AXES), study.seeds)
