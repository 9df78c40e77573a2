"""The record of what the preparation of a scan assumed and found, for `scan.json`."""

import logging
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)


@dataclass
class Record:
    """Assumptions and checks, in the order in which they were made.

    Attributes
    ----------
    assumptions : list of dict
        What was taken for what, and where it came from.
    checks : list of dict
        Name, whether it passed (None: it could not be decided), figures, and a sentence.
    facts : dict
        Further entries of `scan.json`.
    """

    assumptions: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def assume(self, what: str, value: Any, source: str) -> None:
        """Keep what a quantity was taken to be.

        Parameters
        ----------
        what : str
            Name of the quantity.
        value : object
            What it was taken to be; plain numbers, texts and lists, for JSON.
        source : str
            Where that came from.
        """
        self.assumptions.append({"what": what, "value": value, "from": source})

    def check(self, name: str, passed: bool | None, figure: Any, said: str) -> None:
        """Keep the outcome of a check; a failed check is shown on the screen too.

        Parameters
        ----------
        name : str
            Name of the check.
        passed : bool or None
            None if it could not be decided.
        figure : object
            The numbers behind it, for JSON.
        said : str
            One sentence for the user.
        """
        self.checks.append({"name": name, "passed": passed, "figure": figure, "said": said})
        if passed is False:
            log.warning("%s: %s", name, said)

    def as_dict(self) -> dict[str, Any]:
        """Return the content of `scan.json`."""
        return {**self.facts, "assumptions": self.assumptions, "checks": self.checks}
