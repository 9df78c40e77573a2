"""What ends jobs on a cluster, done to a study that runs through `--profile slurm`."""

from pathlib import Path

import pandas as pd
import pytest

from counts import LONG
from disturbed import TIMES, assert_same_weights
from slurm import Cluster, until
from tiny_study import AXES, PATIENCE, TABLE, Project, built_once, copy_of_project

pytestmark = pytest.mark.xdist_group("cluster")

# Three trainings of a second or two; one that has to be there longer takes 70 s (`SLOWLY`).
STUDY = {
    "sweep": [{"architecture": ["fno"], "supervision": ["teacher"], **AXES}],
    "seeds": [0, 1, 2],
    "training": {"epochs": 15},
    "refine": {"epochs": [0, 1]},
    "device": "auto",
}
RUNS = [f"fno_tnone_m4_w4_teacher_s{seed}" for seed in STUDY["seeds"]]
MODELS = tuple(f"results/runs/{run}/model.safetensors" for run in RUNS)
# Each job of the cluster starts Snakemake anew: with the full counts all results are made there.
CALL = ("--profile", "slurm", *(() if LONG else MODELS))
SAVED = "stopped by signal 15"
CONTINUED = "continuing from the checkpoint"
ENDED = "that an earlier call left behind"
# While this file is there, a training waits at each step, to be there for what is done to it.
SLOWLY = "slowly"
A_STEP = f"""

from pathlib import Path

_update = Trainer.update


def _slow_update(self, batch):
    if Path("{SLOWLY}").exists():
        time.sleep(0.8)
    return _update(self, batch)


Trainer.update = _slow_update
"""
# Short trainings share a job of the cluster: here each has its own, as long ones have.
A_JOB_EACH = "\nSHORT_MINUTES = 0\n"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same study on this machine without a cluster."""

    def build(folder: Path) -> None:
        project = copy_of_project(folder)
        project.configure(**STUDY)
        project.build(*([TABLE] if LONG else MODELS), timeout=PATIENCE)

    return built_once("without_cluster", build, tmp_path_factory)


def table(project: Project) -> pd.DataFrame:
    return pd.read_csv(project[TABLE], index_col="run").drop(columns=TIMES)


def log(project: Project, run: str) -> str:
    path = project[f"results/logs/train/{run}.log"]
    return path.read_text() if path.exists() else ""


def test_study_survives_what_a_cluster_does_to_it(
    cluster: Cluster, impatient_project: Project, undisturbed: Project
) -> None:
    project = impatient_project
    project.configure(**STUDY)
    project.append("src/ptychopareto/learning/trainer.py", A_STEP)
    project.append("workflow/estimates.py", A_JOB_EACH)
    project.take_scan(undisturbed)
    project[SLOWLY].touch()

    def deep_in_training() -> list[str]:
        """Those that have a checkpoint."""
        return [run for run in RUNS if "epoch 1/" in log(project, run)]

    with project.running(*CALL) as snakemake:
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

    locked = project.snakemake(*CALL)
    assert locked.returncode != 0
    assert "--unlock" in locked.stderr
    assert project.snakemake("--unlock").returncode == 0
    with project.running(*CALL) as snakemake:
        screen = project["snakemake.log"]
        until(lambda: ENDED in screen.read_text(), 300, "the orphaned jobs are ended")
        project[SLOWLY].unlink()
        assert snakemake.wait(PATIENCE) == 0, screen.read_text()[-3000:]

    if LONG:
        assert table(project).equals(table(undisturbed))
    for run, model in zip(RUNS, MODELS, strict=True):
        assert_same_weights(project[model], undisturbed[model])
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
