"""What ends jobs on a cluster, done to a study that runs through `--profile slurm`."""

import signal
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from slurm import Cluster, until
from tiny_study import AXES, Project, copy_of_project

pytestmark = pytest.mark.xdist_group("cluster")

# Three trainings, long enough for a job of their own.
STUDY = {
    "sweep": [{"architecture": ["fno"], "supervision": ["teacher"], **AXES}],
    "seeds": [0, 1, 2],
    "training": {"epochs": 120, "batch_size": 4},
    "refine": {"epochs": [0, 1]},
    "device": "auto",
}
RUNS = [f"fno_tnone_m4_w4_teacher_s{seed}" for seed in STUDY["seeds"]]
TIMES = ["inference_time_s", "inference_iqr_s", "patterns_per_s", "single_pattern_s"]
TIMES += ["train_time_s", "peak_memory_mb"]
SAVED = "state saved"
CONTINUED = "continuing from the checkpoint"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The table of the same study on this machine without a cluster."""
    project = copy_of_project(tmp_path_factory.mktemp("undisturbed") / "project")
    project.configure(**STUDY)
    project.build("results/study_results.csv", timeout=900)
    return table(project)


def table(project: Project) -> pd.DataFrame:
    results = pd.read_csv(project["results/study_results.csv"], index_col="run")
    return results.drop(columns=TIMES)


def log(project: Project, run: str) -> str:
    path = project[f"results/logs/train/{run}.log"]
    return path.read_text() if path.exists() else ""


def test_study_survives_what_a_cluster_does_to_it(
    cluster: Cluster, cluster_project: Project, undisturbed: pd.DataFrame
) -> None:
    project = cluster_project
    project.configure(**STUDY)
    cancelled, preempted, orphaned = RUNS

    with project.start("--profile", "slurm") as snakemake:
        for run in (cancelled, preempted):
            until(lambda run=run: "epoch 10/" in log(project, run), 240, f"{run} trains")
        cluster.ask("scancel", cluster.running(f"train_wildcards_{cancelled}") or "none")
        until(lambda: SAVED in log(project, cancelled), 60, "it saves its state")

        # Both GPUs are wanted by jobs of a partition that may preempt.
        urgent = ["sbatch", "--partition", "urgent", "--gpus", "2", "--output", "/dev/null"]
        cluster.ask(*urgent, "--wrap", "sleep 1")
        until(lambda: SAVED in log(project, preempted), 60, "it saves its state")
        for run in (cancelled, preempted):
            until(lambda run=run: CONTINUED in log(project, run), 120, f"{run} continues")

        until(lambda: "epoch 10/" in log(project, orphaned), 240, f"{orphaned} trains")
        daemon = int((cluster.folder / "slurmd.pid").read_text())
        subprocess.run(["kill", "-KILL", str(daemon)], check=True)
        cluster.start()
        snakemake.send_signal(signal.SIGKILL)
        snakemake.wait()
    assert cluster.running(f"train_wildcards_{orphaned}"), "its job runs on without Snakemake"

    locked = project.snakemake("--profile", "slurm")
    assert locked.returncode != 0
    assert "--unlock" in locked.stderr
    assert project.snakemake("--unlock").returncode == 0
    done = project.snakemake("--profile", "slurm", timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "that an earlier call left behind" in done.stderr

    assert table(project).equals(undisturbed)
    for run in RUNS:
        story = log(project, run)
        assert CONTINUED in story, story
        assert story.count("done in") == 1


def test_no_cluster_is_said_in_one_line(cluster_project: Project, tmp_path: Path) -> None:
    """The profile on a machine whose Slurm does not answer."""
    cluster_project.configure()
    refused = cluster_project.snakemake(
        "--profile", "slurm", SLURM_CONF=str(tmp_path / "none.conf")
    )
    assert refused.returncode != 0
    assert "scontrol failed" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (cluster_project["results/dataset/train.npz"]).exists()
