"""Changes of the test data, to see how the networks hold up."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from ptychopareto.config.dataset import Object
from ptychopareto.config.sections import Section, refusal
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


class Scenario(Section):
    """One named change of the test data, or several at once. The networks stay as trained."""

    name: Annotated[
        str, Field(json_schema_extra={"pattern": f"^{_NAME}$"}), AfterValidator(_is_a_name)
    ] = Field(description="name of the scenario and of its folder")
    photons: float | None = Field(
        default=None,
        ge=1,
        le=1e18,
        description="mean number of photons in a pattern, of the test patterns as they are; null = "
        "no change",
    )
    object: Object | None = Field(
        default=None,
        description="another object than that of the test scan, of npz that in test_path; null = "
        "the same",
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
