"""The definition of a study: every key of the config, its type, unit, default and bounds.

The models below are the only definition; the schema that editors and Snakemake users read is made
from them::

    python -m ptychopareto.config > workflow/schemas/config.schema.json

They are closed and strict: an unknown key is refused, and so is a text where a number belongs.
:func:`parse_study` says what is wrong in one line.
"""

import json
import math
import re
from collections.abc import Hashable, Iterator, Mapping
from difflib import get_close_matches
from itertools import count, pairwise
from pathlib import Path
from reprlib import Repr
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

Architecture = Literal["fno", "hybrid"]
InputTransform = Literal["none", "log1p", "sqrt"]
Supervision = Literal["physics", "teacher", "truth"]
RegisterInput = Literal["auto", "none"]
Cost = Literal[
    "model_params", "model_params_real", "inference_time_s", "peak_memory_mb", "train_time_s"
]
Quality = Literal[
    "ssim_phase", "psnr_phase", "frc50_phase", "ssim_amp", "psnr_amp", "frc50_amp"
]  # larger is better for each: what the front maximises


class ConfigError(ValueError):
    """A study that cannot be run: one line with the key, the value and what is allowed."""


# ---------------------------------------------------------------------------------------------
# Building blocks
# ---------------------------------------------------------------------------------------------


def _refusal(reason: str, *at: str | int) -> PydanticCustomError:
    """Refuse what is being validated, or the part of it that stands at the keys `at`."""
    return PydanticCustomError("refused", "{reason}", {"reason": reason, "at": at})


class _Section(BaseModel):
    """A closed, strict and immutable group of keys."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_default=True
    )

    @model_validator(mode="before")
    @classmethod
    def _names_are_right(cls, given: Any) -> Any:
        """Name the misspelt key first: the key missing in its place is only a consequence."""
        if isinstance(given, dict):
            for name in given:
                if name not in cls.model_fields:
                    raise _refusal(f"unknown key; {_guess(name, list(cls.model_fields))}", name)
            for name, field in cls.model_fields.items():
                if field.is_required() and name not in given:
                    raise _refusal(f"missing; {field.description} is wanted", name)
        return given


def _guess(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"allowed are {', '.join(known)}"


_Value = TypeVar("_Value", bound=Hashable)


def _each_once(values: tuple[_Value, ...]) -> tuple[_Value, ...]:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise _refusal(f"{_shown(value)} stands twice; each value is allowed once", index)
    return values


# YAML knows lists only; as a tuple the value cannot change later. Its elements stay strict.
_Axis = Annotated[
    tuple[_Value, ...],
    Field(strict=False, min_length=1, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_each_once),
]


def _is_npz(path: Path) -> Path:
    if path.suffix != ".npz" or not str(path).isprintable():
        raise _refusal(f"{_shown(str(path))} is not allowed; the path of a .npz file is wanted")
    if not {"{", "}"}.isdisjoint(str(path)):  # Snakemake's wildcards, and it knows no escape
        raise _refusal(f"{_shown(str(path))} is not allowed; a path without braces is wanted")
    return path


_NpzPath = Annotated[
    Path, Field(strict=False, json_schema_extra={"pattern": r"\.npz$"}), AfterValidator(_is_npz)
]
_SMALLEST_SCORED = 7  # the window of SSIM [px]
_Seed = Annotated[int, Field(ge=0, lt=2**32)]


# ---------------------------------------------------------------------------------------------
# Data
# ---------------------------------------------------------------------------------------------


class LinesObject(_Section):
    """Blurred random line segments; the phase follows the amplitude or is flat."""

    kind: Literal["lines"] = Field(default="lines", description="kind of object")
    segments: int = Field(default=400, ge=1, le=100_000, description="number of line segments")
    phase: Literal["coupled", "none"] = Field(
        default="coupled",
        description="coupled: a function of the amplitude; none: flat, and phase measures are void",
    )


class _Probe(_Section):
    """What every kind of probe can be given, applied in this order after it is made."""

    smooth: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="standard deviation of the Gaussian smoothing [px]; 0 = off",
    )
    mask_radius: float | None = Field(
        default=None, gt=0, le=1024, description="radius of the circular mask [px]; null = no mask"
    )
    probe_scale: float = Field(
        default=4.0, gt=0, le=1e6, description="inverse of the mean |P| inside radius N/4"
    )


class ProbeZonePlate(_Probe):
    """A defocused, aberrated beam behind a zone plate, computed from first principles."""

    kind: Literal["zone_plate"] = Field(default="zone_plate", description="kind of probe")
    aperture: float = Field(
        default=0.42, gt=0, le=0.5, description="radius of the aperture [cycles/px]; 0.5 is Nyquist"
    )
    central_stop: float = Field(
        default=0.25,
        ge=0,
        lt=1,
        description="radius of the central stop [fraction of the aperture]",
    )
    beam_radius: float = Field(
        default=0.39, gt=0, le=0.5, description="radius of the beam at the sample [fraction of N]"
    )
    curvature: Literal["up", "down"] = Field(
        default="up", description="sign of the defocus: the phase at the sample curves up or down"
    )
    astigmatism: float = Field(
        default=0.5, ge=-20, le=20, description="astigmatism [rad at the aperture's edge]"
    )
    coma: float = Field(default=0.5, ge=-20, le=20, description="coma [rad at the aperture's edge]")
    spherical: float = Field(
        default=0.5, ge=-20, le=20, description="spherical aberration [rad at the aperture's edge]"
    )


class ProbeDisk(_Probe):
    """An idealised disk of flat phase: single patterns are then ambiguous."""

    kind: Literal["disk"] = Field(default="disk", description="kind of probe")
    radius: float = Field(
        default=0.39, gt=0, le=0.5, description="radius of the disk [fraction of N]"
    )


class ProbeNpz(_Probe):
    """A measured probe, read from the key `probeGuess` of a file."""

    kind: Literal["npz"] = Field(default="npz", description="kind of probe")
    path: _NpzPath = Field(description="file with the key probeGuess, complex (N0, N0)")
    resize: Literal["pad", "interpolate", "pad_extrapolate"] = Field(
        default="pad_extrapolate",
        description="how N0 becomes N: pad with zeros, interpolate, or continue the amplitude's "
        "edge and the quadratic phase",
    )


Probe = Annotated[ProbeZonePlate | ProbeDisk | ProbeNpz, Field(discriminator="kind")]


class SimulatedDataset(_Section):
    """A scan to be simulated: two grid scans, one to train on and a sparser one to score."""

    N: int = Field(
        default=64, ge=16, le=1024, multiple_of=2, description="side of a pattern [px], even"
    )
    size: int = Field(
        default=392, ge=16, le=16_384, description="side of an object [px], at least N"
    )
    scan_step_train: int = Field(
        default=4,
        ge=1,
        le=1024,
        description="step of the training scan [px], at most N and size - N",
    )
    scan_step_test: int = Field(
        default=10,
        ge=1,
        le=1024,
        description="step of the scored scan [px], at most N and size - N",
    )
    images_train: int = Field(default=1, ge=1, le=1000, description="number of objects to train on")
    images_test: int = Field(
        default=1, ge=1, le=1000, description="number of test objects; the first one is scored"
    )
    photons: float = Field(
        default=1e9, ge=1, le=1e18, description="mean number of photons in a training pattern"
    )
    seed: _Seed = Field(default=1, description="seed of the objects and of the photon noise")
    object: LinesObject = Field(default=LinesObject(), description="the object")
    probe: Probe = Field(default=ProbeZonePlate(), description="the illumination")
    register_input: RegisterInput = Field(
        default="auto",
        description="auto: lay the shadow image in the pattern on the object; none: do not",
    )

    @field_validator("size")
    @classmethod
    def _holds_a_pattern(cls, size: int, info: ValidationInfo) -> int:
        n = info.data.get("N", 0)
        if size < n:
            raise _refusal(f"{size} is too small; at least N = {n} is allowed")
        return size

    @field_validator("scan_step_train", "scan_step_test")
    @classmethod
    def _scan_fits(cls, step: int, info: ValidationInfo) -> int:
        """Two positions on each axis at least, and no gap between neighbouring patterns."""
        if {"N", "size"} <= info.data.keys():
            n, size = info.data["N"], info.data["size"]
            if step > min(n, size - n):
                raise _refusal(
                    f"{step} is too large for N = {n} on an object of size = {size}; "
                    f"at most {min(n, size - n)} is allowed (no more than N and than size - N)"
                )
            span = (size - n) // step * step + 1
            if span < _SMALLEST_SCORED:
                raise _refusal(
                    f"{step} lets the patterns span {span} px of an object of size = {size}; at "
                    f"least {_SMALLEST_SCORED} px are needed to be scored"
                )
        return step


class ExistingDataset(_Section):
    """A scan that exists already, in the files that `docs/files.md` describes."""

    train_npz: _NpzPath = Field(description="path of the training scan (.npz)")
    test_npz: _NpzPath = Field(description="path of the scored scan (.npz)")
    register_input: RegisterInput = Field(
        default="auto",
        description="auto: lay the shadow image in the pattern on the object; none: do not",
    )


def _kind_of_dataset(given: Any) -> str:
    files_are_named = isinstance(given, dict) and not given.keys().isdisjoint(
        {"train_npz", "test_npz"}
    )
    return "existing" if files_are_named or isinstance(given, ExistingDataset) else "simulated"


_Dataset = Annotated[
    Annotated[SimulatedDataset, Tag("simulated")] | Annotated[ExistingDataset, Tag("existing")],
    Discriminator(_kind_of_dataset),
]


# ---------------------------------------------------------------------------------------------
# Study
# ---------------------------------------------------------------------------------------------


class Teacher(_Section):
    """The classical reconstruction (rPIE) of the training scan that networks learn from."""

    epochs: int = Field(default=60, ge=1, le=100_000, description="number of passes over the scan")
    alpha: float = Field(default=0.1, gt=0, le=1, description="regularisation of rPIE; 1 is ePIE")


class SweepBlock(_Section):
    """One block of the grid: every combination of its values is a run."""

    architecture: _Axis[Architecture] = Field(description="list of architectures")
    input_transform: _Axis[InputTransform] = Field(
        description="list of transforms of the measured amplitude"
    )
    modes: _Axis[Annotated[int, Field(ge=2, le=512)]] = Field(
        description="list of numbers of kept frequencies per axis, |k| < modes, at most N/2"
    )
    width: _Axis[Annotated[int, Field(ge=1, le=1024)]] = Field(
        description="list of numbers of channels"
    )
    supervision: _Axis[Supervision] = Field(
        description="list of what the networks learn from: the patterns (physics), the classical "
        "reconstruction (teacher), or the simulated object (truth)"
    )


class Training(_Section):
    """How each network is trained."""

    epochs: int = Field(default=20, ge=1, le=100_000, description="number of passes over the scan")
    batch_size: int = Field(default=16, ge=1, le=65_536, description="patterns in a step")
    learning_rate: float = Field(default=1e-3, gt=0, le=1, description="peak learning rate of Adam")
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
    gauge: Literal["fixed", "free"] = Field(
        default="fixed",
        description="whether object losses compare patches as they are (fixed) or after their "
        "best global phase (free)",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32",
        description="of the convolutions in training; spectral layers, physics and loss are always "
        "in float32. bfloat16 is for GPUs and processors that have it in hardware",
    )


class Pareto(_Section):
    """The axes of a front."""

    cost: Cost = Field(
        default="model_params", description="column on the cost axis, smaller is better"
    )
    quality: Quality = Field(default="ssim_phase", description="column on the quality axis")


_Pareto = Annotated[
    Annotated[Pareto, Tag("one")]
    | Annotated[tuple[Pareto, ...], Field(strict=False, min_length=1), Tag("several")],
    Discriminator(lambda given: "several" if isinstance(given, list | tuple) else "one"),
]


class Classical(_Section):
    """The classical reference: rPIE from a flat start on the scored scan."""

    epochs: _Axis[Annotated[int, Field(ge=1, le=100_000)]] = Field(
        default=(1, 2, 5, 10, 20, 50, 100),
        description="list of numbers of passes over the scan after which it is scored",
    )
    alpha: float = Field(default=0.1, gt=0, le=1, description="regularisation of rPIE; 1 is ePIE")


class Refine(_Section):
    """rPIE on the scored scan, started from what a network makes of it."""

    epochs: _Axis[Annotated[int, Field(ge=0, le=100_000)]] = Field(
        default=(0, 1, 5),
        description="list of numbers of passes after which it is scored; 0 is the network alone",
    )
    alpha: float = Field(default=0.1, gt=0, le=1, description="regularisation of rPIE; 1 is ePIE")


class StudyConfig(_Section):
    """A study: the scan, the grid of networks, their training, and the axes of the front."""

    dataset: _Dataset = Field(
        default=SimulatedDataset(), description="the scan: to be simulated, or two existing files"
    )
    teacher: Teacher = Field(default=Teacher(), description="the classical reconstruction")
    sweep: tuple[SweepBlock, ...] = Field(
        strict=False, min_length=1, description="list of blocks of the grid"
    )
    seeds: _Axis[_Seed] = Field(
        default=(0,), description="list of seeds; each configuration runs with all"
    )
    training: Training = Field(default=Training(), description="the training of each network")
    classical: Classical = Field(default=Classical(), description="the classical reference")
    refine: Refine = Field(default=Refine(), description="rPIE after each network")
    pareto: _Pareto = Field(
        default=Pareto(),
        description="the axes of the front: cost and quality, or a list of them, a plot for each; "
        "the first one is the main plot and decides what is recommended",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="where networks run; auto: a GPU if there is one"
    )
    # How a study is run, not what comes out of it: so in no dump of it, and in no job's params.
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
        if isinstance(self.dataset, SimulatedDataset):
            self._modes_fit(self.dataset.N)
            self._quality_is_defined(self.dataset.object)
        for number, axes in enumerate(self.plots):
            if axes in self.plots[:number]:
                reason = f"{axes.quality} against {axes.cost} stands twice; one plot is enough"
                raise _refusal(reason, "pareto", number)
        return self

    def _modes_fit(self, n: int) -> None:
        for number, block in enumerate(self.sweep):
            for index, modes in enumerate(block.modes):
                if modes > n // 2:
                    raise _refusal(
                        f"{modes} is too large; at most N/2 = {n // 2} is allowed "
                        f"(dataset.N = {n})",
                        *("sweep", number, "modes", index),
                    )

    def _quality_is_defined(self, obj: LinesObject) -> None:
        if obj.phase != "none":
            return
        for number, axes in enumerate(self.plots):
            if axes.quality.endswith("_phase"):
                allowed = [name for name in get_args(Quality) if not name.endswith("_phase")]
                at = () if isinstance(self.pareto, Pareto) else (number,)
                raise _refusal(
                    f"'{axes.quality}' is void for an object of flat phase "
                    f"(dataset.object.phase = none); allowed are {', '.join(allowed)}",
                    *("pareto", *at, "quality"),
                )

    @property
    def plots(self) -> tuple[Pareto, ...]:
        """The axes of each plot; the first is the main one."""
        return (self.pareto,) if isinstance(self.pareto, Pareto) else self.pareto


def parse_study(mapping: Mapping[str, Any]) -> StudyConfig:
    """Check a config as YAML or JSON gives it (mappings, lists, numbers, texts) and type it.

    Raises:
        ConfigError: in one line, the first mistake and the number of further ones.
    """
    try:
        return StudyConfig.model_validate(_plain(mapping, (), count(1)))
    except ValidationError as error:
        raise ConfigError(_explain(error)) from None


def json_schema() -> dict[str, Any]:
    """The JSON schema of a study. What concerns several keys at once only `parse_study` checks."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **StudyConfig.model_json_schema(),
    }


# ---------------------------------------------------------------------------------------------
# Plain words for what is wrong
# ---------------------------------------------------------------------------------------------

_Path = tuple[str | int, ...]

_DEEPEST = 10  # levels of nesting; a YAML alias can make a list that contains itself
_MOST = 100_000  # values in all; nested YAML aliases can make a billion of a few lines
_LONGEST_KEY = 60  # characters
_LARGEST = 2**63  # of a whole number; beyond it printing and conversion to float can fail

_NOUNS: dict[type, str] = {
    type(None): "empty",
    bool: "a truth value",
    int: "a whole number",
    float: "a decimal number",
    str: "a string",
    list: "a list",
    dict: "a section of keys",
}

# error type of pydantic -> what is wanted instead
_WANTED_TYPES = {
    "float_type": "a number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "path_type": "a file path",
    "tuple_type": "a list",
    "model_type": "a section of keys",
    "model_attributes_type": "a section of keys",
}

# error type of pydantic -> its bound, and what is allowed
_BOUNDS = {
    "greater_than": ("gt", "too small; more than {} is allowed"),
    "greater_than_equal": ("ge", "too small; at least {} is allowed"),
    "less_than": ("lt", "too large; less than {} is allowed"),
    "less_than_equal": ("le", "too large; at most {} is allowed"),
    "multiple_of": ("multiple_of", "not allowed; a multiple of {} is wanted"),
}

# The fields of more than one form: pydantic adds the name of the form to the path of an error.
_FIELDS_OF_SEVERAL_FORMS = ("dataset", "probe", "pareto")
_PROBE_KINDS = [probe.model_fields["kind"].default for probe in get_args(get_args(Probe)[0])]


def _plain(value: Any, path: _Path, numbers: Iterator[int]) -> Any:
    """Copy a value of mappings, lists, numbers and texts, and refuse everything else.

    `numbers` counts all values of the config.
    """
    if next(numbers) > _MOST:
        raise ConfigError(f"{_dotted(path)}: one value too many; {_MOST} in all are allowed")
    if len(path) > _DEEPEST:
        raise ConfigError(f"{_dotted(path)}: nested too deeply; {_DEEPEST} levels are allowed")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or not key.isprintable() or len(key) > _LONGEST_KEY:
                raise ConfigError(
                    f"{_dotted(path)}: the key {_shown(key)} is not a name; "
                    "keys are words without special characters"
                )
        return {key: _plain(item, (*path, key), numbers) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, (*path, index), numbers) for index, item in enumerate(value)]
    if type(value) not in _NOUNS:
        raise ConfigError(
            f"{_dotted(path)}: a {type(value).__name__} is not allowed; "
            "plain numbers, strings, lists and sections are wanted"
        )
    if isinstance(value, int) and abs(value) >= _LARGEST:
        raise ConfigError(f"{_dotted(path)}: the number is too large; below 2**63 is allowed")
    return value


def _explain(error: ValidationError) -> str:
    # A list whose elements are wrong is called too short as well: that is no mistake of its own.
    mistakes = [
        mistake
        for mistake in error.errors(include_url=False)
        if not (mistake["type"] == "too_short" and mistake["input"])
    ]
    more = len(mistakes) - 1
    return _explain_one(mistakes[0]) + (f" (and {more} more)" if more else "")


def _explain_one(mistake: ErrorDetails) -> str:
    path = tuple(
        step
        for before, step in pairwise(("", *mistake["loc"]))
        if before not in _FIELDS_OF_SEVERAL_FORMS
    )
    kind, value, context = mistake["type"], mistake["input"], mistake.get("ctx", {})
    if kind == "refused":
        return f"{_dotted((*path, *context['at']))}: {context['reason']}"
    if kind.startswith("union_tag"):
        return f"{_dotted((*path, 'kind'))}: {_wrong_probe_kind(value)}"
    return f"{_dotted(path)}: {_wrong_value(kind, value, context)}"


def _wrong_probe_kind(probe: dict[str, Any]) -> str:
    given = f"{_shown(probe['kind'])} is not allowed" if "kind" in probe else "missing"
    return f"{given}; allowed are {', '.join(_PROBE_KINDS)}"


def _wrong_value(kind: str, value: Any, context: dict[str, Any]) -> str:
    if kind == "literal_error":
        return f"{_shown(value)} is not allowed; allowed is {context['expected']}"
    if kind == "finite_number":
        return f"{_shown(value)} is not allowed; a finite number is wanted"
    if kind == "too_short":
        return f"{_shown(value)} is empty; at least one value is wanted"
    if kind in _BOUNDS:
        bound, text = _BOUNDS[kind]
        return f"{_shown(value)} is {text.format(f'{context[bound]:.12g}')}"
    wanted = _WANTED_TYPES.get(kind, "another value")
    return f"{_shown(value)} is {_NOUNS[type(value)]}, {wanted} is wanted{_hint(wanted, value)}"


def _hint(wanted: str, value: Any) -> str:
    """Help with the two ways in which a value that looks right in YAML is of the wrong type."""
    if wanted == "a list":
        return f", such as [{_shown(value)}]" if isinstance(value, str | int | float) else ""
    match = isinstance(value, str) and re.fullmatch(
        r"([+-]?\d+\.?\d*|[+-]?\.\d+)(?:[eE]([+-]?)(\d+))?", value
    )
    if not match or "number" not in wanted:
        return ""
    mantissa, sign, exponent = match.groups()
    if exponent is None:
        return " (write it without quotes)"
    # YAML 1.1 wants both the dot and the sign of the exponent.
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    return f" (YAML reads {value} as text; write {mantissa}e{sign or '+'}{exponent})"


class _OneLine(Repr):
    """Short representations, with the words of YAML."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60

    def repr1(self, x: Any, level: int) -> str:
        if x is None or isinstance(x, bool):
            return {None: "null", True: "true", False: "false"}[x]
        if isinstance(x, float) and not math.isfinite(x):
            return str(x)
        return super().repr1(x, level)


def _shown(value: object) -> str:
    return _OneLine().repr(value)


def _dotted(path: _Path) -> str:
    """Write a path of keys as `sweep[0].modes[2]`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the config"


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
