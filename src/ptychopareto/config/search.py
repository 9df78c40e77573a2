"""Successive halving: how many configurations go on at which rung."""

from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from ptychopareto.config.axes import Epochs
from ptychopareto.config.sections import Axis, Section, refusal


class Search(Section):
    """Successive halving: configurations beaten after a few epochs are not trained to the end."""

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
