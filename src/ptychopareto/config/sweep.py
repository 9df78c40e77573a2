"""A block of the grid: its axes, and which of their values go together."""

from typing import TYPE_CHECKING, Any, get_args

from pydantic import Field, create_model, model_validator

from ptychopareto.config.architectures import ARCHITECTURES, Key, missing_package
from ptychopareto.config.axes import AXES, REQUIRED, GridAxis
from ptychopareto.config.sections import Axis, Section, refusal


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
    """One block of the grid: every combination of its values is a configuration.

    A key belongs to a block if all of its architectures have it; `docs/architectures.md` says which
    have which. `modes` is required where they have it.
    """

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
