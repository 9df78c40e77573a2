"""What ends jobs on a cluster, done to a study that runs through `--profile slurm`."""

import pandas as pd
import pytest

from ptychopareto.config.columns import LATENCIES
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
TIMES = [*LATENCIES, "train_time_s", "peak_memory_mb"]
SAVED = "stopped by signal 15"
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

    def deep_in_training() -> list[str]:
        """Those that have a checkpoint."""
        return [run for run in RUNS if "epoch 5/" in log(project, run)]

    with project.running("--profile", "slurm") as snakemake:
        until(lambda: len(deep_in_training()) == 2, 300, "two trainings, one on each GPU")
        cancelled, preempted = deep_in_training()
        (orphaned,) = set(RUNS) - {cancelled, preempted}
        cluster.ask("scancel", cluster.job(f"train_wildcards_{cancelled}"))
        until(lambda: SAVED in log(project, cancelled), 60, "the cancelled training is saved")

        # Both GPUs are wanted by a job of a partition that may preempt.
        urgent = ["sbatch", "--partition", "urgent", "--gpus", "2", "--output", "/dev/null"]
        cluster.ask(*urgent, "--wrap", "sleep 1")
        until(lambda: SAVED in log(project, preempted), 60, "the preempted training is saved")

        until(lambda: orphaned in deep_in_training(), 300, "the third training")
        cluster.kill_slurmd()
        cluster.start()
        snakemake.kill()
        snakemake.wait()
    assert cluster.job(f"train_wildcards_{orphaned}"), "its job runs on without Snakemake"

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


def test_cluster_that_forgets_jobs_too_soon_is_refused(
    cluster: Cluster, fresh_cluster_project: Project
) -> None:
    """Else squeue would one day not know a finished job, and the study would wait for ever."""
    with cluster.setting("MinJobAge", "100"):
        refused = fresh_cluster_project.snakemake("--profile", "slurm")
    assert refused.returncode != 0
    (line,) = (line for line in refused.stderr.splitlines() if "MinJobAge;" in line)
    assert "100 s" in line
    assert "allowed is sacct" in line
    assert "Traceback" not in refused.stderr
    assert not fresh_cluster_project["results/dataset"].exists()
