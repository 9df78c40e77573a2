"""What `force` and `is_forced` of the rules take from Snakemake without its promise."""

import os
from importlib.metadata import version
from pathlib import Path

import pytest

from tiny_study import Project

pytestmark = pytest.mark.xdist_group("workflow_forced_jobs")

SNAKEFILE = """
rule all:
    input:
        "late.txt",

def needed(wildcards):
    dag = workflow.dag
    print("files:", sorted(dag.forcefiles), "rules:", sorted(one.name for one in dag.forcerules))
    dag.forcefiles.update({forced})
    return "early.txt"

rule early:
    output:
        "early.txt",
    shell:
        "touch {{output}}"

rule late:
    input:
        needed,
    output:
        "late.txt",
    shell:
        "touch {{output}}"
"""
CHANGED = f"Snakemake {version('snakemake')} forces jobs in another way: see force() in common.smk"


@pytest.fixture
def made(tmp_path: Path) -> Project:
    """A workflow of which all files are there."""
    project = Project(tmp_path)
    project["Snakefile"].write_text(SNAKEFILE.format(forced=[]))
    for time, name in enumerate(("early.txt", "late.txt"), start=1_700_000_000):
        project[name].touch()
        os.utime(project[name], (time, time))
    return project


def test_a_job_is_forced_while_snakemake_plans(made: Project) -> None:
    assert "Nothing to be done" in made.snakemake("-n").stdout
    made["Snakefile"].write_text(SNAKEFILE.format(forced=["early.txt"]))
    planned = made.snakemake("-n")
    assert planned.returncode == 0, f"{CHANGED}\n{planned.stderr}"
    assert "Forced execution" in planned.stdout, CHANGED


@pytest.mark.parametrize(
    ("forced", "known"),
    [
        ("early", "files: [] rules: ['early']"),
        ("early.txt", "files: ['early.txt'] rules: []"),
    ],
)
def test_what_the_user_forces_is_known_while_snakemake_plans(
    made: Project, forced: str, known: str
) -> None:
    planned = made.snakemake("-n", "--forcerun", forced, "--", "late.txt")
    assert planned.returncode == 0, f"{CHANGED}\n{planned.stderr}"
    assert known in planned.stdout, CHANGED
