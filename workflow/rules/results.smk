# All runs side by side: the table, the front, the plot.
#
# takes results/runs/{run}/metrics.json of all runs
# makes results/study_results.csv, results/pareto_front.csv, results/pareto_plot.png and .svg


localrules:
    gather,
    pareto_plot,


rule gather:
    message:
        "Gathering the results of all runs"
    input:
        metrics=metrics_of_all_runs,
        library=library("gather"),
    output:
        table=report(
            ensure("results/study_results.csv", non_empty=True),
            caption="../report/study_results.rst",
            category="Pareto front",
            labels={"result": "all runs"},
        ),
    params:
        runs=[asdict(run) for run in RUNS.values()],
    log:
        "results/logs/gather.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    conda:
        "../envs/ptychopareto.yaml"
    script:
        "../scripts/gather.py"


rule pareto_plot:
    message:
        "Drawing the Pareto front"
    input:
        table="results/study_results.csv",
        library=library("pareto_plot"),
    output:
        png=report(
            ensure("results/pareto_plot.png", non_empty=True),
            caption="../report/pareto_plot.rst",
            category="Pareto front",
            labels={"result": "plot"},
        ),
        svg=ensure("results/pareto_plot.svg", non_empty=True),
        front=report(
            ensure("results/pareto_front.csv", non_empty=True),
            caption="../report/pareto_front.rst",
            category="Pareto front",
            labels={"result": "configurations on the front"},
        ),
    params:
        axes=STUDY.pareto.model_dump(mode="json"),
    log:
        "results/logs/pareto_plot.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    conda:
        "../envs/ptychopareto.yaml"
    script:
        "../scripts/pareto_plot.py"
