"""A study: the scan, the grid of networks, their training, the axes of the front."""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, Tag, create_model, model_validator

from ptychopareto.config.architectures import (
    ARCHITECTURES,
    SMALLEST_PATTERN,
    Key,
    missing_package,
)
from ptychopareto.config.axes import (
    AXES,
    REQUIRED,
    BatchSize,
    Epochs,
    Gauge,
    GridAxis,
    LearningRate,
)
from ptychopareto.config.columns import (
    MEASURES,
    PARETO_COSTS,
    PARETO_QUALITIES,
    SEARCH_COSTS,
)
from ptychopareto.config.dataset import (
    ExistingDataset,
    NpzObject,
    Object,
    SimulatedDataset,
    check_step,
)
from ptychopareto.config.measured import MeasuredDataset
from ptychopareto.config.scenarios import Scenarios
from ptychopareto.config.sections import Axis, ConfigError, Section, Seed, refusal
from ptychopareto.config.words import dotted

if TYPE_CHECKING:
    Cost = str
    Quality = str
else:
    Cost = Literal[PARETO_COSTS]
    Quality = Literal[PARETO_QUALITIES]


def _kind_of_dataset(given: Any) -> str:
    kinds = {"existing": ExistingDataset, "measured": MeasuredDataset}
    named = {"train_npz": "existing", "test_npz": "existing", "scan": "measured"}
    if isinstance(given, dict):
        return next((kind for key, kind in named.items() if key in given), "simulated")
    return next((name for name, kind in kinds.items() if isinstance(given, kind)), "simulated")


AnyDataset = Annotated[
    Annotated[SimulatedDataset, Tag("simulated")]
    | Annotated[ExistingDataset, Tag("existing")]
    | Annotated[MeasuredDataset, Tag("measured")],
    Discriminator(_kind_of_dataset),
]


class Teacher(Section):
    """The classical reconstruction (rPIE) of the training scan that networks learn from."""

    epochs: int = Field(default=60, ge=1, le=100_000, description="number of passes over the scan")
    alpha: float = Field(default=0.1, gt=0, le=1, description="regularisation of rPIE; 1 is ePIE")


def _field(axis: GridAxis) -> tuple[Any, Any]:
    several: Any = Axis
    values = several[axis.value]
    if axis.optional:
        return values | None, Field(default=None, description=axis.description)
    if axis.default is REQUIRED:
        return values, Field(description=axis.description)
    return values, Field(default=(axis.default,), description=axis.description)


if TYPE_CHECKING:

    class _Axes(Section):
        def __getattr__(self, name: str) -> Any: ...

else:
    _Axes = create_model(
        "_Axes", __base__=Section, **{axis.name: _field(axis) for axis in AXES.values()}
    )


class SweepBlock(_Axes):
    """One block of the grid: every combination of its values is a run."""

    @model_validator(mode="after")
    def _keys_are_those_of_its_architectures(self) -> "SweepBlock":
        for index, name in enumerate(self.architecture):
            if reason := missing_package(name):
                raise refusal(reason, "architecture", index)
        for key in get_args(Key):
            if getattr(self, key) is not None:
                self._all_have(key)
        if self.modes is None and any("modes" in ARCHITECTURES[name] for name in self.architecture):
            wanted = AXES["modes"].description
            raise refusal(f"missing; {wanted} is wanted", "modes")
        widest = max(self.width)
        for index, cap in enumerate(self.max_channels or ()):
            if cap is not None and cap < widest:
                reason = f"{cap} is too small; at least the largest width = {widest} is allowed"
                raise refusal(reason, "max_channels", index)
        return self

    @model_validator(mode="after")
    def _physics_has_no_object_loss(self) -> "SweepBlock":
        if "physics" in self.supervision:
            apart = "" if len(self.supervision) == 1 else " (put it into a block of its own)"
            if self.gauge is not None:
                raise refusal(
                    f"physics has no gauge, only teacher and truth have one{apart}", "gauge"
                )
            if self.physics_weight != (0,):
                reason = f"physics is no object loss to add to, only teacher and truth are{apart}"
                raise refusal(reason, "physics_weight")
        return self

    def _all_have(self, key: Key) -> None:
        for name in self.architecture:
            own = ARCHITECTURES[name]
            if key not in own:
                apart = " (put it into a block of its own)" if len(self.architecture) > 1 else ""
                raise refusal(f"{name} has no {key}; its keys are {', '.join(own)}{apart}", key)


class Training(Section):
    """How each network is trained."""

    epochs: Epochs = Field(default=20, description="number of passes over the scan")
    batch_size: BatchSize = Field(default=16, description="patterns in a step")
    learning_rate: LearningRate = Field(default=1e-3, description="peak learning rate of Adam")
    warmup: float = Field(
        default=0.1, ge=0, lt=1, description="part of the steps in which the learning rate rises"
    )
    weight_decay: float = Field(default=0.0, ge=0, le=1, description="decoupled weight decay")
    gradient_clip: float = Field(
        default=1.0, gt=0, le=1e6, description="largest norm of the gradient"
    )
    validation_fraction: float = Field(
        default=0.05,
        gt=0,
        le=0.5,
        description="part of the training scan held out to choose the epoch",
    )
    physics_loss: Literal["amplitude", "poisson"] = Field(
        default="amplitude",
        description="loss of physics supervision: mean |amplitude error|, or the Poisson negative "
        "log-likelihood of the counts",
    )
    gauge: Gauge = Field(
        default="free",
        description="where a block of the grid does not name it: whether object losses compare "
        "patches as they are (fixed) or after their best global phase (free)",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32",
        description="of the convolutions in training; spectral layers, physics and loss are always "
        "in float32. bfloat16 is for processors that have it in hardware",
    )


class Pareto(Section):
    """The axes of a front."""

    cost: Cost = Field(
        default="model_params", description="column on the cost axis, smaller is better"
    )
    quality: Quality = Field(
        default="ssim_phase",
        description="column on the quality axis; larger is better, but smaller for an error (mae) "
        "and an R-factor (r_free, r_work). For a measured scan the default is r_free",
    )


_Pareto = Annotated[
    Annotated[Pareto, Tag("one")]
    | Annotated[tuple[Pareto, ...], Field(strict=False, min_length=1), Tag("several")],
    Discriminator(lambda given: "several" if isinstance(given, list | tuple) else "one"),
]


class Classical(Section):
    """The classical reference: rPIE from a flat start on the scored scan."""

    epochs: Axis[Annotated[int, Field(ge=1, le=100_000)]] = Field(
        default=(1, 2, 5, 10, 20, 50, 100),
        description="list of numbers of passes over the scan after which it is scored",
    )
    alpha: float = Field(default=0.1, gt=0, le=1, description="regularisation of rPIE; 1 is ePIE")


class Refine(Section):
    """rPIE on the scored scan, started from what a network makes of it."""

    epochs: Axis[Annotated[int, Field(ge=0, le=100_000)]] = Field(
        default=(0, 1, 5),
        description="list of numbers of passes after which it is scored; 0 is the network alone",
    )
    alpha: float = Field(default=0.1, gt=0, le=1, description="regularisation of rPIE; 1 is ePIE")


class Search(Section):
    """Successive halving: who is visibly beaten after a few epochs is not trained to the end."""

    rungs: Axis[Epochs] = Field(
        description="list of rising numbers of epochs after which configurations are compared"
    )
    keep: Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...], Field(strict=False)] = Field(
        description="list of the part of all configurations that goes on at each rung, not rising"
    )
    first_seeds: int = Field(
        default=1,
        ge=1,
        description="how many of the seeds are tried first; the others are only for configurations "
        "that go on at the last rung",
    )

    @model_validator(mode="after")
    def _rungs_are_a_ladder(self) -> "Search":
        for index, (lower, rung) in enumerate(pairwise(self.rungs), start=1):
            if rung <= lower:
                raise refusal(f"{rung} is too small; more than {lower} is wanted", "rungs", index)
        if len(self.keep) != len(self.rungs):
            wanted = f"one for each of the {len(self.rungs)} rungs is wanted"
            raise refusal(f"{len(self.keep)} values; {wanted}", "keep")
        for index, (before, part) in enumerate(pairwise(self.keep), start=1):
            if part > before:
                raise refusal(f"{part} is too large; at most {before} is allowed", "keep", index)
        return self


class StudyConfig(Section):
    """A study: the scan, the grid of networks, their training, and the axes of the front."""

    dataset: AnyDataset = Field(
        default=SimulatedDataset(),
        description="the scan: to be simulated, in two existing files, or measured",
    )
    teacher: Teacher = Field(default=Teacher(), description="the classical reconstruction")
    sweep: tuple[SweepBlock, ...] = Field(
        strict=False, min_length=1, description="list of blocks of the grid"
    )
    seeds: Axis[Seed] = Field(
        default=(0,), description="list of seeds; each configuration runs with all"
    )
    training: Training = Field(default=Training(), description="the training of each network")
    classical: Classical = Field(default=Classical(), description="the classical reference")
    refine: Refine = Field(default=Refine(), description="rPIE after each network")
    scenarios: Scenarios = Field(
        default=(),
        description="list of changes of the test data; all networks and rPIE are scored on each",
    )
    pareto: _Pareto = Field(
        default=Pareto(),
        description="the axes of the front: cost and quality, or a list of them, a plot for each; "
        "the first one is the main plot and decides what is recommended",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="where networks run; auto: a GPU if there is one"
    )
    # These keys change how a study is run, not its results: no dump and no job's params hold them.
    search: Search | None = Field(
        default=None,
        exclude=True,
        description="successive halving instead of training each configuration to the end with "
        "each seed; null: the full grid",
    )
    checkpoint_minutes: float = Field(
        default=5.0,
        gt=0,
        le=1440,
        exclude=True,
        description="a long epoch of a training is saved this often [min], a short one at its end",
    )
    retry_failed: bool = Field(
        default=False,
        exclude=True,
        description="whether a call trains those runs again that diverged or exhausted the memory",
    )

    @model_validator(mode="after")
    def _parts_agree(self) -> "StudyConfig":
        if isinstance(self.dataset, MeasuredDataset):
            self._needs_no_truth(self.dataset.N)
        if isinstance(self.dataset, SimulatedDataset):
            for at, reason in _misfits(self, self.dataset.N):
                raise refusal(f"{reason} (dataset.N = {self.dataset.N})", *at)
            self._quality_is_defined(self.dataset.object)
            self._scenarios_fit(self.dataset.N, self.dataset.size)
        if self.search is not None:
            self._search_fits(self.search)
        for number, axes in enumerate(self.plots):
            if axes in self.plots[:number]:
                reason = f"{axes.quality} against {axes.cost} stands twice; one plot is enough"
                raise refusal(reason, "pareto", number)
        return self

    def _needs_no_truth(self, n: int | None) -> None:
        for number, block in enumerate(self.sweep):
            if "truth" in block.supervision:
                reason = "'truth' is not known of a measured scan; allowed are physics, teacher"
                raise refusal(reason, "sweep", number, "supervision")
        if self.scenarios:
            raise refusal(
                "a measured scan has no truth that could be measured again after a change; "
                "no scenarios are allowed",
                "scenarios",
            )
        if n is not None:
            for at, reason in _misfits(self, n):
                raise refusal(f"{reason} (dataset.N = {n})", *at)

    def _quality_is_defined(self, obj: Object) -> None:
        if isinstance(obj, NpzObject) or obj.phase != "none":
            return
        for number, axes in enumerate(self.plots):
            if MEASURES[axes.quality].part == "phase":
                allowed = [name for name in PARETO_QUALITIES if MEASURES[name].part != "phase"]
                at = () if isinstance(self.pareto, Pareto) else (number,)
                raise refusal(
                    f"'{axes.quality}' is void for an object of flat phase "
                    f"(dataset.object.phase = none); allowed are {', '.join(allowed)}",
                    *("pareto", *at, "quality"),
                )

    def _search_fits(self, search: Search) -> None:
        if search.first_seeds > len(self.seeds):
            reason = f"{search.first_seeds} are too many; at most all {len(self.seeds)} are allowed"
            raise refusal(reason, "search", "first_seeds")
        cost = self.plots[0].cost
        if cost not in SEARCH_COSTS:
            at = ("pareto", "cost") if isinstance(self.pareto, Pareto) else ("pareto", 0, "cost")
            allowed = ", ".join(SEARCH_COSTS)
            reason = f"{cost!r} is not known during a search; allowed are {allowed}"
            raise refusal(reason, *at)

    def _scenarios_fit(self, n: int, size: int) -> None:
        for number, scenario in enumerate(self.scenarios):
            if scenario.scan_step is not None:
                check_step(scenario.scan_step, n, size, "scenarios", number, "scan_step")

    @property
    def plots(self) -> tuple[Pareto, ...]:
        """The axes of each plot; the first is the main one."""
        plots = (self.pareto,) if isinstance(self.pareto, Pareto) else self.pareto
        if not isinstance(self.dataset, MeasuredDataset):
            return plots
        # There is no truth to be similar to.
        r_free = {"quality": "r_free"}
        return tuple(
            plot if "quality" in plot.model_fields_set else plot.model_copy(update=r_free)
            for plot in plots
        )


def check_pattern_size(study: StudyConfig, n: int) -> None:
    """Check that all networks of a study can take patterns of `n` px.

    This is for existing scans, whose files alone tell the size of their patterns.

    Parameters
    ----------
    study : StudyConfig
    n : int
        Side of the patterns [px].

    Raises
    ------
    ConfigError
        A network keeps more modes than the patterns have, or has more levels than their size
        allows.
    """
    for at, reason in _misfits(study, n):
        raise ConfigError(f"{dotted(at)}: {reason} (the patterns have {n} px)")


def _misfits(study: StudyConfig, n: int) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield what cannot be computed with patterns of `n` px: where it stands, and why not."""
    for number, block in enumerate(study.sweep):
        for index, architecture in enumerate(block.architecture):
            least = SMALLEST_PATTERN.get(architecture, 0)
            if n < least:
                reason = f"{architecture} takes patterns of at least {least} px"
                yield ("sweep", number, "architecture", index), reason
        for index, modes in enumerate(block.modes or ()):
            if modes > n // 2:
                reason = f"{modes} is too large; at most N/2 = {n // 2} is allowed"
                yield ("sweep", number, "modes", index), reason
