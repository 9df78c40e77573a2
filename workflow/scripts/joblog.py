"""The log of a job, for all scripts: it holds the whole story, and the screen gets the gist.

Snakemake's `log:` only names a file. Here everything that the job prints, logs, warns of or raises
ends in it, also the output of compiled libraries. The screen shows the library's progress lines
and, when the job fails, one line that names the job, the reason and the log.

A job also ends with its Snakemake, waits for an older job of its name, and puts up with a clock
that was set back.
"""

import ctypes
import errno
import fcntl
import gc
import io
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, TextIO

# The library of this checkout, also in a conda environment, where it is not installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

# How often this Python looks for garbage by itself: 3.13 less often than 3.11.
GARBAGE_THRESHOLDS = gc.get_threshold()

# Errors for which the disk, and not the job, is to blame.
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


def run_job(work: Callable[[Any], None], job: Any) -> None:
    """Call `work(job)` with a log around it.

    Parameters
    ----------
    work : callable
        Does what the rule promises.
    job : object
        The object `snakemake` that Snakemake gives to a script.

    Raises
    ------
    SystemExit
        The work failed (1) or was interrupted (130).
    """
    _collect_garbage_seldom()
    _end_with_snakemake()
    name = " ".join([job.rule, *job.wildcards])
    log = Path(job.log[0])
    screen = os.fdopen(os.dup(2), "w", buffering=1)
    try:
        _send_output_to(log, screen, name)
    except OSError as error:
        print(f"{name} failed: {log}: {error.strerror}", file=screen)
        sys.exit(1)
    _send_logging_to(screen, name)
    print(f"=== {time.strftime('%Y-%m-%d %H:%M:%S')} {name}")
    start = time.monotonic()
    try:
        work(job)
    except KeyboardInterrupt:
        print("interrupted")
        sys.exit(130)
    except Exception as error:
        reason = _explain(error, job)
        print(f"failed: {reason}")
        print(f"{name} failed: {reason} (the whole story: {log})", file=screen)
        sys.exit(1)
    _forget_the_future(job)
    print(f"done in {time.monotonic() - start:.1f} s")
    gc.freeze()  # or Python would look through all of torch for garbage before it exits


def _collect_garbage_seldom() -> None:
    """Let imports make their many objects without a look for garbage among them each time.

    With `gc.freeze` at the end it spares a job that imports torch, pandas and matplotlib 0.6 s of
    2.1. `device.prepare` sets the thresholds back before anything is computed.
    """
    gc.set_threshold(50_000, 20, 100)


def _end_with_snakemake() -> None:
    """Have SIGTERM sent to this process when Snakemake dies: nobody would record its results.

    Without it the jobs of a Snakemake that was killed outright would go on, while the next call
    starts them again. Only Linux knows this.
    """
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


class _Log(io.TextIOWrapper):
    """A log that loses lines when the disk is full, but neither ends nor silences the job."""

    def write(self, text: str, /) -> int:
        with suppress(OSError):
            super().write(text)
        return len(text)


def _send_output_to(log: Path, screen: TextIO, name: str) -> None:
    """Append stdout and stderr of this process to `log` from now on, as the only one to do so.

    A job of a Snakemake that is gone may still be at work, say on a cluster: then wait until it
    has ended, since what it leaves need not be done again.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with _open_to_append(log) as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{name}: waiting for an earlier job of this name to end", file=screen)
            fcntl.flock(stream, fcntl.LOCK_EX)
        except OSError:
            pass  # a file system without locks
        # These share the lock, which so lasts to the end of the process, however it ends.
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    # Without a buffer, so that the two stay in order and a killed job leaves its story.
    sys.stdout = _Log(io.FileIO(1, "w", closefd=False), write_through=True)


def _open_to_append(log: Path) -> IO[bytes]:
    """Open the log to append, with all it said before: Snakemake removes it to repeat the job.

    So it has a second name, which keeps it: a training that was interrupted tells its whole story,
    and a job finds the lock of an older one that has not ended.
    """
    kept = log.with_name(f".{log.stem}.story")
    with suppress(OSError):  # there is none, the log is still there, or no hard links
        os.link(kept, log)
    stream = open(log, "ab")  # noqa: SIM115 (the caller closes it)
    with suppress(OSError):
        os.link(log, kept)
    return stream


def _send_logging_to(screen: TextIO, name: str) -> None:
    to_log = logging.StreamHandler(sys.stdout)
    to_log.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[to_log], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    to_screen = logging.StreamHandler(screen)
    to_screen.setFormatter(logging.Formatter(f"{name}: %(message)s"))
    library = logging.getLogger("ptychopareto")
    library.setLevel(logging.INFO)
    library.addHandler(to_screen)


def _explain(error: Exception, job: Any) -> str:
    """Give the reason in one line; if the user cannot mend it, the log has a traceback too."""
    from ptychopareto.config import ConfigError
    from ptychopareto.files import FileError

    if isinstance(error, ConfigError | FileError):
        if str(error).startswith("results/"):  # it names a file that some job has made
            return f"{error}; delete it, and the same call makes it anew"
        return str(error)
    traceback.print_exception(error, file=sys.stdout)
    if isinstance(error, OSError) and error.errno in DISK:
        where = error.filename or Path(job.output[0]).parent
        return f"{where}: {error.strerror}; mend that, and the same call goes on"
    return " ".join(traceback.format_exception_only(error)[-1].split())


def _forget_the_future(job: Any) -> None:
    """If the clock was set back, let results that seem to come from the future be of this moment.

    Else Snakemake takes this job's results for older than what they were made from, and repeats
    the job until the clock has caught up. All such files get the same time, so that none of them is
    older than its inputs. Sources and files of the user are not touched: their times do not count.
    """
    now = time.time()
    if all(_time_of(Path(path)) <= now for path in job.input):
        return
    for path in Path("results").rglob("*"):
        with suppress(OSError):  # somebody else's; Snakemake will tell
            if _time_of(path) > now:
                os.utime(path, (now, now))
    print("the clock was set back: results of a later time count as made now")


def _time_of(path: Path) -> float:
    return path.stat().st_mtime
