"""A study: the scan, the grid of networks, their training, the axes of the front."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from ptychopareto.config.architectures import SMALLEST_PATTERN
from ptychopareto.config.columns import MEASURES, PARETO_COSTS, PARETO_QUALITIES, SEARCH_COSTS
from ptychopareto.config.dataset import (
    ExistingDataset,
    NpzObject,
    Object,
    SimulatedDataset,
    check_step,
)
from ptychopareto.config.measured import MeasuredDataset
from ptychopareto.config.scenarios import AS_TRAINED, AtBest, Scenarios
from ptychopareto.config.search import Search
from ptychopareto.config.sections import Axis, ConfigError, Section, Seed, refusal
from ptychopareto.config.sweep import SweepBlock
from ptychopareto.config.training import Teacher, Training
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
        description="list of numbers of passes over the scan after which it is scored; of a "
        "measured scan LSQML too",
    )
    alpha: float = Field(default=0.1, gt=0, le=1, description="regularisation of rPIE; 1 is ePIE")


class Refine(Section):
    """rPIE on the scored scan, started from what a network makes of it."""

    epochs: Axis[Annotated[int, Field(ge=0, le=100_000)]] = Field(
        default=(0, 1, 5),
        description="list of numbers of passes after which it is scored; 0 is the network alone",
    )
    alpha: float = Field(default=0.1, gt=0, le=1, description="regularisation of rPIE; 1 is ePIE")


class StudyConfig(Section):
    """A study: the scan, the grid of networks, their training, and the axes of the front."""

    dataset: AnyDataset = Field(
        default=SimulatedDataset(),
        description="the scan: measured if the key scan is named, in two existing files if "
        "train_npz is, else to be simulated",
    )
    teacher: Teacher = Field(
        default=Teacher(),
        description="the classical reconstruction of the training scan, for networks that learn "
        "from it",
    )
    sweep: tuple[SweepBlock, ...] = Field(
        strict=False,
        min_length=1,
        description="list of blocks of the grid; all blocks and seeds together give 10,000 runs at "
        "most",
    )
    seeds: Axis[Seed] = Field(
        default=(0,), description="list of seeds; each configuration runs with all"
    )
    training: Training = Field(default=Training(), description="the training of each network")
    classical: Classical = Field(
        default=Classical(), description="the classical reference: rPIE on the scored scan"
    )
    refine: Refine = Field(default=Refine(), description="rPIE after each network")
    scenarios: Scenarios = Field(
        default=(),
        description="list of changes of the test data; all networks and rPIE are scored on each",
    )
    at_best: AtBest | None = Field(
        default=AtBest(),
        description="rPIE at its best in the scenarios, from a flat start and after the networks "
        "of the front; null: only a fixed number of passes",
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
            self._train_patterns_are_there(self.dataset.patterns("train"))
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

    def _train_patterns_are_there(self, there: int) -> None:
        for number, block in enumerate(self.sweep):
            for index, wanted in enumerate(block.train_patterns or ()):
                if wanted is not None and wanted > there:
                    allowed = f"at most {there}, all patterns of the training scan, are allowed"
                    reason = f"{wanted} is too large; {allowed}"
                    raise refusal(reason, "sweep", number, "train_patterns", index)

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

    @property
    def scenarios_at_best(self) -> tuple[str, ...]:
        """The scenarios in which rPIE is scored at its best too; the unchanged scan is one."""
        if self.at_best is None or not self.scenarios:
            return ()
        return (AS_TRAINED, *(scenario.name for scenario in self.scenarios))


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
