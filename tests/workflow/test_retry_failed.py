"""`retry_failed: true` trains the failed runs again and no others; what the screen says of them."""

import json
import os

import pandas as pd
import pytest

from ptychopareto.study.tables import failures
from tiny_study import FNO, HYBRID, PHYSICS, TABLE, Project

pytestmark = pytest.mark.xdist_group("workflow_retry_failed")

# No job depends on this file: neither the mishap nor its end is a reason to train anything again.
PLUMBING = "src/ptychopareto/models/registry.py"
NOT_FINITE = """

from ptychopareto.models.hybrid import Hybrid

_finite = Hybrid.forward
Hybrid.forward = lambda self, x: _finite(self, x) * float("nan")
"""
HYBRID_MODEL = f"results/runs/{HYBRID}/model.safetensors"
HYBRID_METRICS = f"results/runs/{HYBRID}/metrics.json"
STAGES = ("train", "evaluate")
STUDY = {
    *("time_inference", "gather", "gather_classical", "recommend", "page"),
    *("export", "break_even", "break_even_plot"),
    *("pareto_plot", "gallery", "quality_vs_time", "marginals", "training_curves"),
}


def runs_in(jobs: set[str], stage: str) -> set[str]:
    return {job.partition("/")[2] for job in jobs if job.startswith(f"{stage}/")}


def status_of(project: Project) -> dict[str, str]:
    table = pd.read_csv(project[TABLE], index_col="run")
    return dict(table["status"])


def test_failed_run_is_trained_again_and_no_other(project: Project) -> None:
    right = project[PLUMBING].read_text()
    project.append(PLUMBING, NOT_FINITE)
    diverged = project.snakemake("--cores", "2", TABLE, "--forcerun", HYBRID_MODEL)
    assert diverged.returncode == 0
    assert f"gather: 2 of 3 runs are ok; 1 diverged: {HYBRID}\n" in diverged.stderr
    assert status_of(project) == {FNO: "ok", HYBRID: "diverged", PHYSICS: "ok"}
    assert project.plan(TABLE) == set()

    project.configure(retry_failed=True)
    assert runs_in(project.plan(TABLE), "train") == {HYBRID}
    assert runs_in(project.build(HYBRID_METRICS), "train") == {HYBRID}
    assert json.loads(project[HYBRID_METRICS].read_text())["status"] == "diverged"

    project[PLUMBING].write_text(right)
    again = {f"{stage}/{HYBRID}" for stage in STAGES}
    assert project.plan() == again | STUDY
    assert project.build(TABLE) == again | {"time_inference", "gather"}
    assert status_of(project) == {FNO: "ok", HYBRID: "ok", PHYSICS: "ok"}
    assert project.plan(TABLE) == set()
    assert "Nothing to be done" in project.snakemake("--cores", "1", TABLE).stderr


def test_exhausted_memory_is_a_failure_too(project: Project) -> None:
    metrics = project[f"results/runs/{FNO}/metrics.json"]
    metrics.write_text(json.dumps({**json.loads(metrics.read_text()), "status": "out_of_memory"}))
    assert runs_in(project.plan(), "train") == set()
    project.configure(retry_failed=True)
    assert runs_in(project.plan(), "train") == {FNO}


def test_metrics_of_the_training_before_do_not_count(project: Project) -> None:
    """A retry that was killed between training and evaluation is not trained once more."""
    folder = project[f"results/runs/{FNO}"]
    metrics, model = folder / "metrics.json", folder / "model.safetensors"
    metrics.write_text(json.dumps({**json.loads(metrics.read_text()), "status": "diverged"}))
    os.utime(metrics, ns=(0, model.stat().st_mtime_ns - 10**9))
    project.configure(retry_failed=True)
    assert runs_in(project.plan(), "train") == set()


@pytest.mark.parametrize("content", ["{", '{"status": 3}'])
def test_damaged_metrics_are_no_failure(content: str, project: Project) -> None:
    project[f"results/runs/{FNO}/metrics.json"].write_text(content)
    project.configure(retry_failed=True)
    assert runs_in(project.plan(), "train") == set()


def test_failures_are_counted_and_named() -> None:
    status = ["ok", "diverged", "ok", "out_of_memory", "diverged"]
    table = pd.DataFrame({"run": list("abcde"), "status": status})
    assert failures(table) == "2 of 5 runs are ok; 2 diverged: b, e; 1 out_of_memory: d"
    assert failures(table[:1]) == ""
    assert failures(table[1:2]) == "0 of 1 runs are ok; 1 diverged: b"
    many = pd.DataFrame({"run": list("abcdefgh"), "status": ["diverged"] * 7 + ["ok"]})
    assert failures(many) == "1 of 8 runs are ok; 7 diverged: a, b, c, d, e and 2 more"
