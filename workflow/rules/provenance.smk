# What a training was made from, and whether a finished one still is what the study asks for. No rules here.
#
# Snakemake repeats whatever comes after a job that it repeats. But the data of a finished training may be made anew
# for another run, to the same bits. So a model says itself what it was made from, and while this is what the study
# asks for, its training waits for nothing.

from ptychopareto.files import read_made_from
from sources import code_of_data

TRAINING_SCAN = "results/dataset/train.npz"
TEACHER = "results/dataset/teacher.npz"

if isinstance(STUDY.dataset, ExistingDataset):
    DATA_JOBS = ["import_dataset"]
elif MEASURED:
    DATA_JOBS = ["prepare_scan", "prepare_probe"]
else:
    DATA_JOBS = ["simulate"]


@cache
def code_of_data_for(supervision):
    """What identifies the code that makes a training's data."""
    return code_of_data(
        DATA_JOBS + (["teach"] if supervision == "teacher" and not MEASURED else [])
    )


@cache
def fingerprint_of(training, supervision):
    """What identifies the dataset, the settings of a training, and those of its teacher."""
    parts = {"dataset", "training"} | ({"teacher"} if supervision == "teacher" else set())
    text = CONTENT.model_copy(update={"training": training}).model_dump_json(include=parts)
    return sha256(text.encode()).hexdigest()[:16]


def fingerprint(run):
    """What identifies the settings behind a run's results: another default of a key that it names changes nothing."""
    return fingerprint_of(run.training(STUDY.training), run.supervision)


def training_settings(wildcards):
    """The settings of the training of a run."""
    return run_of(wildcards).training(STUDY.training).model_dump(mode="json")


def made_from(wildcards):
    """All that a training depends on. One function: each takes time in each job."""
    run = run_of(wildcards)
    return {
        "run": wildcards.run,
        "settings": fingerprint(run),
        "code": code("train", run.architecture),
        "code_of_data": code_of_data_for(run.supervision),
        "device": STUDY.device,
    }


def force(*paths):
    """Have the jobs that make these files done, as by --forcerun."""
    workflow.dag.forcefiles.update(paths)


def is_forced(rule, paths):
    """Whether the user wants these files made anew."""
    dag = workflow.dag
    return not dag.forcefiles.isdisjoint(paths) or rule in {one.name for one in dag.forcerules}


def is_recorded(path):
    """Whether Snakemake knows what it made a file from; it does not in results without their .snakemake folder."""
    return workflow.persistence.metadata(IOFile(path)) is not None


def data_of_training(wildcards):
    """What a training reads. A finished one that is still asked for waits for none of it."""
    files = {"train": TRAINING_SCAN}
    if run_of(wildcards).supervision == "teacher":
        files["target"] = TEACHER
    if not workflow.is_main_process:
        return files
    model, history = (
        f"results/runs/{wildcards.run}/{name}" for name in ("model.safetensors", "history.csv")
    )
    if STUDY.retry_failed and failed(wildcards.run):
        force(model)
    made = read_made_from(Path(model))
    if made is None or not os.path.exists(history) or is_forced("train", (model, history)):
        return files
    if made == made_from(wildcards):
        return {name: ancient(path) for name, path in files.items() if os.path.exists(path)}
    if not is_recorded(model):  # else Snakemake sees by itself what has changed
        before = [*files.values(), *(["results/scan/train.npz"] if MEASURED else [])]
        force(model, *(path for path in before if not is_recorded(path)))
    return files
