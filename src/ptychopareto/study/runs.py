"""From the grid of a study to its runs, each with a readable and stable name."""

import math
from dataclasses import dataclass
from itertools import product
from typing import Any

from ptychopareto.config import (
    Architecture,
    ConfigError,
    InputTransform,
    StudyConfig,
    Supervision,
    SweepBlock,
)

# Each run is two jobs. Beyond this Snakemake plans for minutes what trains for months.
MOST_RUNS = 10_000


@dataclass(frozen=True)
class Run:
    """One network to train: a point of the grid and a seed."""

    architecture: Architecture
    input_transform: InputTransform
    modes: int
    width: int
    supervision: Supervision
    seed: int

    @property
    def configuration(self) -> str:
        """The name shared by the runs that differ in nothing but the seed."""
        return (
            f"{self.architecture}_t{self.input_transform}"
            f"_m{self.modes}_w{self.width}_{self.supervision}"
        )

    @property
    def id(self) -> str:
        """The name of the run and of its folder, such as ``fno_tsqrt_m12_w32_teacher_s0``."""
        return f"{self.configuration}_s{self.seed}"


def expand(study: StudyConfig) -> dict[str, Run]:
    """List the runs of a study by their id, in grid order.

    The order is that of the blocks, inside a block that of the axes (architecture,
    input_transform, modes, width, supervision), the seeds innermost.

    Raises:
        ConfigError: two blocks hold the same run, or all together more than `MOST_RUNS`.
    """
    count = sum(math.prod(map(len, _axes(block, study.seeds))) for block in study.sweep)
    if count > MOST_RUNS:
        raise ConfigError(f"sweep: {count} runs are too many; at most {MOST_RUNS} are allowed")
    runs: dict[str, Run] = {}
    block_of: dict[str, int] = {}
    for number, block in enumerate(study.sweep):
        for run in (Run(*values) for values in product(*_axes(block, study.seeds))):
            if run.id in runs:
                raise ConfigError(
                    f"sweep[{number}]: the run {run.id} stands already in "
                    f"sweep[{block_of[run.id]}]; each run is allowed once"
                )
            runs[run.id] = run
            block_of[run.id] = number
    return runs


def _axes(block: SweepBlock, seeds: tuple[int, ...]) -> tuple[tuple[Any, ...], ...]:
    return (
        block.architecture,
        block.input_transform,
        block.modes,
        block.width,
        block.supervision,
        seeds,
    )
