"""A file that grows while a scan is measured, and how its growth ends."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ptychopareto.files.errors import FileError, refusal
from ptychopareto.readers.measured_scan import MeasuredScan
from ptychopareto.readers.swmr import writer_of

# Seconds. A file seen in the middle of a write is whole at the next look; one that cannot be read
# for this long is damaged.
PATIENCE = 3.0
_SETTLED = 1.0  # seconds; file systems keep times in coarser steps than writers write


@dataclass(frozen=True, eq=False)
class Look:
    """The findings of one look at a growing scan.

    Attributes
    ----------
    scan : MeasuredScan or None
        The patterns that are there with their positions; None before the file can be read.
    complete : bool
        Whether the writer has closed the file, so that no more will come.
    stopped : str or None
        Why to wait no longer, in one line, where more could have come.
    """

    scan: MeasuredScan | None
    complete: bool = False
    stopped: str | None = None

    @property
    def count(self) -> int:
        """Number of patterns that are there."""
        return 0 if self.scan is None else self.scan.frames.shape[0]

    @property
    def ended(self) -> bool:
        """Whether no more patterns are waited for."""
        return self.complete or self.stopped is not None


class Watch:
    """Looks at a file that a scan is being written to.

    Parameters
    ----------
    path : Path
        The file, which need not exist yet.
    read : callable
        Reads what there is of it, as `readers.registry.read_growing_scan` does.
    timeout : float
        Seconds without a new pattern after which a writer that has not closed the file is taken to
        have died.
    clock : callable, optional
        Tells seconds that never run backwards.

    Notes
    -----
    A writer that is killed cannot be told from one that waits: the marks of an open file stay in
    it, and in SWMR mode it holds no lock. So only time tells.
    """

    def __init__(
        self,
        path: Path,
        read: Callable[[Path], MeasuredScan],
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._read = read
        self._timeout = timeout
        self._clock = clock
        self._grown_at = clock()
        self._failing_since: float | None = None
        self._last = Look(None)
        self._seen: tuple[int, int, int] | None = None  # the file at the last look

    def look(self) -> Look:
        """Read what there is now.

        Returns
        -------
        Look
            Patterns once seen are in all later looks, with the same numbers.

        Raises
        ------
        FileError
            The file cannot be read and will not mend, or there are fewer patterns than before, or
            there were none within the timeout.
        """
        problem = self._read_anew()
        now = self._clock()
        if not self._last.complete and now - self._grown_at > self._timeout:
            return self._give_up(problem)
        return self._last

    def _read_anew(self) -> str | None:
        """Take a new look unless nothing changed; return why there is nothing to see, in words."""
        try:
            file = os.stat(self._path)
        except FileNotFoundError:
            if self._seen is not None:
                raise refusal(self._path, "was deleted while it was followed") from None
            return "there is no such file"
        if file.st_size == 0:
            return "the file is empty"
        state = (file.st_ino, file.st_size, file.st_mtime_ns)
        if state == self._seen and time.time() - file.st_mtime > _SETTLED:
            return None
        writer = writer_of(self._path)
        try:
            scan = self._read(self._path)
        except FileError as error:
            self._bear(error, writer)
            return str(error)
        self._seen, self._failing_since = state, None
        self._take(scan, complete=writer == "none")
        return None

    def _take(self, scan: MeasuredScan, complete: bool) -> None:
        count, before = scan.frames.shape[0], self._last.count
        if count < before:
            raise refusal(
                self._path,
                f"has {count} patterns and had {before} before: it was cut off, or another scan "
                "has taken its place",
            )
        if count > before:
            self._grown_at = self._clock()
        # Some writers close a file that they have laid out and open it again before they measure.
        self._last = Look(scan, complete and count > 0)

    def _bear(self, error: FileError, writer: str) -> None:
        """Raise an error that will not mend."""
        now = self._clock()
        if self._failing_since is None:
            self._failing_since = now
        # A file is laid out before its writer lets others read it.
        locked = isinstance(error.__cause__, BlockingIOError)
        waits = locked or "alone" in (writer, writer_of(self._path))
        if not waits and (writer == "none" or now - self._failing_since > PATIENCE):
            raise error

    def _give_up(self, problem: str | None) -> Look:
        waited = f"nothing came for {self._timeout:g} s"
        if self._last.count == 0:
            why = f"{waited}: {problem or 'the file has no pattern with a position yet'}"
            raise refusal(self._path, why.replace(f"{self._path}: ", ""))
        return Look(
            self._last.scan,
            stopped=f"{self._path}: {waited} after pattern {self._last.count}, and its writer has "
            "not closed it: it was killed, or waits",
        )
