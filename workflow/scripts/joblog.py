"""What all scripts share: the whole story of a job goes into its log, the screen gets the gist.

Snakemake's `log:` only names a file. Here everything the job prints, logs, warns of or raises ends
in it, also what compiled libraries print. The screen shows the library's progress lines and, when
the job fails, one line that names the job, the reason and the log.
"""

import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

# The library of this checkout, also in a conda environment, where it is not installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))


def run_job(work: Callable[[Any], None], job: Any) -> None:
    """Call `work(job)` with a log around it.

    Args:
        work: does what the rule promises.
        job: the object `snakemake` that Snakemake gives to a script.
    """
    name = " ".join([job.rule, *job.wildcards])
    log = Path(job.log[0])
    screen = _send_output_to(log)
    _send_logging_to(screen, name)
    print(f"=== {time.strftime('%Y-%m-%d %H:%M:%S')} {name}")
    start = time.monotonic()
    try:
        work(job)
    except KeyboardInterrupt:
        print("interrupted")
        sys.exit(130)
    except Exception as error:
        reason = _explain(error)
        print(f"failed: {reason}")
        print(f"{name} failed: {reason} (the whole story: {log})", file=screen)
        sys.exit(1)
    print(f"done in {time.monotonic() - start:.1f} s")


def _send_output_to(log: Path) -> TextIO:
    """Append stdout and stderr of this process to `log` from now on; return the screen."""
    log.parent.mkdir(parents=True, exist_ok=True)
    screen = os.fdopen(os.dup(2), "w", buffering=1)
    with open(log, "ab") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    # Line by line, so that the two stay in order and a killed job leaves its story.
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115 (open to the very end)
    return screen


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


def _explain(error: Exception) -> str:
    """One line for the reason; what is not the user's to mend leaves its traceback in the log."""
    from ptychopareto.config import ConfigError
    from ptychopareto.files import FileError

    if isinstance(error, ConfigError | FileError):
        return str(error)
    traceback.print_exception(error, file=sys.stdout)
    return " ".join(traceback.format_exception_only(error)[-1].split())
