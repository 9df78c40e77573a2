"""Reconstruct a scan while it is measured: look, take what has come, show, and so on."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from ptychopareto.following.live_object import LiveObject
from ptychopareto.following.watch import Look, Watch
from ptychopareto.readers.frames import patterns_between
from ptychopareto.readers.measured_scan import MeasuredScan

# Number of first patterns that decide how frames become patterns. It is the same however many are
# there when the file is first seen: two runs over one file end with the same bits.
FIRST_PATTERNS = 64
_PAUSE = 0.05  # seconds between two looks where nothing has come


@dataclass(frozen=True, eq=False)
class Followed:
    """A scan that was followed to its end.

    Attributes
    ----------
    live : LiveObject
        The object, of all patterns that came.
    look : Look
        The last look at the file: whether the scan is complete.
    late : int
        Number of patterns that were stitched last, as they were zeros when they were due.
    """

    live: LiveObject
    look: Look
    late: int


def follow(
    watch: Watch,
    begin: Callable[[MeasuredScan], LiveObject],
    show: Callable[[LiveObject | None, Look], None],
    first_patterns: int = FIRST_PATTERNS,
) -> Followed:
    """Follow a scan until its writer closes the file, or writes nothing for too long.

    Parameters
    ----------
    watch : Watch
        Looks at the file.
    begin : callable
        Makes the object from the first patterns of the scan.
    show : callable
        Is given the object, if it has begun, and the last look, over and over; it decides itself
        when to show something.
    first_patterns : int, optional
        How many patterns `begin` is given; fewer if the scan ends before.

    Returns
    -------
    Followed

    Raises
    ------
    FileError
        The file cannot be read, has no patterns in time, or its first patterns will not do.
    """
    live: LiveObject | None = None
    while True:
        look = watch.look()
        taken = 0
        if live is None and look.scan is not None and _may_begin(look, first_patterns):
            live = begin(patterns_between(look.scan, 0, min(first_patterns, look.count)))
        if live is not None and look.scan is not None:
            taken = live.take(look.scan, ended=look.ended)
            if look.ended and live.done == look.count:
                late = live.take_late(look.scan)
                show(live, look)
                return Followed(live, look, late)
        show(live, look)
        if not taken:
            time.sleep(_PAUSE)


def _may_begin(look: Look, wanted: int) -> bool:
    """Tell whether the first patterns are there: something is written after them, or as last."""
    if look.ended:
        return True
    if look.count < wanted or look.scan is None:
        return False
    return bool(look.scan.frames[wanted - 1 : min(look.count, wanted + 15)].any())
