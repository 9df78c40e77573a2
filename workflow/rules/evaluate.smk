# Each trained network reconstructs the test scan and is scored.
#
# takes results/runs/{run}/model.safetensors and results/dataset/test.npz
# makes results/runs/{run}/metrics.json, reconstruction.npz and reconstruction.png


rule evaluate:
    message:
        "Evaluating {wildcards.run}"
    input:
        model="results/runs/{run}/model.safetensors",
        test="results/dataset/test.npz",
        library=library_of_run("evaluate"),
    output:
        metrics=ensure("results/runs/{run}/metrics.json", non_empty=True),
        reconstruction=ensure("results/runs/{run}/reconstruction.npz", non_empty=True),
    params:
        device=STUDY.device,
    group:
        group_of_assessment
    log:
        "results/logs/evaluate/{run}.log",
    benchmark:
        "results/benchmarks/evaluate/{run}.tsv"
    threads: 1
    resources:
        **demands(lambda wildcards: estimates.inference(RUNS[wildcards.run], STUDY)),
        gpu=GPUS_PER_JOB,
    conda:
        "../envs/ptychopareto.yaml"
    script:
        "../scripts/evaluate.py"


rule reconstruction_picture:
    message:
        "Drawing the reconstruction of {wildcards.run}"
    input:
        reconstruction="results/runs/{run}/reconstruction.npz",
        metrics="results/runs/{run}/metrics.json",
        test="results/dataset/test.npz",
        library=library("reconstruction_picture"),
    output:
        picture=report(
            ensure("results/runs/{run}/reconstruction.png", non_empty=True),
            caption="../report/reconstruction.rst",
            category="Reconstructions",
            labels=labels_of_run,
        ),
    group:
        group_of_assessment
    log:
        "results/logs/reconstruction_picture/{run}.log",
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    conda:
        "../envs/ptychopareto.yaml"
    script:
        "../scripts/reconstruction_picture.py"
