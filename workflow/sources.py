"""Which files of the library a job depends on: a change in one of them repeats the job.

Snakemake tracks the script of a job, not what the script imports. So these files are inputs of
the jobs. They are all that a job imports from the library (a test compares), except

- PLUMBING, which carries settings and data but computes nothing: a new config key or a better error
  message must not repeat a night of training;
- the other architectures: a change in `models/hybrid.py` trains the hybrid runs and no others.

Pictures and tables are at the end of all chains: no change in them ever repeats a training.
"""

PACKAGE = "src/ptychopareto"

PLUMBING = {
    "__init__.py",
    "config.py",
    "files.py",
    "models/registry.py",
    "study/runs.py",
}

PHYSICS = ["physics/forward.py", "physics/registration.py", "physics/scan.py"]
NETWORKS = ["models/layers.py", "models/network.py"]

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
        "learning/scan_data.py",
        "learning/training.py",
    ],
    "evaluate": [
        *NETWORKS,
        "assessment/cost.py",
        "assessment/evaluation.py",
        "assessment/metrics.py",
        "reconstruction/patches.py",
        "reconstruction/predict.py",
        "reconstruction/stitch.py",
    ],
    "reconstruction_picture": [
        "assessment/metrics.py",
        "pictures/reconstruction.py",
        "pictures/style.py",
    ],
    "gather": ["study/table.py"],
    "pareto_plot": [
        "pictures/labels.py",
        "pictures/pareto.py",
        "pictures/style.py",
        "study/pareto.py",
        "study/table.py",
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
