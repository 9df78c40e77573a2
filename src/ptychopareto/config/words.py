"""Values and keys as a user would write them."""

import math
from reprlib import Repr
from typing import Any

Keys = tuple[str | int, ...]


class _OneLine(Repr):
    """Write values shortly, with the words of YAML."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60

    def repr1(self, x: Any, level: int) -> str:
        if x is None or isinstance(x, bool):
            return {None: "null", True: "true", False: "false"}[x]
        if isinstance(x, float) and not math.isfinite(x):
            return str(x)
        return super().repr1(x, level)


def shown(value: object) -> str:
    """Write a value in at most some sixty characters."""
    return _OneLine().repr(value)


def dotted(path: Keys) -> str:
    """Write a path of keys as `sweep[0].modes[2]`; an empty path stands for the whole config."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the config"
