"""What Snakemake repeats after a change, and what it leaves alone: asked of the real one."""

import json
import os
from pathlib import Path

import pytest

from tiny_study import AXES, FNO, HYBRID, PHYSICS, RUNS, TINY, Project

pytestmark = pytest.mark.xdist_group("workflow_reruns")

PLOT = "results/pareto_plot.png"
TABLES = {"gather", "gather_classical", "break_even", "recommend", "export"}
SHOWN = {
    *("pareto_plot", "gallery", "quality_vs_time", "break_even_plot"),
    *("marginals", "training_curves", "page"),
}
END = {"time_inference", *TABLES, *SHOWN}
STAGES = ("train", "evaluate")
EVALUATED = END - {"time_inference", "gather_classical"}  # what comes after an evaluation
PLOTTED = {"gather", "pareto_plot"}  # all that the plot alone waits for, besides runs and timing


def jobs_of(*runs: str, stages: tuple[str, ...] = STAGES) -> set[str]:
    return {f"{stage}/{run}" for stage in stages for run in runs}


def contents(project: Project) -> dict[str, tuple[int, int]]:
    """Time and size of each result."""
    files = (path for path in project["results"].rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def test_second_call_does_nothing(project: Project) -> None:
    before = contents(project)
    again = project.snakemake("--cores", "1", PLOT)
    assert again.returncode == 0
    assert "Nothing to be done" in again.stderr
    assert contents(project) == before
    assert project.plan() == set()


def test_study_makes_what_it_promises(finished: Project) -> None:
    made = {
        str(path.relative_to(finished["results"]))
        for path in finished["results"].rglob("*")
        if path.is_file() and path.relative_to(finished["results"]).parts[0] != "logs"
    }
    of_a_run = (
        "model.safetensors",
        "history.csv",
        "metrics.json",
        "refinement.json",
        "reconstruction.npz",
        "reconstruction.png",
    )
    of_the_data = ("train.npz", "test.npz", "dataset.png", "teacher.npz", "teacher.json")
    computed = jobs_of(*RUNS, stages=STAGES)
    benchmarks = ["simulate", "teach", "classical", "time_inference", *computed]
    assert made == {
        "timing.json",
        "study_results.csv",
        "configurations.csv",
        "classical.csv",
        "classical.json",
        "classical.npz",
        "refinement.csv",
        "pareto_front.csv",
        "purposes.csv",
        "break_even.csv",
        "recommendation.json",
        "recommended/model.onnx",
        "recommended/model.safetensors",
        "recommended/study.yaml",
        "recommended/.snakemake_timestamp",
        "pareto_plot.svg",
        "index.html",
        *(f"{name}.png" for name in SHOWN - {"page"}),
        *(f"dataset/{name}" for name in of_the_data),
        *(f"runs/{run}/{name}" for run in RUNS for name in of_a_run),
        *(f"benchmarks/{job}.tsv" for job in benchmarks),
    }


def test_touched_files_repeat_nothing(project: Project) -> None:
    for source in project["src"].rglob("*.py"):
        os.utime(source)
    assert project.plan() == set()


def test_deleted_metrics_repeat_one_evaluation(project: Project) -> None:
    folder = project[f"results/runs/{FNO}"]
    model = (folder / "model.safetensors").stat().st_mtime_ns
    old = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").unlink()

    assert project.build(PLOT) == {f"evaluate/{FNO}", *PLOTTED}

    new = json.loads((folder / "metrics.json").read_text())
    timed = ("inference_time_s", "patterns_per_s", "peak_memory_mb")
    assert {k: v for k, v in new.items() if k not in timed} == {
        k: v for k, v in old.items() if k not in timed
    }
    assert (folder / "model.safetensors").stat().st_mtime_ns == model
    assert (folder / "reconstruction.npz").exists()


@pytest.mark.parametrize(
    "name",
    [
        "reconstruction.npz",
        pytest.param("refinement.json", marks=pytest.mark.long),
        pytest.param("reconstruction.png", marks=pytest.mark.long),
    ],
)
def test_whatever_is_gone_of_an_evaluation_comes_anew(project: Project, name: str) -> None:
    project[f"results/runs/{FNO}/{name}"].unlink()
    assert project.plan() == {f"evaluate/{FNO}", *EVALUATED}


def test_deleted_networks_stay_deleted(project: Project) -> None:
    for run in RUNS:
        project[f"results/runs/{run}/model.safetensors"].unlink()
    assert project.plan() == set()


def test_new_value_in_the_grid_adds_only_its_jobs(project: Project) -> None:
    first, second = TINY["sweep"]
    project.configure(sweep=[{**first, "width": [4, 6]}, second])
    new = [run.replace("_w4_", "_w6_") for run in (FNO, HYBRID)]
    assert project.plan() == jobs_of(*new) | END
    own = jobs_of(*new, stages=("train", "evaluate"))
    # The latencies of all networks are measured side by side: a new one times all of them anew.
    assert project.plan(PLOT) == own | {"time_inference"} | PLOTTED


def test_new_seed_adds_only_its_jobs(project: Project) -> None:
    project.configure(seeds=[0, 1])
    assert project.plan() == jobs_of(*(run.replace("_s0", "_s1") for run in RUNS)) | END


def test_new_block_adds_only_its_jobs(project: Project) -> None:
    block = {"architecture": ["hybrid"], "supervision": ["truth"], **AXES}
    project.configure(sweep=[*TINY["sweep"], block])
    assert project.plan() == jobs_of("hybrid_tnone_m4_w4_truth_s0") | END


def test_value_gone_from_the_grid_trains_nothing(project: Project) -> None:
    project.configure(sweep=TINY["sweep"][:1])
    assert project.plan() == END


@pytest.mark.parametrize(
    ("section", "repeated"),
    [
        ({"training": {"epochs": 2}}, jobs_of(*RUNS) | END),
        (
            {"pareto": {"cost": "model_params", "quality": "ssim_amp"}},
            {"gather", "break_even", "recommend", "export", *SHOWN},
        ),
        (
            {"classical": {"epochs": [1, 3]}},
            {
                *("classical", "gather_classical", "gallery", "quality_vs_time", "page"),
                *("break_even", "break_even_plot"),
            },
        ),
        ({"refine": {"epochs": [0, 2]}}, jobs_of(*RUNS, stages=("evaluate",)) | EVALUATED),
        ({"teacher": {"epochs": 3}}, {"teach", *jobs_of(FNO, HYBRID), *END}),
        (
            {"dataset": {**TINY["dataset"], "register_input": "none"}},
            jobs_of(*RUNS) | END,
        ),
        # there are no scenarios
        ({"checkpoint_minutes": 0.1, "retry_failed": True, "at_best": None}, set()),
        (
            {"dataset": {**TINY["dataset"], "seed": 2}},
            {"simulate", "dataset_picture", "teach", "classical", *jobs_of(*RUNS), *END},
        ),
    ],
    ids=[
        *("training", "pareto", "classical", "refine", "teacher", "register_input"),
        *("what changes no result", "dataset"),
    ],
)
def test_changed_setting(project: Project, section: dict[str, object], repeated: set[str]) -> None:
    project.configure(**section)
    assert project.plan() == repeated


@pytest.mark.parametrize(
    ("source", "repeated"),
    [
        ("models/hybrid.py", jobs_of(HYBRID) | END),
        pytest.param("models/fno.py", jobs_of(FNO, PHYSICS) | END, marks=pytest.mark.long),
        pytest.param("models/layers.py", jobs_of(*RUNS) | END, marks=pytest.mark.long),
        ("learning/losses.py", jobs_of(*RUNS) | END),
        ("reconstruction/teacher.py", {"teach", *jobs_of(FNO, HYBRID), *END}),
        ("reconstruction/stitch.py", jobs_of(*RUNS, stages=("evaluate",)) | END),
        ("study/table.py", EVALUATED),
        ("pictures/pareto.py", {"pareto_plot", "page"}),
        ("page/page.css", {"page"}),
        (
            "pictures/reconstruction.py",
            jobs_of(*RUNS, stages=("evaluate",)) | EVALUATED,
        ),
        ("pictures/training_scan.py", {"dataset_picture"}),
        (
            "pictures/style.py",
            {"dataset_picture", *jobs_of(*RUNS, stages=("evaluate",)), *EVALUATED},
        ),
        ("config/study.py", set()),
        pytest.param("files/scan_reader.py", set(), marks=pytest.mark.long),
    ],
)
def test_changed_source(project: Project, source: str, repeated: set[str]) -> None:
    change = "/* changed */" if source.endswith(".css") else "CHANGED = True"
    assert project[f"src/ptychopareto/{source}"].exists()
    project.append(f"src/ptychopareto/{source}", f"\n{change}\n")
    assert project.plan() == repeated


def test_other_words_repeat_nothing(project: Project) -> None:
    """Comments and docstrings change in every module that a job of the study depends on."""
    for source in project["src"].rglob("*.py"):
        text = source.read_text()
        source.write_text(text.replace('"""', '"""In other words: ', 1) + "\n# changed\n")
    assert project.plan() == set()


def test_what_a_run_names_outlives_another_default(project: Project) -> None:
    """A run that names its epochs is not trained again when `training.epochs` changes."""
    named = FNO.replace("_teacher", "_e2_teacher")
    block = {"architecture": ["fno"], "supervision": ["teacher"], **AXES, "epochs": [2]}
    model = f"results/runs/{named}/model.safetensors"
    project.configure(sweep=[block])
    project.build(model)

    project.configure(sweep=[block], training={"epochs": 3})
    assert project.plan(model) == set()

    project.configure(sweep=[block], training={"epochs": 3, "batch_size": 8})
    assert project.plan(model) == {f"train/{named}"}


def test_changed_plot_style_repeats_only_plots(project: Project) -> None:
    project.append("src/ptychopareto/pictures/pareto.py", "\nCHANGED = True\n")
    assert project.build() == {"pareto_plot", "page"}
    assert project.plan() == set()


def test_same_run_gives_the_same_weights(project: Project) -> None:
    from safetensors.numpy import load_file

    model = project[f"results/runs/{HYBRID}/model.safetensors"]
    before = load_file(model)
    model.unlink()
    targets = [str(model.relative_to(project.folder)), f"results/runs/{HYBRID}/metrics.json"]
    assert project.build(*targets) == {f"train/{HYBRID}", f"evaluate/{HYBRID}"}
    after = load_file(model)
    assert before.keys() == after.keys()
    assert all((before[name] == after[name]).all() for name in before)
    assert not list(Path(model.parent).glob("*checkpoint*"))
