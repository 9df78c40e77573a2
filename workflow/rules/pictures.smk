# The results to look at: the plots, the gallery, the page; and all of them for a study half done.
#
# takes the tables of results/, recommendation.json, and the reconstructions and training histories that they name
# makes results/*.png, results/index.html, and the same under results/partial/

import re
import time


localrules:
    pareto_plot,
    other_pareto_plot,
    gallery,
    quality_vs_time,
    break_even_plot,
    marginals,
    training_curves,
    page,
    partial_results,
    partial,


PICTURES = [
    *("pareto_plot", "gallery", "quality_vs_time", "break_even_plot"),
    *("marginals", "training_curves"),
]
# Scenarios come after all trainings: a study half done has none to show.
ALL_PICTURES = [
    *PICTURES,
    *(["rungs"] if SEARCH else []),
    *(["robustness"] if STUDY.scenarios else []),
]


wildcard_constraints:
    axes="|".join(re.escape(axes) for axes in OTHER_AXES) or "no_other_axes",


rule pareto_plot:
    input:
        table="results/study_results.csv",
        configurations="results/configurations.csv",
        front=FRONT,
        purposes=PURPOSES,
    output:
        png=picture("pareto_plot", label="plot"),
        svg=ensure("results/pareto_plot.svg", non_empty=True),
    log:
        "results/logs/pareto_plot.log",
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code_of("pareto_plot"),
        axes=MAIN_AXES,
    message:
        "Drawing the Pareto front"
    script:
        "../scripts/pareto_plot.py"


rule other_pareto_plot:
    input:
        table="results/study_results.csv",
        configurations="results/configurations.csv",
        front="results/pareto_front_{axes}.csv",
        purposes=PURPOSES,
    output:
        png=report(
            ensure("results/pareto_{axes}.png", non_empty=True),
            caption="../report/pareto_plot.rst",
            category="Pareto front",
            labels={"result": "{axes}"},
        ),
        svg=ensure("results/pareto_{axes}.svg", non_empty=True),
    log:
        "results/logs/pareto_plot/{axes}.log",
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code_of("pareto_plot"),
        axes=lambda wildcards: OTHER_AXES[wildcards.axes],
    message:
        "Drawing another Pareto front: {wildcards.axes}"
    script:
        "../scripts/pareto_plot.py"


rule gallery:
    input:
        table="results/study_results.csv",
        front=FRONT,
        classical="results/classical.csv",
        objects="results/classical.npz",
        test="results/dataset/test.npz",
        reference=REFERENCE,
    output:
        picture=picture("gallery", category="Reconstructions", label="the front"),
    log:
        "results/logs/gallery.log",
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        code=code_of("gallery"),
        runs=RUN_SETTINGS,
        axes=MAIN_AXES,
    message:
        "Drawing the reconstructions of the front"
    script:
        "../scripts/gallery.py"


rule quality_vs_time:
    input:
        classical="results/classical.csv",
        refinement="results/refinement.csv",
        configurations="results/configurations.csv",
        front=FRONT,
        purposes=PURPOSES,
    output:
        picture=picture("quality_vs_time"),
    log:
        "results/logs/quality_vs_time.log",
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code_of("quality_vs_time"),
        axes=MAIN_AXES,
    message:
        "Drawing quality against time"
    script:
        "../scripts/quality_vs_time.py"


rule break_even_plot:
    input:
        table="results/break_even.csv",
        configurations="results/configurations.csv",
        front=FRONT,
        purposes=PURPOSES,
    output:
        picture=picture("break_even_plot", label="after how many scans training pays"),
    log:
        "results/logs/break_even_plot.log",
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code_of("break_even_plot"),
        axes=MAIN_AXES,
    message:
        "Drawing after how many scans training pays"
    script:
        "../scripts/break_even_plot.py"


rule marginals:
    input:
        table="results/study_results.csv",
    output:
        picture=picture("marginals", category="Training"),
    log:
        "results/logs/marginals.log",
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code_of("marginals"),
        axes=MAIN_AXES,
    message:
        "Drawing the effect of each hyperparameter"
    script:
        "../scripts/marginals.py"


rule training_curves:
    input:
        table="results/study_results.csv",
    output:
        picture=picture("training_curves", category="Training"),
    log:
        "results/logs/training_curves.log",
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code_of("training_curves"),
        runs=RUN_SETTINGS,
    message:
        "Drawing the training curves"
    script:
        "../scripts/training_curves.py"


rule page:
    input:
        table="results/study_results.csv",
        configurations="results/configurations.csv",
        front=FRONT,
        timing="results/timing.json",
        test="results/dataset/test.npz",
        recommendation="results/recommendation.json",
        break_even="results/break_even.csv",
        pictures=[f"results/{name}.png" for name in ALL_PICTURES],
    output:
        page=report(
            ensure("results/index.html", non_empty=True),
            caption="../report/page.rst",
            category="Pareto front",
            labels={"result": "interactive page"},
        ),
    log:
        "results/logs/page.log",
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        code=code_of("page"),
        runs=RUN_SETTINGS,
        axes=MAIN_AXES,
    message:
        "Making the interactive page"
    script:
        "../scripts/page.py"


# No inputs: it takes the files that are there. The time of the call is a parameter, so it always runs.
rule partial_results:
    output:
        page="results/partial/index.html",
        table="results/partial/study_results.csv",
        plot="results/partial/pareto_plot.png",
    log:
        "results/logs/partial.log",
    conda:
        "../envs/ptychopareto.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        runs=RUN_SETTINGS,
        axes=MAIN_AXES,
        study=STUDY_SETTINGS,
        pictures=PICTURES,
        other_axes=OTHER_AXES,
        decisions=DECISIONS,
        keep=list(SEARCH.keep) if SEARCH else [],
        untrained=UNTRAINED,
        teacher_epochs=STUDY.teacher.epochs,
        settings={name: fingerprint(run) for name, run in RUNS.items()},
        asked_at=time.time(),
    message:
        "Showing what has finished so far"
    script:
        "../scripts/partial.py"


rule partial:
    input:
        rules.partial_results.output,
