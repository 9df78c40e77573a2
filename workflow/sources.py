"""Which files of the library a job depends on: a change in one of them repeats the job.

Snakemake tracks the script of a job, not what the script imports. So these files are inputs of
the jobs; for the jobs of a run, of which there may be thousands, their content is a parameter. They
are all that a job imports from the library (a test compares), except

- PLUMBING, which carries settings and data but computes nothing: a new config key or a better error
  message must not repeat a night of training;
- the other architectures: a change in `models/hybrid.py` trains the hybrid runs and no others.

Pictures and tables are at the end of all chains: no change in them ever repeats a training. The
picture of one reconstruction is drawn by its evaluation, and a change in it repeats that.
"""

PACKAGE = "src/ptychopareto"

PLUMBING = {
    "__init__.py",
    "config/__init__.py",
    "config/architectures.py",
    "config/dataset.py",
    "config/mistakes.py",
    "config/scenarios.py",
    "config/sections.py",
    "config/study.py",
    "config/words.py",
    "files/__init__.py",
    "files/content.py",
    "files/dataset.py",
    "files/errors.py",
    "files/images.py",
    "files/npz.py",
    "files/text.py",
    "files/writing.py",
    "memory.py",
    "models/registry.py",
    "study/results.py",
    "study/runs.py",
}

PHYSICS = ["physics/forward.py", "physics/registration.py", "physics/scan.py"]
NETWORKS = ["models/layers.py", "models/network.py"]
STITCH = ["reconstruction/patches.py", "reconstruction/stitch.py"]
CLASSICAL = [*STITCH, "assessment/classical.py", "assessment/metrics.py", "reconstruction/rpie.py"]
TABLES = ["study/configurations.py", "study/table.py"]
FRONT = [*TABLES, "study/pareto.py"]
RECOMMENDATION = [*FRONT, "study/recommendation.py"]
SCENARIOS = [*TABLES, "study/against_time.py", "study/robustness.py"]

SOURCES: dict[str, list[str]] = {
    "simulate": [*PHYSICS, "physics/dataset.py", "physics/objects.py", "physics/probe.py"],
    "import_dataset": [],
    "dataset_picture": ["pictures/dataset.py", "pictures/style.py"],
    "teach": [
        "assessment/metrics.py",
        "reconstruction/patches.py",
        "reconstruction/rpie.py",
        "reconstruction/teacher.py",
    ],
    "train": [
        *PHYSICS,
        *NETWORKS,
        "learning/checkpoint.py",
        "learning/losses.py",
        "learning/progress.py",
        "learning/scan_data.py",
        "learning/supervision.py",
        "learning/training.py",
        "physics/groups.py",
    ],
    "evaluate": [
        *NETWORKS,
        *CLASSICAL,
        "assessment/cost.py",
        "assessment/evaluation.py",
        "assessment/refinement.py",
        "pictures/reconstruction.py",
        "pictures/style.py",
        "physics/groups.py",
        "reconstruction/predict.py",
    ],
    "time_inference": [
        *NETWORKS,
        *STITCH,
        "assessment/cost.py",
        "assessment/evaluation.py",
        "assessment/metrics.py",
        "assessment/timing.py",
        "physics/groups.py",
        "reconstruction/predict.py",
        "reconstruction/rpie.py",
    ],
    "classical": CLASSICAL,
    "scenario": [
        *PHYSICS,
        "physics/dataset.py",
        "physics/objects.py",
        "physics/probe.py",
        "physics/scenarios.py",
    ],
    "evaluate_scenario": [
        *NETWORKS,
        *CLASSICAL,
        "assessment/cost.py",
        "assessment/evaluation.py",
        "assessment/robustness.py",
        "physics/groups.py",
        "reconstruction/predict.py",
    ],
    "gather_scenarios": SCENARIOS,
    "robustness": [
        *SCENARIOS,
        "pictures/labels.py",
        "pictures/robustness.py",
        "pictures/style.py",
    ],
    "gather": [*TABLES, "study/against_time.py"],
    "gather_classical": ["study/against_time.py"],
    "recommend": [*RECOMMENDATION, "study/against_time.py", "study/robustness.py"],
    "pareto_plot": [
        *FRONT,
        "pictures/labels.py",
        "pictures/pareto.py",
        "pictures/style.py",
    ],
    "gallery": [
        *RECOMMENDATION,
        "assessment/metrics.py",
        "pictures/gallery.py",
        "pictures/style.py",
    ],
    "quality_vs_time": ["pictures/labels.py", "pictures/quality_vs_time.py", "pictures/style.py"],
    "marginals": ["pictures/marginals.py", "pictures/style.py", "study/table.py"],
    "training_curves": [
        "pictures/labels.py",
        "pictures/style.py",
        "pictures/training_curves.py",
        *TABLES,
    ],
    "page": [
        *FRONT,
        "page/columns.py",
        "page/document.py",
        "page/page.css",
        "page/page.js",
        "page/template.html",
        "page/thumbnail.py",
        "pictures/style.py",
    ],
}


def sources(job: str, architecture: str | None = None) -> list[str]:
    """The library files that a job depends on, relative to the project.

    Args:
        job: the name of its rule.
        architecture: that of its network, if it has one; its file is `models/<architecture>.py`.
    """
    files = SOURCES[job] if architecture is None else [*SOURCES[job], f"models/{architecture}.py"]
    return [f"{PACKAGE}/{file}" for file in files]
