"""The axes of the grid: one table, from which everything about an axis derives.

A new axis is one line here. If it is a key of networks, it is also named for its architectures in
`config/architectures.py` and taken by `models/<architecture>.py`. If it belongs to training, it is
a key of `Training`. The keys of a block, the fields of a run, the names of runs, the columns of
the table, what is stored with a network, labels and pictures follow from the table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from ptychopareto.config.architectures import ARCHITECTURES, BLOCKS, Architecture, Key

InputTransform = Literal["none", "log1p", "sqrt"]
Head = Literal["real_imag", "amp_phase"]
Supervision = Literal["physics", "teacher", "truth"]
Gauge = Literal["fixed", "free"]
Epochs = Annotated[int, Field(ge=1, le=100_000)]
BatchSize = Annotated[int, Field(ge=1, le=65_536)]
LearningRate = Annotated[float, Field(gt=0, le=1)]

REQUIRED: Any = object()  # stands where a block has to name the values itself
# The keys that not every architecture has.
KEYED = frozenset(
    key for key in get_args(Key) if any(key not in own for own in ARCHITECTURES.values())
)


@dataclass(frozen=True)
class GridAxis:
    """An axis of the grid.

    Attributes
    ----------
    name : str
        Its key in a block of `sweep:`, and its column in the table of runs.
    owner : {"network", "training", "supervision"}
        What a value of it sets: the network, its training, or what it learns from.
    value : object
        The type of one value, as pydantic takes it.
    column : str
        The pandas type of its column.
    tag : callable
        The word for a value in names of runs; only a-z, 0-9 and _.
    description : str
        What its key holds.
    default : object
        The value where a block does not name it, unless `decided_by` says who knows it.
    decided_by : {"training", "architecture"} or None
        Who knows the default: the section `training:` or the architecture.
    silent : object
        The value that leaves no trace in names. Where it is None, a run that has the default has
        None, and its name has no word for it.
    missing : object
        What stands for a value that is missing, where values are compared; 0 is compared with
        nothing.
    late : bool
        Whether its column stands at the end of the table.
    seldom : bool
        Whether it is spoken of only where it differs between runs.
    """

    name: str
    owner: Literal["network", "training", "supervision"]
    value: Any
    column: str
    tag: Callable[[Any], str]
    description: str
    default: Any = REQUIRED
    decided_by: Literal["training", "architecture"] | None = None
    silent: Any = None
    missing: Any = None
    late: bool = False
    seldom: bool = False

    @property
    def keyed(self) -> bool:
        """Whether the axis is a key that not every architecture has."""
        return self.name in KEYED

    @property
    def optional(self) -> bool:
        """Whether leaving the key out differs from naming its default; a run may have None."""
        return self.keyed or self.decided_by is not None or type(None) in get_args(self.value)

    @property
    def in_default(self) -> bool:
        """Whether a run that has the default has None in its place."""
        return self.decided_by is not None and self.silent is None

    @property
    def needed(self) -> bool:
        """Whether a network with this key needs a value; for some keys None is a value."""
        return not (self.in_default or type(None) in get_args(self.value))

    @property
    def order(self) -> tuple[str, ...]:
        """The order of values that are words; () for numbers."""
        return get_args(self.value) if self.column == "string" else ()

    @property
    def run_default(self) -> Any:
        """The value of a run that names none."""
        return None if self.keyed else self.silent

    def word(self, value: Any) -> str:
        """Return the word for a value in names of runs; "" for a value that leaves no trace."""
        return "" if value is None or value == self.silent else self.tag(value)

    def default_of(self, architecture: str, training: Any) -> Any:
        """Return the value of a run whose block does not name the axis.

        Parameters
        ----------
        architecture : str
            The architecture of the run.
        training : object
            The section `training:` of the study; it is not needed unless training decides.

        Returns
        -------
        object
            A value of the axis; None where the architecture does not have it.
        """
        if self.decided_by == "training":
            return getattr(training, self.name)
        if self.decided_by == "architecture":
            return BLOCKS.get(architecture)
        return self.default


def _number(value: float) -> str:
    """Write a number in letters and digits: 0.0005 is 0p0005, 1e-05 is 1em05."""
    text = repr(float(value)).removesuffix(".0")
    return text.replace(".", "p").replace("-", "m").replace("+", "")


_TABLE = (
    GridAxis(
        "architecture", "network", Architecture, "string", str, description="list of architectures"
    ),
    GridAxis(
        *("input_transform", "network", InputTransform, "string", "t{}".format),
        description="list of transforms of the measured amplitude",
    ),
    GridAxis(
        *("modes", "network", Annotated[int, Field(ge=2, le=512)], "Int64", "m{:.0f}".format),
        description="list of numbers of kept frequencies per axis and side, zero counted, at most "
        "N/2",
        default=None,
        missing=0,
    ),
    GridAxis(
        *("width", "network", Annotated[int, Field(ge=1, le=1024)], "int64", "w{:.0f}".format),
        description="list of numbers of channels",
    ),
    GridAxis(
        "max_channels",
        "network",
        Annotated[int, Field(ge=1, le=65_536)] | None,
        "Int64",
        "c{:.0f}".format,
        description="list of caps on the number of channels, which doubles at each coarser level; "
        "null, the default, is no cap",
        default=None,
        missing=float("inf"),
        late=True,
        seldom=True,
    ),
    GridAxis(
        *("skips", "network", bool, "boolean", lambda value: "noskips"),
        description="list of true and false: whether the decoder sees what each level of the "
        "encoder made; true is the default",
        default=True,
        silent=True,
        missing=True,
        late=True,
        seldom=True,
    ),
    GridAxis(
        *("head", "network", Head, "string", str),
        description="list of what the last layer gives: real and imaginary part (real_imag), or "
        "amplitude and phase, both bounded (amp_phase)",
        default="real_imag",
        silent="real_imag",
        late=True,
        seldom=True,
    ),
    GridAxis(
        *("gauge", "training", Gauge, "string", str),
        description="list of ways in which object losses (teacher, truth) compare patches: as they "
        "are (fixed) or after their best global phase (free); training.gauge is the default",
        decided_by="training",
        silent="free",
        missing="free",
        late=True,
    ),
    GridAxis(
        "physics_weight",
        "supervision",
        Annotated[int, Field(ge=0, le=1_000_000)],
        "Int64",
        "p{:.0f}".format,
        description="list of weights with which the loss of the patterns is added to an object "
        "loss (teacher, truth)",
        default=0,
        silent=0,
        late=True,
    ),
    GridAxis(
        *("blocks", "network", Annotated[int, Field(ge=1, le=64)], "Int64", "b{:.0f}".format),
        description="list of depths: Fourier layers of fno, fno_vanilla and ffno (4 is the "
        "default), spectral blocks on each level of hybrid's encoder (1), residual blocks of "
        "hybrid_resnet (6)",
        decided_by="architecture",
        missing=0,
        late=True,
        seldom=True,
    ),
    GridAxis(
        *("learning_rate", "training", LearningRate, "float64", lambda rate: f"lr{_number(rate)}"),
        description="list of peak learning rates of Adam; training.learning_rate is the default",
        decided_by="training",
        missing=0,
        late=True,
        seldom=True,
    ),
    GridAxis(
        *("batch_size", "training", BatchSize, "Int64", "bs{:.0f}".format),
        description="list of batch sizes, the numbers of patterns in a step; training.batch_size "
        "is the default",
        decided_by="training",
        missing=0,
        late=True,
        seldom=True,
    ),
    GridAxis(
        *("epochs", "training", Epochs, "Int64", "e{:.0f}".format),
        description="list of numbers of sweeps over the training patterns; training.epochs is the "
        "default",
        decided_by="training",
        missing=0,
        late=True,
        seldom=True,
    ),
    GridAxis(
        "train_patterns",
        "supervision",
        Annotated[int, Field(ge=2, le=100_000_000)] | None,
        "Int64",
        "n{:.0f}".format,
        description="list of numbers of training patterns, those around the centre of the training "
        "scan; null, the default, is all of them",
        default=None,
        missing=float("inf"),
        late=True,
        seldom=True,
    ),
    GridAxis(
        *("supervision", "supervision", Supervision, "string", str),
        description="list of what the networks learn from: the patterns (physics), the classical "
        "reconstruction (teacher, the default), or the simulated object (truth)",
        default="teacher",
    ),
)
AXES: dict[str, GridAxis] = {axis.name: axis for axis in _TABLE}
"""The axes in grid order; names of runs have their words in the same order."""
