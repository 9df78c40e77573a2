# The study behind the config, and the functions with which the rules ask about it. No rules here.

import gc
import os
import sys
from dataclasses import asdict
from difflib import get_close_matches
from functools import cache
from hashlib import sha256
from pathlib import Path

# A plan is millions of objects that all stay: to look for garbage among them as often as usual takes a tenth of it.
gc.set_threshold(100_000, 20, 100)

# The library of this checkout, whose files are inputs of the jobs: no other one that may be installed.
ROOT = Path(workflow.basedir)
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "workflow")]

import cluster
import command_line
import estimates
import user_files
from content import Digests, by_content
from ptychopareto.config import (
    AS_TRAINED,
    AXES,
    ConfigError,
    ExistingDataset,
    MeasuredDataset,
    parse_study,
)
from ptychopareto.files import FileError
from ptychopareto.study.runs import expand
from sources import code
from snakemake.io import IOFile
from snakemake.settings.enums import RerunTrigger
from snakemake.utils import update_config
from unlock import claim

# A study file stays strict; what --config gives has lost its types on the way.
given = workflow.config_settings
update_config(config, command_line.typed(given.config_args, given.config))

# A wrong config is a matter of one line, not of a traceback: so no exception leaves this file.
try:
    STUDY = parse_study(config)
    RUNS = expand(STUDY)
except ConfigError as error:
    sys.exit(f"{error}")


# Which of them are runs of the study is for `run_of` to say: Snakemake goes through this pattern for each file
# of each job, so with all names in it a plan would grow with the square of their number.
wildcard_constraints:
    run="[a-z0-9_]+",


# A measured scan is compared with its classical reconstruction, for want of a truth.
MEASURED = isinstance(STUDY.dataset, MeasuredDataset)
REFERENCE = ["results/reference.npz"] if MEASURED else []


SEARCH = STUDY.search
MAIN_AXES = STUDY.plots[0].model_dump(mode="json")
MAIN_COST = MAIN_AXES["cost"]
# The decisions at the rungs of a search, lowest first.
DECISIONS = [f"results/search/rung_{rung}.json" for rung in SEARCH.rungs] if SEARCH else []
# A cost that has to be measured is measured before anything is trained.
UNTRAINED = ["results/search/untrained.json"] if SEARCH and MAIN_COST == "inference_time_s" else []


GPUS_PER_JOB = 0 if STUDY.device == "cpu" else 1
# Runs that share a job of a cluster share its GPU: Snakemake tells no job of the profile's limit.
if workflow.remote_exec:
    workflow.global_resources["gpu"] = GPUS_PER_JOB


# The number of --cores; 8 where it is not given, as on a cluster.
ALL_CORES = workflow.global_resources["_cores"].value or 8


# How many jobs of a cluster there may be at once. Where there is none, Snakemake would form groups only to list them.
ON_CLUSTER = workflow.global_resources["_nodes"].value is not None


def nearest_to(name):
    """The names that resemble one that is not a run of the study."""
    near = get_close_matches(name, RUNS, n=3, cutoff=0) if len(RUNS) <= 1000 else list(RUNS)[:3]
    return f"allowed are {', '.join(near)}" + (
        f" and {len(RUNS) - 3} others" if len(RUNS) > 3 else ""
    )


def run_of(wildcards):
    """The run that a job is for; a misspelt target ends here, in one line."""
    if wildcards.run not in RUNS:
        sys.exit(f"there is no run {wildcards.run!r} in this study; {nearest_to(wildcards.run)}")
    return RUNS[wildcards.run]


def demands(estimate):
    """The resources of a job: its estimate; on a cluster, as much again with each attempt."""
    return estimates.demands(lambda wildcards: estimate) if ON_CLUSTER else asdict(estimate)


@cache
def training_of(run):
    """Its estimate, for which each of its resources asks."""
    return estimates.training(run, STUDY)


def demands_of_training():
    """The resources of each training. On one machine only GPU memory is counted by run; memory and time are those of the largest."""
    own = estimates.demands(lambda wildcards: training_of(run_of(wildcards)))
    if ON_CLUSTER:
        return own
    trainings = [training_of(run) for run in RUNS.values()]
    return own | {
        name: max(getattr(one, name) for one in trainings) for name in ("mem_mb", "runtime")
    }


def group_of_training(wildcards):
    """Short trainings share a job of a cluster, each with the evaluation of its network."""
    return "short_runs" if estimates.is_short(run_of(wildcards), STUDY) else None


def group_of_assessment(wildcards):
    """The evaluation of one network is never worth a job of a cluster of its own."""
    return group_of_training(wildcards) or "assessments"


SCENARIOS = {change.name: change for change in STUDY.scenarios}


def scan_of_scenario(wildcards):
    """The scan of a scenario; that of the study is one too."""
    if wildcards.scenario == AS_TRAINED:
        return "results/dataset/test.npz"
    return f"results/scenarios/{wildcards.scenario}/test.npz"


def change_of_scenario(wildcards):
    """The changes of the test scan in a scenario."""
    changes = {change.name: change for change in CONTENT.scenarios}
    return changes[wildcards.scenario].model_dump(mode="json")


def study_by_content():
    """The study with the digest of each file that it names in place of the file's path."""
    digests = Digests(Path(".snakemake/content_of_files.json"))
    parts = {"dataset": STUDY.dataset, "scenarios": STUDY.scenarios}
    return STUDY.model_copy(
        update={name: by_content(part, digests) for name, part in parts.items()}
    )


# A wrong file is a matter of one line too, before a job is planned.
try:
    user_files.check_existence(STUDY)
    # This one decides what is made again: the same file under another path changes nothing.
    CONTENT = study_by_content()
    if workflow.is_main_process:
        user_files.check_fit(STUDY)
except (ConfigError, FileError) as error:
    sys.exit(f"{error}")


def code_of(job):
    """The digest of the code that a job depends on; computed only for jobs of the plan."""
    return lambda wildcards: code(job)


def rerun_triggers(workflow):
    """The reasons for which Snakemake repeats a job, unless the command line names them: no script's time, no input's path.

    Contents are compared instead, as parameters: those of scripts and the library in `code`, those of the user's
    files in `CONTENT`. What makes the data of a training stands in the header of its model.
    """
    named = workflow.dag_settings.rerun_triggers
    by_time_and_path = {RerunTrigger.CODE, RerunTrigger.INPUT}
    return named - by_time_and_path if named == RerunTrigger.all() else named


# Snakemake settles which are named after it has read this file, so they are filtered where it asks for them.
type(workflow).rerun_triggers = property(rerun_triggers)


def force(*paths):
    """Have the jobs that make these files done, as by --forcerun."""
    # What is public, the setting `forcerun`, is read before there is a plan, and makes its files targets of each call.
    # This is the set that it fills, to which Snakemake adds incomplete files while it plans, as is done here; a change
    # of it is found by tests/workflow/test_forced_jobs.py.
    workflow.dag.forcefiles.update(paths)


def failed(run):
    """Whether the run was trained and evaluated, and there was a numerical failure."""
    from ptychopareto.files import read_json

    model, metrics = (
        Path(f"results/runs/{run}/{name}") for name in ("model.safetensors", "metrics.json")
    )
    try:
        if read_json(metrics).get("status") not in ("diverged", "out_of_memory"):
            return False
    except FileError:  # nothing there, or damaged, which its next reader will say
        return False
    # Metrics older than the model are those of the training before it.
    return not model.exists() or metrics.stat().st_mtime >= model.stat().st_mtime


def settings_in_report():
    """The settings that the report lists: those of every study, and what else differs between runs."""
    runs = [run.settings(STUDY.training) for run in RUNS.values()]
    seldom = {name for name, axis in AXES.items() if axis.seldom}
    return [name for name in runs[0] if name not in seldom or len({run[name] for run in runs}) > 1]


SETTINGS_IN_REPORT = settings_in_report()


def labels_of_run(wildcards):
    """How the report lists a picture of the run."""
    settings = run_of(wildcards).settings(STUDY.training)
    values = {name: settings[name] for name in SETTINGS_IN_REPORT}
    return {
        name.replace("_", " "): "–" if value is None else str(value)
        for name, value in values.items()
    }


def runs_to_the_end():
    """The runs that are trained to the end, in grid order: all, or in a search those that went on.

    Raises what makes Snakemake ask again, until the last rung is decided.
    """
    if SEARCH is None:
        return list(RUNS)
    # With other rungs there are new decisions between old files, which Snakemake would not miss.
    force(*(file for file in DECISIONS if not os.path.exists(file)))
    checkpoints.decide.get(rung=SEARCH.rungs[-1])
    from ptychopareto.study.rungs import finished, read_decision

    decisions = [read_decision(Path(file)) for file in DECISIONS]
    return [run.id for run in finished(decisions, RUNS.values())]


def paths_of_runs(pattern):
    """One path for each run that is trained to the end, in grid order."""
    if SEARCH is None:
        return [pattern.format(run=run) for run in RUNS]
    return lambda wildcards: [pattern.format(run=run) for run in runs_to_the_end()]


def runs_of_models(wildcards, input):
    """The runs whose networks a job takes, in order. Snakemake records nothing that comes from inputs: see `grid`."""
    return list(RUNS) if SEARCH is None else [Path(file).parent.name for file in input.models]


EVALUATED = ("metrics.json", "reconstruction.npz", "refinement.json", "reconstruction.png")


def metrics_of_all_runs(wildcards):
    """The metrics of all runs; an evaluation of which something was deleted comes anew.

    Snakemake does not miss a file as long as there is what was made from it: a deleted metrics.json
    would stay deleted, and its row in the table. So its job is forced, as by --forcerun.
    """
    gathered, runs = Path("results/study_results.csv").exists(), runs_to_the_end()
    for run in runs:
        there = [os.path.exists(f"results/runs/{run}/{name}") for name in EVALUATED]
        if not all(there) and (gathered or any(there)):
            force(f"results/runs/{run}/metrics.json")
    return [f"results/runs/{run}/metrics.json" for run in runs]


def picture(name, category="Pareto front", label=None):
    """A picture that goes into the report, under its caption."""
    return report(
        ensure(f"results/{name}.png", non_empty=True),
        caption=f"../report/{name}.rst",
        category=category,
        labels={"result": label or name.replace("_", " ")},
    )


def study_targets():
    return [
        "results/index.html",
        "results/recommendation.json",
        "results/recommended",
        "results/refinement.csv",
        "results/dataset/dataset.png",
        *[f"results/{name}.png" for name in ALL_PICTURES],
        *[f"results/pareto_{axes}.png" for axes in OTHER_AXES],
        *(["results/scenarios.csv"] if STUDY.scenarios else []),
        *(["results/scan.png", "results/probe.png"] if MEASURED else []),
    ]


onstart:
    # `partial` shows a study while it runs; anything else has the folder to itself.
    if any(not job.rule.name.startswith("partial") for job in workflow.dag.needrun_jobs()):
        claim(Path.cwd())
    if workflow.executor_plugin.name == "slurm":
        cluster.before_submitting(Path.cwd(), workflow.executor_settings.status_command)
