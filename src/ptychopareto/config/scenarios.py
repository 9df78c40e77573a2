"""Changes of the test data, to see how the networks hold up."""

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from ptychopareto.config.dataset import Object
from ptychopareto.config.sections import Axis, Section, refusal
from ptychopareto.config.words import shown

AS_TRAINED = "as_trained"  # the scan without a change
_NAME = r"[a-z0-9_]{1,30}"


def _is_a_name(name: str) -> str:
    if not re.fullmatch(_NAME, name) or name == AS_TRAINED:
        raise refusal(
            f"{shown(name)} is not allowed; up to 30 lowercase letters, digits and _ are wanted, "
            f"and not {AS_TRAINED}, which is the scan without a change"
        )
    return name


class Assumed(Section):
    """What is assumed of the scan, and is wrong; no pattern depends on it."""

    probe_blur: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="standard deviation of a Gaussian blur of the assumed probe [px]; 0 = none",
    )
    probe_defocus: float = Field(
        default=0.0,
        ge=-0.5,
        le=0.5,
        description="the assumed defocus of the beam exceeds the actual one by this fraction of it",
    )
    probe_curvature: float = Field(
        default=0.0,
        ge=-100,
        le=100,
        description="quadratic phase that the assumed probe has too much [rad at radius N/4]",
    )
    probe_rotation: float = Field(
        default=0.0,
        ge=-180,
        le=180,
        description="the assumed probe is turned by this angle, from rows to columns [degree]",
    )
    probe_size: float = Field(
        default=0.0,
        ge=-0.5,
        le=0.5,
        description="the assumed probe is larger than the actual one by this fraction",
    )
    position_error: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="standard deviation of the assumed positions from the actual ones [px], on "
        "each axis, rounded to whole pixels",
    )
    position_scale: float = Field(
        default=0.0,
        ge=0,
        le=0.2,
        description="the assumed positions lie closer together by this fraction",
    )

    @model_validator(mode="after")
    def _is_wrong(self) -> "Assumed":
        if not any(getattr(self, name) for name in type(self).model_fields):
            known = ", ".join(type(self).model_fields)
            raise refusal(f"nothing is assumed wrongly; one of {known} is wanted")
        return self


class Scenario(Section):
    """One named change of the test data, or several at once. The networks stay as trained."""

    name: Annotated[
        str, Field(json_schema_extra={"pattern": f"^{_NAME}$"}), AfterValidator(_is_a_name)
    ] = Field(description="name of the scenario and of its folder")
    photons: float | None = Field(
        default=None,
        ge=1,
        le=1e18,
        description="mean number of photons in a pattern, counted before any other change of the "
        "scenario; null = no change",
    )
    object: Object | None = Field(
        default=None,
        description="another object than that of the test scan (of the kind npz, the one in "
        "test_path); null = the same",
    )
    scan_step: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="step of a grid scan of the test object [px]; null = the same positions",
    )
    defocus_error: float = Field(
        default=0.0,
        ge=-0.5,
        le=0.5,
        description="the beam is out of focus by so much more than is known, as a fraction of its "
        "defocus; 0 = no error",
    )
    position_error: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="standard deviation of the positions from those that are known [px], on each "
        "axis, rounded to whole pixels; 0 = no error",
    )
    second_mode: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description="part of the light in a second, incoherent mode of the probe, of which nobody "
        "knows; 0 = a coherent beam",
    )
    assumed: Assumed | None = Field(
        default=None, description="what is assumed wrongly of the scan; null = nothing"
    )

    @model_serializer(mode="wrap")
    def _without_what_came_later(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Dump a scenario that has none of the later keys as before they were there.

        Then its file keeps its bits, and its job is not repeated.
        """
        dumped: dict[str, Any] = dump(self)
        later = {"second_mode": 0.0, "assumed": None}
        return {
            key: value for key, value in dumped.items() if key not in later or value != later[key]
        }

    @model_validator(mode="after")
    def _changes_something(self) -> "Scenario":
        changes = [name for name in type(self).model_fields if name != "name"]
        if not any(getattr(self, name) for name in changes):
            raise refusal(f"changes nothing; one of {', '.join(changes)} is wanted")
        return self


def _named_once(scenarios: tuple[Scenario, ...]) -> tuple[Scenario, ...]:
    names = [scenario.name for scenario in scenarios]
    for number, name in enumerate(names):
        if name in names[:number]:
            reason = f"{shown(name)} stands twice; each name is allowed once"
            raise refusal(reason, number, "name")
    return scenarios


Scenarios = Annotated[tuple[Scenario, ...], Field(strict=False), AfterValidator(_named_once)]


class AtBest(Section):
    """rPIE at its best in the scenarios.

    Its regularisation and its passes are chosen by free patterns, which are kept out of it.
    """

    alphas: Axis[Annotated[float, Field(gt=0, le=1)]] = Field(
        default=(0.1, 0.3, 1.0),
        description="list of regularisations to choose from: the smallest is tried first, a larger "
        "one only if free patterns stopped rPIE with the one before",
    )
    most_passes: int = Field(
        default=100, ge=1, le=100_000, description="the most passes from a flat start"
    )
    most_passes_after_network: int = Field(
        default=20, ge=1, le=100_000, description="the most passes after a network of the front"
    )
