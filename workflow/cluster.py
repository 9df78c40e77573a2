"""Check a Slurm cluster before a study submits anything to it."""

import subprocess
import sys
import time
from pathlib import Path

# The plugin asks squeue at least this often for jobs that may have ended meanwhile [s].
LONGEST_POLL = 180
PATIENCE = 90  # seconds in which a cancelled job has saved its state and ended


def before_submitting(folder: Path, status_command: str | None) -> None:
    """Refuse a cluster that forgets jobs too soon; end the jobs of an earlier call that was killed.

    Parameters
    ----------
    folder : Path
        The working directory of the study.
    status_command : str or None
        How the plugin asks for the state of jobs: `squeue` or `sacct`; None for its default.

    Raises
    ------
    SystemExit
        With one line, if the study would wait for ever, or jobs do not end.
    """
    age = min_job_age()
    if status_command == "squeue" and age <= LONGEST_POLL:
        sys.exit(
            "slurm-status-command: 'squeue' is not allowed where Slurm forgets finished jobs after "
            f"{age} s (MinJobAge; more than {LONGEST_POLL} s are needed); allowed is sacct"
        )
    end_orphans(folder)


def min_job_age() -> int:
    """Return the seconds for which the controller remembers a finished job."""
    for line in _ask("scontrol", "show", "config").splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "MinJobAge":
            return int(value.split()[0])
    raise ValueError("scontrol show config has no MinJobAge")


def end_orphans(folder: Path) -> None:
    """Cancel the jobs that a killed Snakemake left running in `folder`.

    Such jobs would train the same networks beside the new ones. A cancelled job saves its state,
    and the new job goes on from there.
    """
    orphans = jobs_of(folder)
    if not orphans:
        return
    print(
        f"Ending {len(orphans)} Slurm job(s) that an earlier call left behind "
        f"({', '.join(orphans)}); their trainings go on from their checkpoints.",
        file=sys.stderr,
    )
    _ask("scancel", *orphans)
    deadline = time.monotonic() + PATIENCE
    while jobs_of(folder):
        if time.monotonic() > deadline:
            sys.exit(f"The Slurm jobs {', '.join(jobs_of(folder))} do not end; end them by scancel")
        time.sleep(1)


def jobs_of(folder: Path) -> list[str]:
    """Return the ids of the jobs, waiting or running, that Snakemake submitted from `folder`."""
    rows = _ask("squeue", "--me", "--noheader", "--format", "%i|%k|%Z").splitlines()
    jobs = (row.split("|") for row in rows)
    return [
        number
        for number, comment, workdir in jobs
        if comment.startswith("rule_") and Path(workdir) == folder
    ]


def _ask(*command: str) -> str:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=True
        ).stdout
    except FileNotFoundError:
        sys.exit(f"{command[0]} is not there; --profile slurm wants the login node of a cluster")
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        reason = getattr(error, "stderr", None) or error
        sys.exit(f"{command[0]} failed: {' '.join(str(reason).split())}")
