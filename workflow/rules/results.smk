# All runs side by side: the tables, the front, the recommendation.
#
# takes the evaluations of all runs, results/timing.json and results/classical.json
# makes results/study_results.csv, configurations.csv, refinement.csv, classical.csv, pareto_front.csv, purposes.csv,
#       break_even.csv, recommendation.json and recommended/
#
# Only `gather` names files of all runs among its inputs (and those that need the networks themselves): whatever comes
# after its tables comes after all evaluations.


localrules:
    gather,
    gather_classical,
    break_even,
    recommend,


RUN_SETTINGS = [asdict(run) for run in RUNS.values()]
OTHER_AXES = {
    f"{axes.cost}_{axes.quality}": axes.model_dump(mode="json") for axes in STUDY.plots[1:]
}
FRONT = "results/pareto_front.csv"
PURPOSES = "results/purposes.csv"
OTHER_FRONTS = [f"results/pareto_front_{axes}.csv" for axes in OTHER_AXES]
# The settings that repeat a run: the study without its grid and its looks.
STUDY_SETTINGS = STUDY.model_dump(
    mode="json", exclude={"sweep", "seeds", "classical", "refine", "scenarios", "at_best", "pareto"}
)


rule gather:
    input:
        metrics=metrics_of_all_runs,
        decisions=DECISIONS,
        untrained=UNTRAINED,
        timing="results/timing.json",
    output:
        table=report(
            ensure("results/study_results.csv", non_empty=True),
            caption="../report/study_results.rst",
            category="Tables",
            labels={"result": "all runs"},
        ),
        configurations=report(
            ensure("results/configurations.csv", non_empty=True),
            caption="../report/configurations.rst",
            category="Tables",
            labels={"result": "all configurations"},
        ),
        front=report(
            ensure(FRONT, non_empty=True),
            caption="../report/pareto_front.rst",
            category="Tables",
            labels={"result": "configurations on the front"},
        ),
        other_fronts=ensure(OTHER_FRONTS, non_empty=True),
        refinement=report(
            ensure("results/refinement.csv", non_empty=True),
            caption="../report/refinement.rst",
            category="Tables",
            labels={"result": "rPIE after each network"},
        ),
        purposes=report(
            ensure(PURPOSES, non_empty=True),
            caption="../report/purposes.rst",
            category="Tables",
            labels={"result": "which network for which purpose"},
        ),
    log:
        "results/logs/gather.log",
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code_of("gather"),
        runs=RUN_SETTINGS,
        axes=[MAIN_AXES, *OTHER_AXES.values()],
    message:
        "Gathering the results of all runs"
    script:
        "../scripts/gather.py"


rule gather_classical:
    input:
        scores="results/classical.json",
        timing="results/timing.json",
    output:
        table=report(
            ensure("results/classical.csv", non_empty=True),
            caption="../report/classical.rst",
            category="Tables",
            labels={"result": "rPIE from a flat start"},
        ),
    log:
        "results/logs/gather_classical.log",
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code_of("gather_classical"),
    message:
        "Gathering quality against time of the classical reference"
    script:
        "../scripts/gather_classical.py"


rule break_even:
    input:
        table="results/study_results.csv",
        refinement="results/refinement.csv",
        classical="results/classical.csv",
        timing="results/timing.json",
        train="results/dataset/train.npz",
        test="results/dataset/test.npz",
    output:
        table=report(
            ensure("results/break_even.csv", non_empty=True),
            caption="../report/break_even.rst",
            category="Tables",
            labels={"result": "after how many scans training pays"},
        ),
    log:
        "results/logs/break_even.log",
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        code=code_of("break_even"),
        axes=MAIN_AXES,
        teacher_epochs=STUDY.teacher.epochs,
    message:
        "Counting the scans after which training pays"
    script:
        "../scripts/break_even.py"


rule recommend:
    input:
        table="results/study_results.csv",
        front=FRONT,
        purposes=PURPOSES,
        models=paths_of_runs("results/runs/{run}/model.safetensors"),
        decisions=DECISIONS,
        scenarios=["results/scenarios.csv"] if STUDY.scenarios else [],
        refinement="results/refinement.csv",
        classical=["results/classical.csv"] if MAIN_AXES["quality"] == "r_free" else [],
    output:
        recommendation=ensure("results/recommendation.json", non_empty=True),
    log:
        "results/logs/recommend.log",
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code_of("recommend"),
        runs=RUN_SETTINGS,
        axes=MAIN_AXES,
        scenarios=list(SCENARIOS),
    message:
        "Finding the configuration to recommend"
    script:
        "../scripts/recommend.py"


rule export:
    input:
        recommendation="results/recommendation.json",
        models=paths_of_runs("results/runs/{run}/model.safetensors"),
    output:
        recommended=directory("results/recommended"),
    log:
        "results/logs/export.log",
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        code=code_of("export"),
        runs=RUN_SETTINGS,
        study=STUDY_SETTINGS,
    message:
        "Laying out the recommended network for use"
    script:
        "../scripts/export.py"
