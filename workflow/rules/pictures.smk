# What a person looks at: the plots, the gallery, the page; and all of it from a study half done.
#
# takes the tables of results/, and the reconstructions and training histories that they name
# makes results/*.png, results/index.html, and the same under results/partial/


localrules:
    pareto_plot,
    other_pareto_plot,
    gallery,
    quality_vs_time,
    marginals,
    training_curves,
    page,
    partial_results,
    partial,


PICTURES = ["pareto_plot", "gallery", "quality_vs_time", "marginals", "training_curves"]
# Scenarios come after all trainings: of a study half done there are none to be seen.
ALL_PICTURES = [*PICTURES, *(["robustness"] if STUDY.scenarios else [])]
OTHER_AXES = {f"{axes.cost}_{axes.quality}": axes.model_dump(mode="json") for axes in STUDY.plots[1:]}


wildcard_constraints:
    axes="|".join(re.escape(axes) for axes in OTHER_AXES) or "no_other_axes",


rule pareto_plot:
    message:
        "Drawing the Pareto front"
    input:
        table="results/study_results.csv",
        library=library("pareto_plot"),
    output:
        png=picture("pareto_plot", label="plot"),
        svg=ensure("results/pareto_plot.svg", non_empty=True),
    params:
        axes=MAIN_AXES,
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


rule other_pareto_plot:
    message:
        "Drawing another Pareto front: {wildcards.axes}"
    input:
        table="results/study_results.csv",
        library=library("pareto_plot"),
    output:
        png=report(
            ensure("results/pareto_{axes}.png", non_empty=True),
            caption="../report/pareto_plot.rst",
            category="Pareto front",
            labels={"result": "{axes}"},
        ),
        svg=ensure("results/pareto_{axes}.svg", non_empty=True),
    params:
        axes=lambda wildcards: OTHER_AXES[wildcards.axes],
    log:
        "results/logs/pareto_plot/{axes}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    conda:
        "../envs/ptychopareto.yaml"
    script:
        "../scripts/pareto_plot.py"


rule gallery:
    message:
        "Drawing the reconstructions of the front"
    input:
        table="results/study_results.csv",
        classical="results/classical.csv",
        objects="results/classical.npz",
        test="results/dataset/test.npz",
        library=library("gallery"),
    output:
        picture=picture("gallery", category="Reconstructions", label="the front"),
    params:
        runs=RUN_SETTINGS,
        axes=MAIN_AXES,
    log:
        "results/logs/gallery.log",
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    conda:
        "../envs/ptychopareto.yaml"
    script:
        "../scripts/gallery.py"


rule quality_vs_time:
    message:
        "Drawing quality against time"
    input:
        classical="results/classical.csv",
        refinement="results/refinement.csv",
        front="results/pareto_front.csv",
        library=library("quality_vs_time"),
    output:
        picture=picture("quality_vs_time"),
    params:
        axes=MAIN_AXES,
    log:
        "results/logs/quality_vs_time.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    conda:
        "../envs/ptychopareto.yaml"
    script:
        "../scripts/quality_vs_time.py"


rule marginals:
    message:
        "Drawing the effect of each hyperparameter"
    input:
        table="results/study_results.csv",
        library=library("marginals"),
    output:
        picture=picture("marginals", category="Training"),
    params:
        axes=MAIN_AXES,
    log:
        "results/logs/marginals.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    conda:
        "../envs/ptychopareto.yaml"
    script:
        "../scripts/marginals.py"


rule training_curves:
    message:
        "Drawing the training curves"
    input:
        table="results/study_results.csv",
        library=library("training_curves"),
    output:
        picture=picture("training_curves", category="Training"),
    params:
        runs=RUN_SETTINGS,
    log:
        "results/logs/training_curves.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    conda:
        "../envs/ptychopareto.yaml"
    script:
        "../scripts/training_curves.py"


rule page:
    message:
        "Making the interactive page"
    input:
        table="results/study_results.csv",
        timing="results/timing.json",
        test="results/dataset/test.npz",
        pictures=[f"results/{name}.png" for name in ALL_PICTURES],
        library=library("page"),
    output:
        page=report(
            ensure("results/index.html", non_empty=True),
            caption="../report/page.rst",
            category="Pareto front",
            labels={"result": "interactive page"},
        ),
    params:
        runs=RUN_SETTINGS,
        axes=MAIN_AXES,
    log:
        "results/logs/page.log",
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    conda:
        "../envs/ptychopareto.yaml"
    script:
        "../scripts/page.py"


# No inputs: it takes what is there. The time it is asked at is a parameter, so it is always made anew.
rule partial_results:
    message:
        "Showing what has finished so far"
    output:
        page="results/partial/index.html",
        table="results/partial/study_results.csv",
        plot="results/partial/pareto_plot.png",
    params:
        runs=RUN_SETTINGS,
        axes=MAIN_AXES,
        study=STUDY_SETTINGS,
        pictures=PICTURES,
        other_axes=OTHER_AXES,
        settings={name: fingerprint(run.supervision) for name, run in RUNS.items()},
        asked_at=time.time(),
    log:
        "results/logs/partial.log",
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    conda:
        "../envs/ptychopareto.yaml"
    script:
        "../scripts/partial.py"


rule partial:
    input:
        rules.partial_results.output,
