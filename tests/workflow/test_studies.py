"""The studies that come with the project."""

import time
from collections import Counter
from pathlib import Path

import pytest
import yaml

from ptychopareto.config import parse_study
from ptychopareto.study.runs import expand
from tiny_study import ROOT, Project

STUDIES = [ROOT / "config.yaml", *sorted((ROOT / "studies").glob("*.yaml"))]


def keys(section: object, path: str = "") -> set[str]:
    """The dotted names of all keys of a nested mapping."""
    if not isinstance(section, dict):
        return {path}
    return {name for key, value in section.items() for name in keys(value, f"{path}.{key}")}


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.name)
def test_study_is_valid(study: Path) -> None:
    assert expand(parse_study(yaml.safe_load(study.read_text())))


def test_light_study_compares_enough_to_learn_from() -> None:
    runs = expand(parse_study(yaml.safe_load((ROOT / "config.yaml").read_text())))
    assert len(runs) >= 8
    assert {run.architecture for run in runs.values()} == {"ffno", "fno", "hybrid"}


def test_light_study_spells_out_every_key_and_says_at_first_what_it_is() -> None:
    text = (ROOT / "config.yaml").read_text()
    given = yaml.safe_load(text)
    study = parse_study(given)
    known = {**dict(study), **study.model_dump(mode="json")}  # some keys are in no dump
    assert keys(given) == keys(known)
    commented: set[str] = set()
    for line in filter(str.strip, text.splitlines()):
        key = line.strip().removeprefix("- ").partition(":")[0]
        assert "#" in line or key in commented, line
        commented.add(key)


# The jobs of every study that are there once, besides the scan and the teacher.
ONCE = (
    *("classical", "time_inference", "gather", "gather_classical", "break_even", "recommend"),
    *("export", "pareto_plot", "gallery", "quality_vs_time", "break_even_plot"),
    *("marginals", "training_curves", "page"),
)


def test_plan_of_light_study_is_quick(fresh: Project) -> None:
    fresh["config.yaml"].write_text((ROOT / "config.yaml").read_text())
    start = time.monotonic()
    planned = fresh.snakemake("-n")
    assert planned.returncode == 0, planned.stderr
    assert time.monotonic() - start < 10


def test_plan_of_full_study(fresh: Project) -> None:
    fresh["full.yaml"].write_text((ROOT / "studies/full.yaml").read_text())
    plan = fresh.plan("--configfile", "full.yaml")
    stages = Counter(job.split("/")[0] for job in plan)
    runs = 108 * 3
    assert stages == {
        "simulate": 1,
        "dataset_picture": 1,
        "teach": 1,
        "train": runs,
        "evaluate": runs,
        **dict.fromkeys(ONCE, 1),
    }


def test_study_without_teacher_does_not_teach(fresh: Project) -> None:
    block = yaml.safe_load((ROOT / "config.yaml").read_text())["sweep"][0]
    fresh.configure(sweep=[{**block, "modes": [4], "supervision": ["physics", "truth"]}])
    assert "teach" not in fresh.plan()
