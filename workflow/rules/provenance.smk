# The origin of a training: what it was made from, and whether the study still asks for that. No rules here.
#
# Snakemake repeats whatever comes after a job that it repeats. But the data of a finished training may be made anew
# for another run, to the same bits. So a model says itself what it was made from, and while this is what the study
# asks for, its training waits for nothing.

from ptychopareto.files import read_json, read_made_from
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
    """The digest of the code that makes the data of a training."""
    return code_of_data(
        DATA_JOBS + (["teach"] if supervision == "teacher" and not MEASURED else [])
    )


@cache
def fingerprint_of(training, supervision):
    """The digest of the dataset, of the settings of a training, and of those of its teacher."""
    parts = {"dataset", "training"} | ({"teacher"} if supervision == "teacher" else set())
    text = CONTENT.model_copy(update={"training": training}).model_dump_json(include=parts)
    return sha256(text.encode()).hexdigest()[:16]


def fingerprint(run):
    """The digest of the settings behind a run's results: another default of a key that the run names changes nothing."""
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


def is_forced(rule, paths):
    """Whether the user wants these files made anew."""
    dag = workflow.dag
    return not dag.forcefiles.isdisjoint(paths) or rule in {one.name for one in dag.forcerules}


def is_recorded(path):
    """Whether Snakemake knows what it made a file from; it does not in results without their .snakemake folder."""
    return bool(workflow.persistence.metadata(IOFile(path)))


def data_unless_made(wildcards, rule, outputs, made):
    """The inputs of a training. A finished one waits for none of them, while its model says that it is what the study asks for."""
    files = {"train": TRAINING_SCAN}
    if run_of(wildcards).supervision == "teacher":
        files["target"] = TEACHER
    complete = made is not None and all(map(os.path.exists, outputs))
    if not workflow.is_main_process or not complete or is_forced(rule, outputs):
        return files
    if made == made_from(wildcards):
        return {name: ancient(path) for name, path in files.items() if os.path.exists(path)}
    if not is_recorded(outputs[0]):  # else Snakemake sees by itself what has changed
        before = [*files.values(), *(["results/scan/train.npz"] if MEASURED else [])]
        force(outputs[0], *(path for path in before if not is_recorded(path)))
    return files


def data_of_training(wildcards):
    """The inputs of a training to the end."""
    folder = f"results/runs/{wildcards.run}"
    model = f"{folder}/model.safetensors"
    if STUDY.retry_failed and workflow.is_main_process and failed(wildcards.run):
        force(model)
    made = read_made_from(Path(model)) if workflow.is_main_process else None
    return data_unless_made(wildcards, "train", (model, f"{folder}/history.csv"), made)


def data_at_rung(wildcards):
    """The inputs of a training up to a rung."""
    file = f"results/runs/{wildcards.run}/rung_{wildcards.rung}.json"
    try:
        record = read_json(Path(file)) if workflow.is_main_process else {}
    except FileError:  # nothing there, or damaged, which its next reader will say
        record = {}
    if STUDY.retry_failed and record.get("status") in ("diverged", "out_of_memory"):
        force(file)
    return data_unless_made(wildcards, "rung", (file,), record.get("made_from"))
