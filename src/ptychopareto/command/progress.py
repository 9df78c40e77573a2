"""A line of progress on the screen, where somebody sits before one."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TextIO

_SECONDS = 0.2  # between two looks of the line


class Progress:
    """Says on one line what is done, how fast, and how long it will take.

    Parameters
    ----------
    quiet : bool
        Say nothing.
    stream : TextIO, optional
        Where to write; a line that changes needs a terminal, elsewhere nothing is said.
    """

    def __init__(self, quiet: bool, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._shown = not quiet and self._stream.isatty()
        self._width = 0

    def counting(self, done: Iterable[int], total: int, name: str, unit: str) -> Iterator[int]:
        """Pass on how much is done, and say it.

        Parameters
        ----------
        done : iterable of int
            How much is done, growing.
        total : int
            How much there is to do.
        name : str
            Name of the step.
        unit : str
            What is counted, in the plural.

        Yields
        ------
        int
            How much is done.
        """
        began = last = time.perf_counter()
        for count in done:
            now = time.perf_counter()
            if now - last > _SECONDS:
                last = now
                rate = count / (now - began)
                left = (total - count) / rate
                self.say(f"{name}: {count} of {total} {unit}, {rate:.0f}/s, {left:.0f} s left")
            yield count
        self.clear()

    def say(self, text: str) -> None:
        """Show a text in the place of the last one."""
        if self._shown:
            self._stream.write(f"\r{text:{self._width}}")
            self._stream.flush()
            self._width = len(text)

    def clear(self) -> None:
        """Leave an empty line behind."""
        if self._shown and self._width:
            self._stream.write(f"\r{'':{self._width}}\r")
            self._stream.flush()
            self._width = 0
