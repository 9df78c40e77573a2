"""Name runs in a line that stays readable when there are many."""

from collections.abc import Sequence

NAMED = 5  # more would fill the screen


def listed(runs: Sequence[str]) -> str:
    """Name runs, and say how many more there are.

    Parameters
    ----------
    runs : sequence of str
        Their names.

    Returns
    -------
    str
        At most `NAMED` names; whoever wants all finds them in the table of the study.
    """
    more = f" and {len(runs) - NAMED} more" if len(runs) > NAMED else ""
    return ", ".join(runs[:NAMED]) + more
