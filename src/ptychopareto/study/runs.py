"""From the grid of a study to its runs, each with a readable and stable name."""

import math
from collections.abc import Iterator
from dataclasses import asdict, field, make_dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, cast

from ptychopareto.config import (
    ARCHITECTURES,
    AXES,
    ConfigError,
    GridAxis,
    StudyConfig,
    Supervision,
    SweepBlock,
    Training,
)

# Each run is two jobs: with more of them Snakemake would plan for minutes, and train for months.
MOST_RUNS = 10_000


def _fields() -> list[Any]:
    """Return the fields of a run; those that came later stand behind the seed."""
    early = [(axis.name, Any) for axis in AXES.values() if not axis.late]
    late = [
        (axis.name, Any, field(default=axis.run_default)) for axis in AXES.values() if axis.late
    ]
    return [*early, ("seed", int), *late]


def _without_gauge(run: Any) -> None:
    if run.supervision == "physics":
        object.__setattr__(run, "gauge", None)  # patterns do not know of it


if TYPE_CHECKING:

    class _Settings:
        supervision: Supervision
        seed: int
        architecture: str

        def __init__(self, *values: Any, **settings: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...

else:
    _Settings = make_dataclass(
        "_Settings", _fields(), frozen=True, namespace={"__post_init__": _without_gauge}
    )


class Run(_Settings):
    """One network to train: a point of the grid and a seed. It has a field for each axis.

    A key that the architecture does not have is None; so is `max_channels` where there is no cap.
    `gauge` is None for supervision by physics. Settings that training or the architecture decide,
    such as `epochs` and `blocks`, are None where the run has their default.
    """

    @property
    def configuration(self) -> str:
        """The name shared by the runs that differ in nothing but the seed.

        A default leaves no trace in it: a key that is new to the grid renames no run.
        """
        words = (axis.word(getattr(self, name)) for name, axis in AXES.items())
        return "_".join(filter(None, words))

    @property
    def id(self) -> str:
        """The name of the run and of its folder, such as ``fno_tsqrt_m12_w32_teacher_s0``."""
        return f"{self.configuration}_s{self.seed}"

    @property
    def block(self) -> dict[str, list[Any]]:
        """The block of a grid that holds nothing but this run's configuration."""
        return {
            name: [getattr(self, name)]
            for name, axis in AXES.items()
            if not axis.keyed or name in ARCHITECTURES[self.architecture]
            if getattr(self, name) is not None or axis.decided_by is None
        }

    def settings(self, training: Training) -> dict[str, Any]:
        """Return the seed and the value of each axis, with the defaults that the run does not name.

        Parameters
        ----------
        training : Training
            The section `training:` of the study.
        """
        settings = asdict(cast(Any, self))
        for name, axis in AXES.items():
            if axis.in_default and settings[name] is None:
                settings[name] = axis.default_of(self.architecture, training)
        return settings

    def training(self, training: Training) -> Training:
        """Return the settings with which the run is trained.

        Parameters
        ----------
        training : Training
            The section `training:` of the study.
        """
        own = {
            name: getattr(self, name)
            for name, axis in AXES.items()
            if axis.owner == "training" and getattr(self, name) is not None
        }
        return training.model_copy(update=own) if own else training


def expand(study: StudyConfig) -> dict[str, Run]:
    """List the runs of a study by their id, in grid order.

    The order is that of the blocks, inside a block that of `AXES`, the seeds innermost.

    Raises
    ------
    ConfigError
        Two blocks hold the same run, or all together more than `MOST_RUNS`.
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
        for name, axis in AXES.items():
            architecture = settings["architecture"]
            if (axis.keyed and name not in ARCHITECTURES[architecture]) or (
                axis.in_default and settings[name] == axis.default_of(architecture, study.training)
            ):
                settings[name] = None
        yield Run(**settings, seed=seed)


def _axes(block: SweepBlock, study: StudyConfig) -> tuple[tuple[Any, ...], ...]:
    return (
        *(getattr(block, axis.name) or (_unnamed(axis, study),) for axis in AXES.values()),
        study.seeds,
    )


def _unnamed(axis: GridAxis, study: StudyConfig) -> Any:
    return None if axis.in_default else axis.default_of("", study.training)
