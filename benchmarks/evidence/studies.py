"""The two-core studies of docs/evidence.md, each in a folder of its own."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.evidence.mixture import write_mixture
from benchmarks.measuring import ROOT

FOLDER = ROOT / "evidence"
PROBE = ROOT / "scans" / "run1084_probe.npz"
STAR = ROOT / "scans" / "siemens_star.npz"
TABLES = ("results/study_results.csv", "results/classical.csv")


@dataclass(frozen=True)
class Study:
    """A study: `studies/<name>.yaml`, and what is made of it beside its tables.

    `minutes` are those of two quiet cores: half of the processor time that its jobs took. It cannot
    do without the file that it `needs`.
    """

    name: str
    minutes: int
    needs: Path | None = None
    more: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where it runs, and has its `results/`."""
        return FOLDER / self.name

    @property
    def results(self) -> Path:
        return self.folder / "results"


_SCENARIOS = ("results/scenarios.csv", "results/robustness.png")
_CONFIGURATIONS = ("results/configurations.csv",)
_BREAK_EVEN = ("results/break_even.csv",)
_AMOUNT = Study("data_amount", 15, more=_BREAK_EVEN)
MEASURED = Study("siemens_star", 14, STAR, _BREAK_EVEN)  # the study of docs/measured.md
# Each question with its studies.
QUESTIONS: dict[str, tuple[Study, ...]] = {
    "wrong_knowledge": (Study("wrong_knowledge", 6, more=_SCENARIOS),),
    "data_amount": (_AMOUNT,),
    "siemens_star_data_amount": (Study("siemens_star_data_amount", 13, STAR),),
    "break_even": (_AMOUNT, MEASURED),
    "transfer": (
        *(Study(f"transfer_{name}", 2) for name in ("lines", "grf", "siemens", "independent")),
        Study("transfer_mixture", 3),
        *(Study(f"transfer_{name}", 2) for name in ("down", "aberrated")),
        Study("transfer_measured_probe", 3, PROBE),
    ),
    "lines64_seeds": (Study("lines64_seeds", 34, PROBE, _CONFIGURATIONS),),
}


def run(questions: Sequence[str], cores: str) -> str | None:
    """Run the studies of some questions, or go on with them; say in a line what is missing."""
    studies = list(dict.fromkeys(study for name in questions for study in QUESTIONS[name]))
    if any(study.needs == STAR for study in studies) and not STAR.is_file():
        fetched = subprocess.run([sys.executable, ROOT / "workflow/fetch_siemens_star.py", STAR])
        if fetched.returncode:
            return "the measured scan could not be fetched"
    for study in studies:
        if study.needs is not None and not study.needs.is_file():
            return (
                f"{study.needs}: missing; studies/{study.name}.yaml says what it holds and where "
                "it is from"
            )
    for number, study in enumerate(studies, start=1):
        print(
            f"{number} of {len(studies)}: {study.name}, some {study.minutes} minutes on two cores",
            flush=True,
        )
        _prepare(study)
        unlock = [sys.executable, str(ROOT / "workflow" / "unlock.py"), *_where(study)]
        if subprocess.run(unlock, cwd=study.folder).returncode:
            return f"{study.folder}: not free"
        if subprocess.run(command(study, cores), cwd=study.folder).returncode:
            return f"{study.name} has failed: see above, and {study.results / 'logs'}"
    return None


def command(study: Study, cores: str) -> list[str]:
    """The call of Snakemake that runs a study; the same call goes on with it."""
    return [
        *(sys.executable, "-m", "snakemake", "--cores", cores, "--rerun-incomplete"),
        *(*_where(study), "--"),
        *TABLES,
        *study.more,
    ]


def _where(study: Study) -> list[str]:
    """What Snakemake is told in the folder of a study: Snakefile and config lie elsewhere."""
    config = ROOT / "studies" / f"{study.name}.yaml"
    return ["--snakefile", str(ROOT / "Snakefile"), "--configfile", str(config)]


def _prepare(study: Study) -> None:
    """Make the folder of a study, from which the files that it names can be found."""
    study.folder.mkdir(parents=True, exist_ok=True)
    scans = study.folder / "scans"
    if study.needs is not None and not scans.exists():
        scans.symlink_to(ROOT / "scans")
    if study.name == "transfer_mixture":
        write_mixture(study.folder)
