"""What the preparation of a scan assumed and found, as `scan.json` keeps it."""

import logging
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)


@dataclass
class Record:
    """Assumptions and checks, in the order in which they were made.

    Attributes
    ----------
    assumptions : what was taken for what, and where it came from
    checks : name, whether it passed (None: it could not be decided), figures, and a sentence
    facts : further entries of `scan.json`
    """

    assumptions: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def assume(self, what: str, value: Any, source: str) -> None:
        """Keep what a quantity was taken to be, and where that came from."""
        self.assumptions.append({"what": what, "value": value, "from": source})

    def check(self, name: str, passed: bool | None, figure: Any, said: str) -> None:
        """Keep the outcome of a check; one that failed is said on the screen too."""
        self.checks.append({"name": name, "passed": passed, "figure": figure, "said": said})
        if passed is False:
            log.warning("%s: %s", name, said)

    def as_dict(self) -> dict[str, Any]:
        """The content of `scan.json`."""
        return {**self.facts, "assumptions": self.assumptions, "checks": self.checks}
